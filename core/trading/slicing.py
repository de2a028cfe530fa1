"""A large order split over time, or by what rests on the book: when each slice is due and how large it is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from ..errors import InputRejected
from ..models import OrderBook, OrderSide, Trade, TradeStatus
from ..money import floor_to_tick, on_tick, round_down, text
from .intent import OrderIntent
from .market_order import MIN_MARKETABLE_BUY_USD
from .order_record import OrderRecord

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_SHARE_DECIMALS = 2
_LEAST_SHARES = Decimal("0.01")
_GRACE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class SlicedOrder:
    """`intent` is the whole order: `size` shares at `price` or better, each slice taking what rests (FAK).

    Over time there are `slices` of equal size, `every_s` seconds apart, each interval up to the part `jitter` (0 to
    0.5) longer or shorter. With `depth_share` (above 0, at most 1) a slice is instead at most that share of what
    rests within `depth_within` dollars of the best price, and `slices` is the most there may be.
    """

    intent: OrderIntent
    slices: int
    every_s: int
    jitter: Decimal = Decimal(0)
    depth_share: Decimal | None = None
    depth_within: Decimal = Decimal("0.02")

    @property
    def size(self) -> Decimal:
        """Shares in all."""
        assert isinstance(self.intent.size, Decimal)
        return self.intent.size

    @property
    def limit(self) -> Decimal:
        """The worst price of every slice."""
        assert self.intent.price is not None
        return self.intent.price

    @property
    def interval(self) -> timedelta:
        """From one slice to the next, before jitter."""
        return timedelta(seconds=self.every_s)

    @property
    def fingerprint(self) -> str:
        """Equal for orders that ask for the same work."""
        parts = (
            self.intent.fingerprint,
            self.slices,
            self.every_s,
            *(None if each is None else text(each) for each in (self.jitter, self.depth_share, self.depth_within)),
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def ends_at(self, started_at: datetime) -> datetime:
        """When its time is over, whatever is left: a desk that was away does not catch up days later."""
        return started_at + self.slices * self.interval * float(1 + self.jitter) + _GRACE

    def next_at(self, run_id: str, started_at: datetime, placed: Sequence[OrderRecord]) -> datetime:
        """When the slice after those placed is due. The same for the same run, so that a restart keeps the pace."""
        if not placed:
            return started_at
        drawn = Random(f"{run_id} {len(placed)}").uniform(-1, 1)
        return placed[-1].created_at + self.interval * (1 + drawn * float(self.jitter))

    def beyond_limit(self, book: OrderBook) -> bool:
        """Whether nothing rests at the limit or better any more."""
        buying = self.intent.side is OrderSide.BUY
        best = book.best_ask if buying else book.best_bid
        return best is None or (best.price > self.limit if buying else best.price < self.limit)

    def slice_size(self, remaining: Decimal, book: OrderBook, *, left: int) -> Decimal:
        """Shares of the next slice, of which `left` are left; 0 where the book is too thin for one.

        What earlier slices did not get is spread over those that are left. Where that makes them too small, they
        are as small as the venue takes, and one that would leave too little takes all.
        """
        if self.depth_share is not None:
            shares = round_down(min(remaining, self.depth_share * self._depth(book)), _SHARE_DECIMALS)
            return Decimal(0) if self.too_small(shares, book) else shares
        shares = max(round_down(remaining / left, _SHARE_DECIMALS), self._least(book))
        if self.too_small(remaining - shares, book) and remaining - shares < shares:
            return round_down(remaining, _SHARE_DECIMALS)
        return shares

    def too_small(self, shares: Decimal, book: OrderBook) -> bool:
        """Whether the venue would not take so few shares at once."""
        return shares < self._least(book)

    def slice_intent(self, shares: Decimal) -> OrderIntent:
        return dataclasses.replace(self.intent, size=shares)

    def _least(self, book: OrderBook) -> Decimal:
        """The fewest shares that can be traded at once: a purchase is worth a dollar at least."""
        if self.intent.side is OrderSide.SELL:
            return _LEAST_SHARES
        price = book.best_ask.price if book.best_ask else self.limit
        return (MIN_MARKETABLE_BUY_USD / price).quantize(_LEAST_SHARES, rounding=ROUND_CEILING)

    def _depth(self, book: OrderBook) -> Decimal:
        """Shares that rest within reach of the best price, and within the limit."""
        buying = self.intent.side is OrderSide.BUY
        levels = book.asks if buying else book.bids
        if not levels:
            return Decimal(0)
        best = levels[0].price
        furthest = min(best + self.depth_within, self.limit) if buying else max(best - self.depth_within, self.limit)
        return sum(
            (level.size for level in levels if (level.price <= furthest if buying else level.price >= furthest)),
            Decimal(0),
        )


@dataclass(frozen=True, slots=True)
class Filled:
    """What the slices have traded, failed trades excepted: shares, and dollars before fees."""

    shares: Decimal
    dollars: Decimal

    @property
    def average_price(self) -> Decimal | None:
        return self.dollars / self.shares if self.shares else None


def check_sliced(order: SlicedOrder) -> None:
    """Raise InputRejected for an order that could not be split so."""
    tick = order.intent.market.tick
    if not on_tick(order.limit, tick):
        raise InputRejected(
            f"Price {text(order.limit)} is not on this market's grid of {text(tick)}.",
            code="price_off_tick",
            fix=f"use {text(floor_to_tick(order.limit, tick))}",
        )
    each = round_down(order.size / order.slices, _SHARE_DECIMALS)
    if order.depth_share is not None:
        each = order.size
    buying = order.intent.side is OrderSide.BUY
    if each < _LEAST_SHARES or (buying and each * order.limit < MIN_MARKETABLE_BUY_USD):
        raise InputRejected(
            f"Slices of {text(each)} shares at {text(order.limit)} are below what can be traded at once, which is "
            + ("$1 to buy." if buying else "0.01 shares to sell."),
            code="below_minimum",
            fix="use fewer slices or a larger size",
        )


def filled_by(placed: Iterable[OrderRecord], trades: Iterable[Trade]) -> Filled:
    """Add up the slices' fills. Where the venue does not list a slice's trades yet, its answer to the order counts."""
    listed: dict[str, list[Trade]] = {}
    for trade in trades:
        listed.setdefault(trade.order_id, []).append(trade)
    shares = dollars = Decimal(0)
    for record in placed:
        fills = listed.get(record.order_id or "")
        if fills:
            kept = [fill for fill in fills if fill.status is not TradeStatus.FAILED]
            shares += sum((fill.size for fill in kept), Decimal(0))
            dollars += sum((fill.size * fill.price for fill in kept), Decimal(0))
        elif record.result is not None:
            buying = record.intent.side is OrderSide.BUY
            shares += record.result.taking if buying else record.result.making
            dollars += record.result.making if buying else record.result.taking
    return Filled(shares, dollars)


def order_to_text(order: SlicedOrder) -> str:
    market = dataclasses.replace(order.intent.market, description="")
    lean = dataclasses.replace(order, intent=dataclasses.replace(order.intent, market=market))
    return _adapter().dump_json(lean).decode()


def order_from_text(document: str) -> SlicedOrder:
    return _adapter().validate_json(document)


@cache
def _adapter() -> TypeAdapter[SlicedOrder]:
    from pydantic import TypeAdapter

    return TypeAdapter(SlicedOrder)
