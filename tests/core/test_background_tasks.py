"""Ending a task in the background loses neither its failure nor a cancellation of whoever ends it."""

from __future__ import annotations

import asyncio

import pytest

from polydesk.core.background_tasks import cancelled


async def test_it_returns_when_the_task_has_ended() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancelled(task)
    assert ended == [True]
    await cancelled(task)  # once more does no harm


async def test_a_failure_of_the_task_is_raised() -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("it went wrong")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="it went wrong"):
        await cancelled(task)


async def test_who_is_cancelled_while_ending_a_task_is_cancelled() -> None:
    """Else a loop that ends its tasks in each round would go on for ever."""
    going = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await going.wait()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    ending = asyncio.create_task(cancelled(task))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    going.set()
    await asyncio.wait([task])
