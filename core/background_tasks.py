"""Ends tasks that run in the background, and tells of those that fail while nobody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from logging import Logger
from typing import Any


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
