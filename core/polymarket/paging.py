"""Walking through pages by cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from ..errors import UnexpectedPayload

ItemT = TypeVar("ItemT")
ItemT_co = TypeVar("ItemT_co", covariant=True)


class Page(Protocol[ItemT_co]):
    """Some items; `next_cursor` is None on the last page."""

    @property
    def items(self) -> tuple[ItemT_co, ...]: ...

    @property
    def next_cursor(self) -> str | None: ...


async def all_items(page: Callable[[str | None], Awaitable[Page[ItemT]]]) -> AsyncIterator[ItemT]:
    """The items of every page, each fetched when it is reached; the first one has no cursor.

    Raises UnexpectedPayload when the cursors run in a circle.
    """
    seen: set[str | None] = set()
    cursor: str | None = None
    while cursor not in seen:
        seen.add(cursor)
        current = await page(cursor)
        for item in current.items:
            yield item
        if current.next_cursor is None:
            return
        cursor = current.next_cursor
    raise UnexpectedPayload("the pages run in a circle", path="next_cursor")
