"""From fills to trades: each is made, recorded, settled step by step, and told of."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

from .agenda import Agenda
from .book import Order
from .events import EventFeed, TradeChanged
from .ledger import Ledger
from .listing import LastTrade, Listing
from .markets import Markets
from .matching import Bucket, Fill
from .registry import Registry
from .settings import ExchangeSettings
from .settlement import Settlement
from .trades import MakerFill, Trade
from .units import UNIT


class Executions:
    """Makes the trades of one exchange and takes them to their end. `rng` draws their ids."""

    def __init__(
        self,
        settings: ExchangeSettings,
        *,
        agenda: Agenda,
        ledger: Ledger,
        markets: Markets,
        registry: Registry,
        feed: EventFeed,
        now_ms: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self._markets = markets
        self._registry = registry
        self._feed = feed
        self._now_ms = now_ms
        self._random = rng
        self._settlement = Settlement(settings, agenda=agenda, ledger=ledger, now_ms=now_ms, tell=self._moved)

    def make(self, taker: Order, listing: Listing, bucket: Bucket, *, index: int = 0) -> Trade:
        """Trade the fills of one price: shares leave the book, and what both sides owe is held until `settle`."""
        now_ms = self._now_ms()
        trade = Trade(
            id=str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            taker=taker,
            bucket_index=index,
            shares=bucket.shares,
            cash=bucket.cash,
            price=bucket.price,
            fee=bucket.fee,
            makers=tuple([_maker_fill(fill, taker) for fill in bucket.fills]),
            matched_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        listing.engine.take(taker, bucket)
        for fill in bucket.fills:
            maker = fill.maker
            maker.trade_ids.append(trade.id)
            if not maker.open_size:
                maker.status = "MATCHED"
                self._registry.note_off_book(maker)
        self._settlement.hold(trade)
        taker.trade_ids.append(trade.id)
        listing.volume += trade.cash
        listing.last_trade = LastTrade(taker.outcome, trade.price, taker.side)
        self._registry.note_trade(trade)
        return trade

    def settle(self, trade: Trade) -> None:
        """Send a trade that was made, and told of, on its way."""
        self._settlement.begin(trade)

    def resume(self, trade: Trade) -> None:
        """Record a trade of a former run, and go on with it from where it was."""
        self._registry.note_trade(trade)
        self._settlement.resume(trade)

    def finish(self, condition_id: str) -> None:
        """Settle at once what a market has pending."""
        self._settlement.finish(condition_id)

    def _moved(self, trade: Trade) -> None:
        listing = self._markets.by_token[trade.taker.token_id]
        if trade.status == "FAILED":
            listing.volume -= trade.cash
        self._feed.publish(TradeChanged(trade, listing))
        if trade.status in ("CONFIRMED", "FAILED"):
            self._registry.forget_if_between_houses(trade)


def _maker_fill(fill: Fill, taker: Order) -> MakerFill:
    if fill.maker.outcome == taker.outcome:
        return MakerFill(fill.maker, fill.shares, fill.cash, fill.price)
    return MakerFill(fill.maker, fill.shares, fill.shares - fill.cash, UNIT - fill.price)
