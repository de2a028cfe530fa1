"""What may be known of the markets at one moment of a replay: all that a strategy reads, and nothing that is to come.

Reads are answered from the exchange's memory, without a request, as millions of moments need it.
"""

from __future__ import annotations

import dataclasses
import functools
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from ..clock import Clock, unix_ms
from ..exchange.events import ExchangeEvent, MarketResolved
from ..exchange.listing import Listing
from ..exchange.units import price_decimal
from ..exchange.venue import Exchange
from ..identifiers import ConditionId, TokenId
from ..models import Market, OrderBook, PriceHistory, PriceLevel, PricePoint
from ..money import from_micro

_HISTORY_STEP_S = 600
_HISTORY_S = 7 * 86_400

_ONE_MICRO = Decimal(1).scaleb(-6)

_price = functools.cache(price_decimal)


class Present:
    """Reads of an exchange that replays `markets`, each of which `begins_ms` at the first thing recorded of it."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        markets: Mapping[ConditionId, Market],
        *,
        begins_ms: Mapping[str, int],
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._markets = markets
        self._begun = sorted((at_ms, condition_id) for condition_id, at_ms in begins_ms.items())
        self._next_begin = 0
        self._open: dict[str, Market] = {}
        self._open_markets: tuple[Market, ...] | None = None
        self._samples: dict[str, list[PricePoint]] = {}
        exchange.events.subscribe(self._on_resolution, MarketResolved)

    def open_markets(self) -> tuple[Market, ...]:
        """Those of which something has been recorded by now and that still take orders."""
        now_ms = unix_ms(self._clock.now())
        while self._next_begin < len(self._begun) and self._begun[self._next_begin][0] <= now_ms:
            condition_id = self._begun[self._next_begin][1]
            self._next_begin += 1
            market = self._markets.get(ConditionId(condition_id))
            if market is not None and not self._exchange.markets.by_condition[condition_id].closed:
                self._open[condition_id] = market
                self._open_markets = None
        if self._open_markets is None:
            self._open_markets = tuple(self._open.values())
        return self._open_markets

    async def book(self, token_id: TokenId) -> OrderBook | None:
        """The book as it is at this moment, without the venue's fingerprint; None of a market that has ended."""
        listing = self._exchange.markets.by_token[token_id]
        if listing.closed:
            return None
        bids, asks = listing.book.levels_for(listing.outcome_of(token_id))
        now = self._clock.now()
        changed_ms = listing.changed_at_ms
        last = listing.last_trade
        return OrderBook(
            market_id=ConditionId(listing.condition_id),
            token_id=token_id,
            bids=tuple([_level(*level) for level in reversed(bids)]),
            asks=tuple([_level(*level) for level in reversed(asks)]),
            timestamp=now if changed_ms is None else datetime.fromtimestamp(changed_ms / 1000, UTC),
            received_at=now,
            tick=_price(listing.tick),
            min_size=from_micro(listing.min_size),
            neg_risk=listing.neg_risk,
            last_trade_price=None if last is None else _price(last.price),
            hash="",
        )

    async def history(self, token_id: TokenId) -> PriceHistory:
        """The last week's midpoints, ten minutes apart, up to this moment."""
        listing = self._exchange.markets.by_token[token_id]
        now = self._clock.now()
        points = self._sampled(listing, unix_ms(now) // 1000)
        if listing.tokens[0] != token_id:
            points = [PricePoint(each.at, 1 - each.price) for each in points]
        return PriceHistory(token_id, tuple(points), now)

    def midpoint(self, token_id: TokenId) -> Decimal | None:
        """Of an outcome now; after the end what it pays; None where a side of its book is empty."""
        listing = self._exchange.markets.by_token[token_id]
        outcome = listing.outcome_of(token_id)
        if listing.closed:
            return Decimal("0.5") if listing.winner is None else Decimal(int(listing.winner == outcome))
        bid, ask = listing.book.best_for(outcome)
        return None if bid is None or ask is None else _price(bid + ask) / 2

    async def siblings(self, market: Market) -> Sequence[Market]:
        """The open markets of a neg-risk market's event, with the best prices of this moment."""
        return await self.event_markets(market) if market.neg_risk else ()

    async def event_markets(self, market: Market) -> Sequence[Market]:
        """The open markets of a market's event, with the best prices of this moment."""
        return [self._as_quoted(each) for each in self.open_markets() if each.event_slug == market.event_slug]

    def _sampled(self, listing: Listing, now_s: int) -> list[PricePoint]:
        """Samples of the first outcome up to now. What lies before this second cannot change any more, and is kept."""
        known = self._samples.setdefault(listing.condition_id, [])
        after_s = int(known[-1].at.timestamp()) + 1 if known else now_s - _HISTORY_S
        found = [
            PricePoint(datetime.fromtimestamp(at, UTC), price)
            for at, price in listing.history.sampled(after_s, now_s, step_s=_HISTORY_STEP_S)
        ]
        first = bisect_left(known, now_s - _HISTORY_S, key=lambda point: int(point.at.timestamp()))
        del known[:first]
        known += [point for point in found if point.at.timestamp() < now_s]
        return [*known, *(point for point in found if point.at.timestamp() >= now_s)]

    def _as_quoted(self, market: Market) -> Market:
        bid, ask = self._exchange.markets.by_condition[market.condition_id].book.best_for(0)
        return dataclasses.replace(
            market, best_bid=None if bid is None else _price(bid), best_ask=None if ask is None else _price(ask)
        )

    def _on_resolution(self, event: ExchangeEvent) -> None:
        if isinstance(event, MarketResolved) and self._open.pop(event.listing.condition_id, None) is not None:
            self._open_markets = None


@functools.lru_cache(maxsize=100_000)
def _level(price: int, size: int) -> PriceLevel:
    """Most levels are as they were at the look before."""
    return PriceLevel(_price(price), size * _ONE_MICRO)
