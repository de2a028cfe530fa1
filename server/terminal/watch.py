"""`polydesk watch`: the desk on a terminal, live."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from ...core.clock import Clock, SystemClock
from ...core.errors import PolymarketAPIError
from ...core.settings import forget_secrets_in_environment, load_settings
from ...core.untrusted_text import quoted

if TYPE_CHECKING:
    from ..application import Application

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


async def _watch(application: Application, clock: Clock, *, updates: int | None, as_json: bool) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(application.aclose)
        show: Show = _as_json if as_json else opened.enter_context(_Live())
        showing = asyncio.create_task(_show(application, clock, show, updates=updates))
        stop = asyncio.create_task(stopped.wait())
        done, others = await asyncio.wait({showing, stop}, return_when=asyncio.FIRST_COMPLETED)
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if showing in done:
            showing.result()


async def _show(application: Application, clock: Clock, show: Show, *, updates: int | None) -> None:
    count = 0
    async for update in follow(application.doorway.look, clock):
        show(update)
        count += update.problem is None
        if count == updates:
            return


class Update(NamedTuple):
    """The last overview that was read, and why no newer one could be."""

    told: Mapping[str, Any]
    problem: str | None = None


Show = Callable[[Update], None]


async def follow(look: Callable[..., Awaitable[Mapping[str, Any] | None]], clock: Clock) -> AsyncIterator[Update]:
    """The overview at once, whenever orders, runs or the halt change, and every two seconds.

    Raises what the first look raises. Later the desk may go on in another process, or in a while.
    """
    told = await look("overview", {})
    problem: str | None = None
    while told is not None:
        yield Update(told, problem)
        if problem is not None:
            await clock.sleep(_TRY_AGAIN_S)
        try:
            told = await look("overview", {"unlike": told["mark"], "within_s": _NEWS_WITHIN_S})
            problem = None
        except PolymarketAPIError as error:
            problem = quoted(error.message, 300)


def _as_json(update: Update) -> None:
    if update.problem is None:
        print(json.dumps(update.told), flush=True)
    else:
        print(f"polydesk: {update.problem}", file=sys.stderr)


class _Live:
    """The whole terminal, given back as it was."""

    def __enter__(self) -> Show:
        from rich.console import Group
        from rich.live import Live
        from rich.text import Text

        from .screen import screen

        self._live = Live(screen=sys.stdout.isatty(), auto_refresh=False)
        self._live.__enter__()

        def show(update: Update) -> None:
            parts = [screen(update.told)]
            if update.problem is not None:
                parts.insert(0, Text(f"! Not current, the desk does not answer: {update.problem}", style="bold red"))
            self._live.update(Group(*parts), refresh=True)

        return show

    def __exit__(self, *problem: Any) -> None:
        self._live.__exit__(*problem)
        if not sys.stdout.isatty():
            print()  # a pipe is left without the end of its last line
