"""Answers kept while they are fresh, and one question for all who ask the same at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cachetools import TLRUCache

from ..clock import Clock

KeyT = TypeVar("KeyT", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """An answer in the cache and how long it is fresh."""

    value: T
    ttl_s: float


class AnswerCache(Generic[KeyT]):
    """At most `max_entries` answers; the least recently used make room."""

    def __init__(self, *, clock: Clock, max_entries: int) -> None:
        self._kept: TLRUCache[KeyT, Kept[Any]] = TLRUCache(
            max_entries, ttu=lambda _, kept, now: now + kept.ttl_s, timer=lambda: clock.now().timestamp()
        )
        self._under_way: dict[KeyT, asyncio.Task[Any]] = {}

    def get(self, key: KeyT) -> Kept[Any] | None:
        """The answer, if one is there and still fresh."""
        return self._kept.get(key)

    def keep(self, key: KeyT, value: object, *, ttl_s: float) -> None:
        self._kept[key] = Kept(value, ttl_s)

    def is_under_way(self, key: KeyT) -> bool:
        """Whether somebody is asking now."""
        return key in self._under_way

    async def joined(self, key: KeyT, fetch: Callable[[], Awaitable[T]]) -> T:
        """One flight for all who ask at once. A caller that is cancelled leaves the flight to the others."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(fetch())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        value: T = await asyncio.shield(task)
        return value

    async def aclose(self) -> None:
        """End the flights under way; those who wait for them are cancelled."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _landed(self, key: KeyT, task: asyncio.Task[Any]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # marks it as seen when nobody is left to receive it
