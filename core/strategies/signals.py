"""Signals as strategies make them: from an estimate and a book, at the size that is worth it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ..forecasting.edge import book_of_complement, stake, worst_price
from ..forecasting.fair_value import FairValue
from ..market_data.fill_estimate import estimate_fill
from ..models import Market, OrderBook, OrderSide, Outcome, TradingSignal
from ..money import ceil_to_tick, floor_to_tick, round_down

_NOTHING = Decimal(0)
_LEAST_ORDER_USD = Decimal(1)
_SLIPPAGE_OF_SALES = Decimal("0.02")
_DEEPEST = Decimal("0.05")
"""No purchase reaches further into the book than this, however much is worth it: the next look sees a new book."""

_CERTAIN = Decimal("0.001")


def estimate(value: float, low: float, high: float) -> FairValue:
    """A strategy's belief about an outcome, with the interval it holds it in, as a fair value on four decimals."""
    value, low, high = (min(max(each, float(_CERTAIN)), float(1 - _CERTAIN)) for each in (value, low, high))
    rounded = [round(Decimal(str(each)), 4) for each in (value, min(low, value), max(high, value))]
    return FairValue(rounded[0], rounded[1], rounded[2], "strategy")


def buy_sides(market: Market, book: OrderBook, fair: FairValue) -> list[tuple[Outcome, OrderBook, FairValue]]:
    """Both outcomes as something to buy; `book` and `fair` are the first one's."""
    first, second = market.outcomes
    return [(first, book, fair), (second, book_of_complement(book, second.token_id), fair.complement())]


def buying(
    market: Market,
    outcome: Outcome,
    book: OrderBook,
    fair: FairValue,
    *,
    bankroll: Decimal,
    held_usd: Decimal,
    largest_order_usd: Decimal,
    exit_cost: Decimal = _NOTHING,
    reason: str,
    now: datetime,
) -> TradingSignal:
    """Buy an outcome where even the low end of its interval pays more than it costs; else say that there is no edge.

    The size is that of `stake`, less what is held already, at most `largest_order_usd`. `exit_cost` are dollars a share
    that selling again will cost, of a position that is not meant to be held to the end.
    """
    worth = FairValue(fair.value - exit_cost, fair.low - exit_cost, fair.high - exit_cost, fair.basis)
    best = book.best_ask
    limit = worst_price(worth, market.fees, book.tick)
    if best is not None:
        limit = min(limit, floor_to_tick(best.price + _DEEPEST, book.tick))
    if best is None or limit < best.price:
        return nothing(market, outcome, f"after costs there is no edge; {reason}", fair=fair, now=now)
    dollars = min(
        max(stake(worth, book, market.fees, bankroll=bankroll) - held_usd, _NOTHING), largest_order_usd, bankroll
    )
    filled = estimate_fill(book, OrderSide.BUY, market.fees, dollars=dollars, limit=limit) if dollars else None
    if filled is None or dollars < _LEAST_ORDER_USD or filled.average_price is None:
        return nothing(market, outcome, f"what is held is as much as the edge is worth; {reason}", fair=fair, now=now)
    shares = round_down(filled.shares, 2)
    cost = (filled.dollars + filled.fee) / filled.shares
    return TradingSignal(
        market_id=market.condition_id,
        token_id=outcome.token_id,
        outcome=outcome.label,
        side=OrderSide.BUY,
        verdict="buy" if shares else "no_edge",
        fair_value=fair.value,
        low=fair.low,
        high=fair.high,
        price=round(filled.average_price, 6),
        limit_price=limit,
        edge=round(worth.value - cost, 6),
        size=shares,
        reason=reason,
        as_of=now,
    )


def taking(
    market: Market,
    outcome: Outcome,
    *,
    shares: Decimal,
    price: Decimal,
    limit: Decimal,
    edge: Decimal,
    reason: str,
    now: datetime,
) -> TradingSignal:
    """Buy so many shares at `limit` at most, for what they pay together with others; `price` is the average."""
    return TradingSignal(
        market_id=market.condition_id,
        token_id=outcome.token_id,
        outcome=outcome.label,
        side=OrderSide.BUY,
        verdict="buy",
        fair_value=price + edge,
        low=price,
        high=Decimal(1),
        price=round(price, 6),
        limit_price=limit,
        edge=round(edge, 6),
        size=shares,
        reason=reason,
        as_of=now,
    )


def selling(
    market: Market,
    outcome: Outcome,
    book: OrderBook,
    *,
    shares: Decimal,
    fair: FairValue | None = None,
    reason: str,
    now: datetime,
) -> TradingSignal:
    """Sell what is held, two cents below the best bid at worst; no_edge where nobody buys or too little is held."""
    best, shares = book.best_bid, round_down(shares, 2)
    if best is None or not shares:
        return nothing(market, outcome, f"nothing of it can be sold now; {reason}", fair=fair, now=now)
    value = fair.value if fair else best.price
    limit = max(ceil_to_tick(best.price - _SLIPPAGE_OF_SALES, book.tick), book.tick)
    fee = market.fees.taker_fee(shares, best.price) / shares
    return TradingSignal(
        market_id=market.condition_id,
        token_id=outcome.token_id,
        outcome=outcome.label,
        side=OrderSide.SELL,
        verdict="sell",
        fair_value=value,
        low=fair.low if fair else value,
        high=fair.high if fair else value,
        price=best.price,
        limit_price=limit,
        edge=round(best.price - fee - value, 6),
        size=shares,
        reason=reason,
        as_of=now,
    )


def exit_cost(market: Market, book: OrderBook) -> Decimal:
    """Dollars a share that selling again will cost: half the spread as it is now, and the taker's fee."""
    midpoint, spread = book.midpoint, book.spread
    if midpoint is None or spread is None:
        return _NOTHING
    return spread / 2 + market.fees.taker_fee(Decimal(1), midpoint)


def nothing(
    market: Market, outcome: Outcome, reason: str, *, fair: FairValue | None = None, now: datetime
) -> TradingSignal:
    """No trade, and why."""
    return TradingSignal(
        market_id=market.condition_id,
        token_id=outcome.token_id,
        outcome=outcome.label,
        side=OrderSide.BUY,
        verdict="no_edge",
        fair_value=fair.value if fair else outcome.price or _NOTHING,
        low=fair.low if fair else _NOTHING,
        high=fair.high if fair else Decimal(1),
        price=_NOTHING,
        limit_price=_NOTHING,
        edge=_NOTHING,
        size=_NOTHING,
        reason=reason,
        as_of=now,
    )
