"""Keeps tasks of the background going, ends them, and tells of those that fail while nobody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from logging import Logger
from typing import Any, NoReturn

from .clock import Clock
from .errors import PolymarketAPIError


async def repeated(
    do: Callable[[], Awaitable[object]], *, every_s: float, clock: Clock, log: Logger, failure: str
) -> NoReturn:
    """Do something now and, from each end of it, so many seconds later again, whatever it fails with.

    `failure` says what is not done then. It is logged when that begins, not each time: one bad answer must neither end
    the work nor fill the log.
    """
    failing = False
    while True:
        try:
            await do()
        except PolymarketAPIError as error:
            if not failing:
                log.warning("%s: %s", failure, error.message)
            failing = True
        except Exception:
            if not failing:
                log.exception(failure)
            failing = True
        else:
            failing = False
        await clock.sleep(every_s)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task and return when it has ended. Raises what it fails with, unless that is the cancellation.

    A cancellation of the caller passes through: awaiting the task itself could not tell the two apart.
    """
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


def logs_failure(log: Logger, message: str) -> Callable[[asyncio.Task[Any]], None]:
    """A done callback that logs `message` with the error of a task that failed."""

    def tell(task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error(message, exc_info=error)

    return tell
