"""The fills of a replay's account as the exchange made them, each beside the price of its moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from ..exchange.book import Order
from ..exchange.events import ExchangeEvent, MarketResolved, OrderChanged, TradeChanged, WalletActed
from ..exchange.listing import Listing
from ..exchange.trades import Trade as ExchangeTrade
from ..exchange.units import UNIT
from ..exchange.venue import Exchange
from ..identifiers import ConditionId, OrderId, TokenId, TradeId
from ..models import OrderSide, Trade, TradeStatus
from ..money import from_micro

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill, and its outcome's midpoint: just before a taking order met the book, or when a resting one had filled.

    `cash` is what changed hands in dollars without the fee, exactly; price x size rounds it.
    """

    trade: Trade
    midpoint: Decimal
    cash: Decimal

    @property
    def fee(self) -> Decimal:
        return self.trade.fee or _NOTHING

    @property
    def bought(self) -> Decimal:
        """Shares that came; negative for those that went."""
        return self.trade.size if self.trade.side is OrderSide.BUY else -self.trade.size

    @property
    def brought(self) -> Decimal:
        """Dollars that came; negative for what was paid; with the fee."""
        return (-self.cash if self.trade.side is OrderSide.BUY else self.cash) - self.fee

    @property
    def spread(self) -> Decimal:
        """Dollars by which the price was better than the midpoint: makers earn them, takers mostly pay."""
        return self.bought * self.midpoint + self.brought + self.fee


class FillLog:
    """Listens to an exchange for the fills of `account`, those left out that failed to settle.

    `last_midpoints` are those that markets' first outcomes had before the markets ended. `account_events` counts what
    may have changed somebody's holdings.
    """

    def __init__(self, exchange: Exchange, account: str) -> None:
        self.last_midpoints: dict[str, Decimal] = {}
        self.account_events = 0
        self._account = account
        self._before_order: dict[str, Decimal | None] = {}
        self._fills: dict[tuple[str, str], tuple[ExchangeTrade, Listing, Order, int, int, int, Decimal]] = {}
        exchange.events.subscribe(self._on_event, OrderChanged, TradeChanged, MarketResolved, WalletActed)

    def fills(self) -> list[Fill]:
        """All by now, oldest first."""
        return [self._fill(*each) for each in self._fills.values() if each[0].status != "FAILED"]

    @property
    def failed(self) -> int:
        """How many fills by now were lost, as their trades did not settle."""
        return sum(each[0].status == "FAILED" for each in self._fills.values())

    def _on_event(self, event: ExchangeEvent) -> None:
        if not isinstance(event, OrderChanged):
            self.account_events += 1
        match event:
            case OrderChanged(order, listing, "PLACEMENT") if order.account.address == self._account:
                self._before_order[order.id] = midpoint_of(listing)
            case TradeChanged(trade, listing) if trade.status == "MATCHED":
                for number, (order, shares, cash, fee) in enumerate(trade.parts()):
                    if order.account.address != self._account:
                        continue
                    first = self._before_order.get(order.id) if number == 0 else midpoint_of(listing)
                    if first is None:
                        first = last_midpoint_of(listing)
                    midpoint = first if order.outcome == 0 else 1 - first
                    self._fills[trade.id, order.id] = (trade, listing, order, shares, cash, fee, midpoint)
            case MarketResolved(listing):
                self.last_midpoints[listing.condition_id] = last_midpoint_of(listing)

    def _fill(
        self,
        trade: ExchangeTrade,
        listing: Listing,
        order: Order,
        shares: int,
        cash: int,
        fee: int,
        midpoint: Decimal,
    ) -> Fill:
        size, dollars = from_micro(shares), from_micro(cash)
        return Fill(
            Trade(
                id=TradeId(trade.id),
                order_id=OrderId(order.id),
                price=round(dollars / size, 6),
                size=size,
                timestamp=datetime.fromtimestamp(trade.matched_at_ms / 1000, UTC),
                market_id=ConditionId(order.condition_id),
                token_id=TokenId(order.token_id),
                side=OrderSide(order.side),
                outcome=listing.outcomes[order.outcome],
                status=TradeStatus(trade.status),
                is_taker=order is trade.taker,
                fee=from_micro(fee),
            ),
            midpoint,
            dollars,
        )


def midpoint_of(listing: Listing) -> Decimal | None:
    """Of the first outcome now; None while a side of its book is empty."""
    bid, ask = listing.book.best_for(0)
    return None if bid is None or ask is None else Decimal(bid + ask) / (2 * UNIT)


def last_midpoint_of(listing: Listing) -> Decimal:
    """The latest midpoint that the first outcome had; a half where it never had one."""
    last_at = listing.history.last_at
    found = None if last_at is None else listing.history.at(last_at)
    return Decimal("0.5") if found is None else found
