"""Looks through all open markets for those that a screen finds worth a look, with a budget of requests."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from ..clock import Clock
from ..errors import InputRejected
from ..identifiers import ConditionId, TokenId
from ..models import Event, Market, OrderBook
from .screens import MARKET_SCREENS, Best, Hit, ScreenName, set_hit, set_offer

Progress = Callable[[float], None]


class NewsSearch(Protocol):
    """Finds markets that recent news makes worth a look, and tells how many requests that took.

    `events` are the markets of each event by its slug, those that were not asked about among them.
    """

    async def __call__(
        self, markets: Sequence[Market], *, events: Mapping[str, Sequence[Market]], budget: int
    ) -> tuple[list[Hit], int]: ...


EVENTS_A_PAGE = 100
"""Of at most 500: pages of 500 events with their markets are answers of tens of megabytes."""

SNAPSHOT_LASTS = timedelta(minutes=5)
"""As long as the catalogue itself may be old."""

_MOST_HITS = 200
_MOST_SETS = 20
_USUAL_MARKETS = 10_000
_BOOKS_A_REQUEST = 100
_SNAPSHOTS = 8


class EventPage(Protocol):
    @property
    def events(self) -> tuple[Event, ...]: ...

    @property
    def next_cursor(self) -> str | None: ...


class EventPages(Protocol):
    async def open_events(self, *, limit: int, after_cursor: str | None) -> EventPage: ...


class Books(Protocol):
    async def books(self, token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]: ...


@dataclass(frozen=True, slots=True)
class ScanCriteria:
    """Which screens, the least volume of a day in dollars, words that category, tags or titles must hold one of, and
    how many requests may be sent."""

    screens: tuple[ScreenName, ...]
    least_volume_usd: Decimal = Decimal(0)
    words: tuple[str, ...] = ()
    max_requests: int = 200


@dataclass(frozen=True, slots=True)
class Scan:
    """`hits` are the best of each screen in turns. `complete` is False where the budget ended the search."""

    hits: tuple[Hit, ...]
    counts: Mapping[ScreenName, int]
    markets: int
    requests: int
    complete: bool
    as_of: datetime


class MarketScanner:
    """Scans, and keeps what it found for a few minutes, so that a list can be read page by page."""

    def __init__(self, events: EventPages, books: Books, clock: Clock, *, news: NewsSearch | None = None) -> None:
        self._events = events
        self._books = books
        self._clock = clock
        self._news = news
        self._kept: dict[ScanCriteria, Scan] = {}
        self._expected = _USUAL_MARKETS
        self.open_markets: int | None = None
        """Open markets that the last scan of all of them has counted."""

    async def scan(self, criteria: ScanCriteria, *, progress: Progress) -> Scan:
        """Look at every open market; the answers of the catalogue may come from a cache of five minutes."""
        now = self._clock.now()
        found: defaultdict[ScreenName, list[Hit]] = defaultdict(list)
        candidates: list[Event] = []
        fitting: list[Market] = []
        by_event: dict[str, Sequence[Market]] = {}
        read = 0
        requests, cursor, more = 0, None, True
        while more and requests < criteria.max_requests:
            page = await self._events.open_events(limit=EVENTS_A_PAGE, after_cursor=cursor)
            requests += 1
            cursor, more = page.next_cursor, page.next_cursor is not None
            for event in page.events:
                markets = [market for market in event.markets if market.tradable]
                read += len(markets)
                by_event[event.slug] = markets
                if markets and _fits(event, markets, criteria.words):
                    fitting += markets
                    self._screen(event, markets, criteria, now, found, candidates)
            progress(min(0.9 * read / self._expected, 0.9))
        self._expected = max(read, 1)
        if not more:
            self.open_markets = read
        if candidates:
            found["sums"], asked, all_confirmed = await self._confirmed(
                candidates, budget=criteria.max_requests - requests
            )
            requests += asked
            more = more or not all_confirmed
        if "news_edge" in criteria.screens and self._news is not None:
            traded = [market for market in fitting if market.volume_24h >= criteria.least_volume_usd]
            found["news_edge"], asked = await self._news(
                traded, events=by_event, budget=criteria.max_requests - requests
            )
            requests += asked
        progress(1.0)
        ranked = {
            screen: sorted(hits, key=lambda hit: -hit.rank)[:_MOST_HITS] for screen, hits in found.items() if hits
        }
        turns = itertools.zip_longest(*(ranked[screen] for screen in criteria.screens if screen in ranked))
        scan = Scan(
            hits=tuple(hit for turn in turns for hit in turn if hit is not None),
            counts={screen: len(found[screen]) for screen in ranked},
            markets=read,
            requests=requests,
            complete=not more,
            as_of=now,
        )
        self._keep(criteria, scan)
        return scan

    def kept(self, criteria: ScanCriteria) -> Scan:
        """What the last scan by the same criteria found. Raises InputRejected `cursor_expired` after five minutes."""
        scan = self._kept.get(criteria)
        if scan is None or self._clock.now() - scan.as_of > SNAPSHOT_LASTS:
            raise InputRejected(
                "What this cursor points into is no longer kept.",
                code="cursor_expired",
                fix="scan again without cursor",
            )
        return scan

    def _keep(self, criteria: ScanCriteria, scan: Scan) -> None:
        self._kept.pop(criteria, None)
        self._kept[criteria] = scan
        while len(self._kept) > _SNAPSHOTS:
            del self._kept[next(iter(self._kept))]

    def _screen(
        self,
        event: Event,
        markets: Sequence[Market],
        criteria: ScanCriteria,
        now: datetime,
        found: defaultdict[ScreenName, list[Hit]],
        candidates: list[Event],
    ) -> None:
        for market in markets:
            if market.volume_24h < criteria.least_volume_usd:
                continue
            for screen in criteria.screens:
                judge = MARKET_SCREENS.get(screen)
                hit = judge(market, now) if judge else None
                if hit is not None:
                    found[screen].append(hit)
        if "sums" in criteria.screens and event.neg_risk and set_offer(event, _catalogue_quotes(markets)):
            candidates.append(event)

    async def _confirmed(self, candidates: Sequence[Event], *, budget: int) -> tuple[list[Hit], int, bool]:
        """Of events that the catalogue prices wrongly, those that are so on the books too, the requests it took, and
        whether they were enough."""
        hits: list[Hit] = []
        requests = 0
        for event in sorted(candidates, key=lambda each: -each.volume)[:_MOST_SETS]:
            tokens = {market.condition_id: market.outcomes[0].token_id for market in event.markets if market.tradable}
            wanted = list(tokens.values())
            batches = [wanted[start : start + _BOOKS_A_REQUEST] for start in range(0, len(wanted), _BOOKS_A_REQUEST)]
            if requests + len(batches) > budget:
                return hits, requests, False
            books: dict[TokenId, OrderBook] = {}
            for batch in batches:
                books |= await self._books.books(batch)
                requests += 1
            quotes = {condition: _best(books[token]) for condition, token in tokens.items() if token in books}
            if (offer := set_offer(event, quotes)) is not None:
                hits.append(set_hit(event, offer))
        return hits, requests, True


def _fits(event: Event, markets: Iterable[Market], words: Sequence[str]) -> bool:
    if not words:
        return True
    texts = (event.title, *event.tags, *itertools.chain.from_iterable((m.category, m.question) for m in markets))
    text = " ".join(texts).casefold()
    return any(word.casefold() in text for word in words)


def _catalogue_quotes(markets: Sequence[Market]) -> dict[ConditionId, Best]:
    return {market.condition_id: Best(market.best_bid, market.best_ask) for market in markets}


def _best(book: OrderBook) -> Best:
    bid, ask = book.best_bid, book.best_ask
    return Best(
        bid=bid.price if bid else None,
        ask=ask.price if ask else None,
        bid_size=bid.size if bid else None,
        ask_size=ask.size if ask else None,
    )
