"""Answers are kept while fresh, within bounds, and asked for once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.resilience.answer_cache import AnswerCache


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 1, tzinfo=UTC))


async def test_an_answer_is_there_until_its_time_is_up(clock: ManualClock) -> None:
    cache: AnswerCache[str] = AnswerCache(clock=clock, max_entries=10)
    cache.keep("a", None, ttl_s=5)
    kept = cache.get("a")
    assert kept is not None
    assert kept.value is None
    await clock.advance(5.1)
    assert cache.get("a") is None


def test_the_least_recently_used_makes_room(clock: ManualClock) -> None:
    cache: AnswerCache[int] = AnswerCache(clock=clock, max_entries=2)
    for key in (1, 2):
        cache.keep(key, key, ttl_s=60)
    cache.get(1)
    cache.keep(3, 3, ttl_s=60)
    assert [key for key in (1, 2, 3) if cache.get(key)] == [1, 3]


async def test_closing_cancels_who_waits(clock: ManualClock) -> None:
    cache: AnswerCache[str] = AnswerCache(clock=clock, max_entries=2)
    never = asyncio.Event()
    waiting = asyncio.create_task(cache.joined("a", never.wait))
    await asyncio.sleep(0)
    assert cache.is_under_way("a")
    await cache.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not cache.is_under_way("a")
