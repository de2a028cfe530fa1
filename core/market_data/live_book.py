"""One outcome's book kept from a stream: integer price levels and where they stand in time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ..clock import unix_ms
from ..identifiers import ConditionId, TokenId
from ..models import OrderBook, OrderSide
from ..polymarket.wire.stream_events import (
    PRICE_UNIT,
    BookSnapshot,
    LevelRow,
    moment_of,
    price_e4,
    price_levels,
    size_micro,
)

BookSource = Literal["stream", "rest"]

_BUY = OrderSide.BUY
"""Bound once: looking a member up in its enumeration takes as long as all the rest of a level change."""

_KEPT_CHANGES = 1_000
"""Changes held back for one book while it is being fetched; a fetch that takes longer is repeated."""


@dataclass(slots=True, eq=False)
class LiveBook:
    """Levels by price: prices in ten-thousandths of a dollar, sizes in millionths of a share.

    `stale` means: do not trade on it, changes may be missing; a book is stale until its first snapshot. `as_of` is
    when anything was last heard about this outcome, `updated_ms` the venue's time of the last level change. `gaps`
    counts how often changes were missed. `absent` says that the venue has no such book. `hashes` are the venue's
    fingerprints at `updated_ms`, the latest last. `held_back` are changes that wait for a book that is being fetched,
    `frame` is the number of the last frame that changed this book.
    """

    token_id: TokenId
    as_of: datetime
    condition_id: ConditionId | None = None
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    best_bid: int = 0
    best_ask: int = PRICE_UNIT
    source: BookSource = "stream"
    stale: bool = True
    absent: bool = False
    gaps: int = 0
    snapshot_ms: int = 0
    updated_ms: int = 0
    hashes: tuple[str, ...] = ()
    tick: Decimal | None = None
    last_trade_price: Decimal | None = None
    min_size: Decimal | None = None
    neg_risk: bool | None = None
    held_back: deque[tuple[int, LevelRow]] | None = None
    frame: int = 0

    @property
    def hash(self) -> str:
        """The venue's fingerprint of the book as it stands; empty before the first snapshot."""
        return self.hashes[-1] if self.hashes else ""

    @property
    def seen(self) -> bool:
        """Whether a whole book has ever arrived."""
        return self.condition_id is not None

    def change(self, side: OrderSide, price: int, size: int) -> None:
        """Set the size of one level; 0 removes it."""
        if side is _BUY:
            if size:
                self.bids[price] = size
                if price > self.best_bid:
                    self.best_bid = price
            elif self.bids.pop(price, 0) and price == self.best_bid:
                self.best_bid = max(self.bids, default=0)
        elif size:
            self.asks[price] = size
            if price < self.best_ask:
                self.best_ask = price
        elif self.asks.pop(price, 0) and price == self.best_ask:
            self.best_ask = min(self.asks, default=PRICE_UNIT)

    def advance(self, timestamp_ms: int, fingerprint: str) -> None:
        """Note the venue's time and fingerprint of a change that was applied."""
        if timestamp_ms > self.updated_ms:
            self.updated_ms = timestamp_ms
            self.hashes = (fingerprint,)
        elif fingerprint not in self.hashes:
            self.hashes += (fingerprint,)

    def agrees_with(self, row: LevelRow) -> bool:
        """Whether our best prices are those that the venue told with its change."""
        *_, best_bid, best_ask = row
        return (best_bid is None or best_bid == self.best_bid) and (best_ask is None or best_ask == self.best_ask)

    def holds(self, snapshot: BookSnapshot) -> bool:
        """Whether our levels are those of a snapshot."""
        return self.bids == dict(snapshot.bid_levels) and self.asks == dict(snapshot.ask_levels)

    def install(self, snapshot: BookSnapshot, *, now: datetime, source: BookSource) -> None:
        """Take over a whole book. What a snapshot leaves out (tick, last trade) stays as it was."""
        self.condition_id = snapshot.condition_id
        self.bids = {price: size for price, size in snapshot.bid_levels if size}
        self.asks = {price: size for price, size in snapshot.ask_levels if size}
        self.best_bid = max(self.bids, default=0)
        self.best_ask = min(self.asks, default=PRICE_UNIT)
        self.snapshot_ms = self.updated_ms = snapshot.timestamp_ms
        self.hashes = (snapshot.hash,)
        self.tick = snapshot.tick or self.tick
        self.last_trade_price = snapshot.last_trade_price or self.last_trade_price
        self.source = source
        self.stale = self.absent = False
        self.held_back = None
        self.as_of = now

    def hold_back(self, timestamp_ms: int, row: LevelRow) -> None:
        """Keep a change for the book that is being fetched. Too many of them make that book useless."""
        if self.held_back is None:
            return
        if len(self.held_back) >= _KEPT_CHANGES:
            self.held_back = None
        else:
            self.held_back.append((timestamp_ms, row))

    def learn(self, book: OrderBook) -> None:
        """Keep what only REST tells: the smallest order and whether the market is neg-risk."""
        self.min_size, self.neg_risk = book.min_size, book.neg_risk
        self.tick = self.tick or book.tick

    def to_order_book(self) -> OrderBook | None:
        """The book as the rest of the desk knows it; None as long as REST has not told its terms."""
        if self.min_size is None or self.neg_risk is None or self.tick is None or self.condition_id is None:
            return None
        return OrderBook(
            market_id=self.condition_id,
            token_id=self.token_id,
            bids=price_levels(sorted(self.bids.items(), reverse=True)),
            asks=price_levels(sorted(self.asks.items())),
            timestamp=moment_of(self.updated_ms),
            received_at=self.as_of,
            tick=self.tick,
            min_size=self.min_size,
            neg_risk=self.neg_risk,
            last_trade_price=self.last_trade_price,
            hash=self.hash,
        )


def snapshot_of(book: OrderBook) -> BookSnapshot:
    """A book that was read by REST, in the stream's terms. Raises ValueError for a price or size between units."""
    return BookSnapshot(
        token_id=book.token_id,
        condition_id=book.market_id,
        bid_levels=tuple((price_e4(level.price), size_micro(level.size)) for level in book.bids),
        ask_levels=tuple((price_e4(level.price), size_micro(level.size)) for level in book.asks),
        timestamp_ms=unix_ms(book.timestamp),
        hash=book.hash,
        tick=book.tick,
        last_trade_price=book.last_trade_price,
    )
