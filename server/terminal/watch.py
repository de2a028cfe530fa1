"""`polydesk watch`: the desk on a terminal, live."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

from ...core.clock import Clock, SystemClock
from ...core.errors import VenueUnavailable
from ...core.settings import forget_secrets_in_environment, load_settings
from ...core.untrusted_text import quoted

_NEWS_WITHIN_S = 2.0
_TRY_AGAIN_S = 1.0


def watch(options: argparse.Namespace) -> int:
    """Show the desk until Ctrl-C, or for as many `updates` as are asked for.

    It opens the desk if no process holds it, and then is the desk as a host's server would be.
    """
    settings = load_settings(mode=options.mode)
    forget_secrets_in_environment()
    from ..application import Application

    asyncio.run(_watch(Application(settings), SystemClock(), updates=options.updates, as_json=options.json))
    return 0


async def _watch(application: Any, clock: Clock, *, updates: int | None, as_json: bool) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(application.aclose)
        show = _as_json if as_json else opened.enter_context(_Live())
        showing = asyncio.create_task(_show(application, clock, show, updates=updates))
        stop = asyncio.create_task(stopped.wait())
        done, others = await asyncio.wait({showing, stop}, return_when=asyncio.FIRST_COMPLETED)
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if showing in done:
            showing.result()


async def _show(application: Any, clock: Clock, show: Any, *, updates: int | None) -> None:
    count = 0
    async for told in overviews(application, clock):
        show(told)
        count += 1
        if count == updates:
            return


async def overviews(application: Any, clock: Clock) -> AsyncIterator[Mapping[str, Any]]:
    """The overview at once, whenever orders, runs or the halt change, and every two seconds."""
    mark: str | None = None
    while True:
        asked = {} if mark is None else {"unlike": mark, "within_s": _NEWS_WITHIN_S}
        try:
            told = await application.doorway.look("overview", asked)
        except VenueUnavailable as error:
            if mark is None:
                raise
            print(f"polydesk: {quoted(error.message, 300)}", file=sys.stderr)
            await clock.sleep(_TRY_AGAIN_S)  # the desk goes on in another process
            continue
        mark = told["mark"]
        yield told


def _as_json(told: Mapping[str, Any]) -> None:
    print(json.dumps(told), flush=True)


class _Live:
    """The whole terminal, given back as it was."""

    def __enter__(self) -> Any:
        from rich.live import Live

        from .screen import screen

        self._live = Live(screen=sys.stdout.isatty(), auto_refresh=False)
        self._live.__enter__()

        def show(told: Mapping[str, Any]) -> None:
            self._live.update(screen(told), refresh=True)

        return show

    def __exit__(self, *problem: Any) -> None:
        self._live.__exit__(*problem)
