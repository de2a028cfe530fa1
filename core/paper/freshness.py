"""Which books on the exchange are as the real ones are, and since when others are not: none of those is traded on."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..clock import Clock
from ..exchange.listing import Listing
from ..exchange.venue import Exchange
from ..identifiers import TokenId
from ..market_data.market_feed import MarketFeed
from .absence import Absences

_ANSWER_S = 3.0
"""As long as the real venue may take to send a book that it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessSettings:
    """Prices older than `stale_after_s` are not traded on. A request waits `patience_s` for them to come."""

    stale_after_s: float = 10.0
    patience_s: float = 4.0


class Freshness:
    """Judges the books of one exchange by the feed. `shown` are the condition ids whose book follows the real one."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        feed: MarketFeed,
        clock: Clock,
        absences: Absences,
        settings: FreshnessSettings,
    ) -> None:
        self.shown: set[str] = set()
        self._exchange = exchange
        self._feed = feed
        self._clock = clock
        self._absences = absences
        self._settings = settings
        self._news = asyncio.Event()

    def note_news(self) -> None:
        """Let whoever waits for a book look again."""
        self._news.set()

    async def wait_current(self, token_ids: Collection[str]) -> None:
        """Return when the books of these tokens are current, or after the patience of the settings."""
        by_token = self._exchange.markets.by_token
        listings = {by_token[each] for each in token_ids if each in by_token}
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.patience_s):
                while any(self._may_come(each) for each in listings):
                    self._news.clear()
                    await self._news.wait()

    def stale_since(self, listing: Listing) -> datetime | None:
        """Since when the prices of an open market have not been current; None while they are."""
        if listing.closed:
            return None
        book = self._feed.live_book(TokenId(listing.tokens[0]))
        as_of = book.as_of if book is not None else self._absences.seen_until(listing.condition_id)
        if listing.condition_id not in self.shown or book is None or self._feed.whole_book(book.token_id) is None:
            return as_of
        return as_of if self._clock.now() - as_of > timedelta(seconds=self._settings.stale_after_s) else None

    def has_no_book(self, token_id: str) -> bool:
        """Whether the real venue has said that there is no book for a listed token."""
        listing = self._exchange.markets.by_token.get(token_id)
        book = None if listing is None else self._feed.live_book(TokenId(listing.tokens[0]))
        return book is not None and book.absent

    def stale_among(self, condition_ids: Iterable[str]) -> dict[str, datetime]:
        """Those of these markets whose prices stopped coming, and since when.

        A quiet market is asked again after a while; it is not named for the moment that the answer takes.
        """
        late = self._clock.now() - timedelta(seconds=self._settings.stale_after_s + _ANSWER_S)
        found = {each: self.stale_since(self._exchange.markets.by_condition[each]) for each in condition_ids}
        return {each: since for each, since in found.items() if since is not None and since < late}

    def refusal(self, token_ids: Iterable[str]) -> str | None:
        """Why no order is taken for these tokens now; None when their prices are current."""
        for token_id in token_ids:
            listing = self._exchange.markets.by_token.get(token_id)
            since = None if listing is None else self.stale_since(listing)
            if listing is not None and since is not None and not self.has_no_book(token_id):
                age_s = max((self._clock.now() - since).total_seconds(), 0)
                cause = f"the real venue's stream says: {error}" if (error := self._feed.last_error) else "no news"
                if listing.condition_id in self._absences.pending:
                    cause = "what happened while the desk was away is being settled"
                return (
                    f"stale prices: those of {listing.recorded.gamma.get('slug', token_id)} are {age_s:.0f} s old "
                    f"({cause}). Nothing was done. Orders are taken again as soon as prices come; cancels always pass"
                )
        return None

    def note_current(self) -> None:
        """Every market whose prices are current was followed up to now."""
        for condition_id in self.shown:
            listing = self._exchange.markets.by_condition[condition_id]
            if not listing.closed and self.stale_since(listing) is None:
                self._absences.saw(listing)

    def _may_come(self, listing: Listing) -> bool:
        """Whether waiting for the book of a market makes sense."""
        return self.stale_since(listing) is not None and not self.has_no_book(listing.tokens[0])
