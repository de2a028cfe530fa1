"""Sees a halt that came from outside this process, by file or signal, and takes every order off the book."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from datetime import datetime

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import PolymarketAPIError
from ..risk.kill_switch import KillSwitch
from .cancels import Cancels

_log = logging.getLogger(__name__)

_POLL_S = 1.0


class HaltWatch:
    """Runs beside the desk. What the desk halts itself it also cancels itself; see `note`.

    SIGUSR1 halts, where the system has it: `kill -USR1 PID` works when nothing else answers.
    """

    def __init__(self, kill_switch: KillSwitch, cancels: Cancels, clock: Clock) -> None:
        self._kill_switch = kill_switch
        self._cancels = cancels
        self._clock = clock
        self._seen: datetime | None = None
        self._task: asyncio.Task[None] | None = None
        self._signalled: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="halt watch")
        self._task.add_done_callback(logs_failure(_log, "a halt from outside no longer cancels orders by itself"))
        if hasattr(signal, "SIGUSR1"):
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):  # not the main thread
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(signal.SIGUSR1, self._halt)
                self._signalled = loop

    async def aclose(self) -> None:
        if self._signalled is not None:
            self._signalled.remove_signal_handler(signal.SIGUSR1)
            self._signalled = None
        if self._task is not None:
            await cancelled(self._task)

    def note(self, since: datetime) -> None:
        """The halt of that moment is being dealt with already."""
        self._seen = since

    def _halt(self) -> None:
        self._kill_switch.engage("a signal to the process", self._clock.now())

    async def _run(self) -> None:
        while True:
            halt = self._kill_switch.current()
            if halt is not None and halt.since != self._seen:
                try:
                    await self._cancels.of_everything()
                    self._seen = halt.since
                except PolymarketAPIError as error:
                    _log.error("the desk is halted and its orders may still rest: %s", error.message)
            await self._clock.sleep(_POLL_S)
