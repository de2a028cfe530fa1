"""Where news comes from: what a source must be able to do, so that a host can hand in its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..errors import VenueUnavailable
from ..models import NewsItem


class NewsSourceFailed(VenueUnavailable):
    """A source could not be read. Nothing was done, and the other sources are not concerned."""


class NewsSource(Protocol):
    """Something that knows items of news, such as a feed, an archive, or a host's own service."""

    @property
    def name(self) -> str:
        """What its items are said to come from, where they do not say so themselves."""
        ...

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        """Its newest items, or those about a query where it can search; none where nothing is new.

        Raises NewsSourceFailed.
        """
        ...
