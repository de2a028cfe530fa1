"""What buying an outcome is expected to earn at the size that is meant, after fee and slippage, and how much to buy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal

from ..identifiers import TokenId
from ..market_data.fill_estimate import estimate_fill
from ..models import OrderBook, OrderSide, PriceLevel
from ..money import FeeSchedule, floor_to_tick, round_down
from .fair_value import INTERVAL_Z, FairValue

KELLY_SHARE = Decimal("0.25")
"""The part of the Kelly bet that is suggested: probabilities are estimates, and full Kelly is unforgiving."""

LARGEST_SHARE_OF_BANKROLL = Decimal("0.05")

_ROUNDS = 20
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Edge:
    """Of buying `shares` now and holding them, in dollars per share: average `price`, `fee`, and `cost` of both.

    `slippage` is the part of the price above the best offer. `expected` uses the fair value, `sure` the low end of its
    interval. `complete` says whether the book holds all that was meant.
    """

    shares: Decimal
    price: Decimal
    fee: Decimal
    cost: Decimal
    slippage: Decimal
    expected: Decimal
    sure: Decimal
    complete: bool

    @property
    def worth_taking(self) -> bool:
        """Only where even the low end of the interval pays more than the cost."""
        return self.sure > 0


def buying_edge(fair: FairValue, book: OrderBook, fees: FeeSchedule, *, dollars: Decimal) -> Edge | None:
    """The edge of spending `dollars`, walking the book's asks; None where nothing is offered."""
    filled = estimate_fill(book, OrderSide.BUY, fees, dollars=dollars)
    if not filled.shares or filled.average_price is None or book.best_ask is None:
        return None
    fee = filled.fee / filled.shares
    cost = filled.average_price + fee
    return Edge(
        shares=round_down(filled.shares, 2),
        price=round(filled.average_price, 6),
        fee=round(fee, 6),
        cost=round(cost, 6),
        slippage=round(filled.average_price - book.best_ask.price, 6),
        expected=fair.value - cost,
        sure=fair.low - cost,
        complete=filled.complete,
    )


def stake(fair: FairValue, book: OrderBook, fees: FeeSchedule, *, bankroll: Decimal) -> Decimal:
    """Dollars to spend: a quarter of the Kelly bet at what that stake itself would pay on average, less for an estimate
    that is unsure, at most a twentieth of the bankroll, and only as far as each next share still costs less than the
    low end of the interval.

    0 where there is no edge.
    """
    affordable = Decimal(0)
    for level in book.asks:
        if level.price + fees.taker_fee(Decimal(1), level.price) >= fair.low:
            break
        affordable += level.price * level.size
    dollars = min(affordable, bankroll * LARGEST_SHARE_OF_BANKROLL)
    for _ in range(_ROUNDS):
        if dollars < _CENT:
            return Decimal(0)
        edge = buying_edge(fair, book, fees, dollars=dollars)
        if edge is None:
            return Decimal(0)
        wanted = bankroll * KELLY_SHARE * kelly_fraction(fair.value, edge.cost) * trust_in(fair, edge)
        if wanted >= dollars:
            break
        dollars = (dollars + wanted) / 2  # a smaller stake pays less, and Kelly then wants more
    return round_down(dollars, 2)


def trust_in(fair: FairValue, edge: Edge) -> Decimal:
    """The part of a Kelly bet that is left when its probability is itself an estimate (Baker and McHale, 2013).

    e^2 / (e^2 + s^2), of the expected edge e and the probability's standard deviation s, both per share.
    """
    deviation = (fair.high - fair.low) / (2 * Decimal(str(INTERVAL_Z)))
    if not edge.expected:
        return Decimal(0)
    return edge.expected**2 / (edge.expected**2 + deviation**2)


def worst_price(fair: FairValue, fees: FeeSchedule, tick: Decimal) -> Decimal:
    """The highest price on the tick at which even the low end of the interval pays more than price and fee; or 0."""
    price = floor_to_tick(fair.low, tick)
    while price > 0 and price + fees.taker_fee(Decimal(1), price) >= fair.low:
        price -= tick
    return max(price, Decimal(0))


def kelly_fraction(probability: Decimal, cost: Decimal) -> Decimal:
    """Share of the bankroll that maximises expected log wealth for a binary share bought at `cost` (Kelly, 1956).

    f = (q - c) / (1 - c), 0 where there is no edge.
    """
    if cost >= 1 or probability <= cost:
        return Decimal(0)
    return (probability - cost) / (1 - cost)


def book_of_complement(book: OrderBook, token_id: TokenId) -> OrderBook:
    """The other outcome's book: buying it at 1 - bid is the same trade as selling this one at the bid."""
    return dataclasses.replace(
        book,
        token_id=token_id,
        bids=tuple(PriceLevel(1 - level.price, level.size) for level in book.asks),
        asks=tuple(PriceLevel(1 - level.price, level.size) for level in book.bids),
        last_trade_price=None if book.last_trade_price is None else 1 - book.last_trade_price,
    )
