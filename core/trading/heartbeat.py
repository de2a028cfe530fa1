"""Tells the venue that the desk is alive, so that it cancels the desk's orders when it no longer is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import OrderError, PolymarketAPIError

_log = logging.getLogger(__name__)

_EVERY_S = 5.0
"""The venue cancels everything of an API key that has not been heard for 10 seconds."""


class Heartbeat:
    """Beats from `start` to `aclose`. The first beat arms the switch, for every order of the API key."""

    def __init__(self, beat: Callable[[str], Awaitable[str]], clock: Clock) -> None:
        self._beat = beat
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="heartbeat")
            self._task.add_done_callback(logs_failure(_log, "the venue hears no heartbeat and cancels all orders"))

    async def aclose(self) -> None:
        """Beat no more: within seconds the venue cancels what rests."""
        if self._task is not None:
            await cancelled(self._task)

    async def _run(self) -> None:
        expected = ""
        while True:
            try:
                expected = await self._beat(expected)
            except OrderError as error:
                # Somebody else beat with this key, or the venue forgot: an empty id begins anew.
                _log.warning("the heartbeat begins anew: %s", error.message)
                expected = ""
            except PolymarketAPIError as error:
                _log.warning("a heartbeat was lost: %s", error.message)
            await self._clock.sleep(_EVERY_S)
