"""What a strategy's run has earned, and of what: prices, spread, fees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..models import OrderSide, Trade
from ..portfolio.cash_flow import FeeOf
from .order_record import OrderRecord
from .run_ledger import Worth, cash_brought, dollars_of, holdings_of

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class RunProfit:
    """Dollars. `total` is what doing nothing would not have brought.

    `fees` and `spread` are what trading itself took (negative) or earned: the distance of each fill from the midpoint
    of the book that its order was planned on. `prices` is the rest: what prices and outcomes did to what was held.
    `open_usd` is what is held, at the prices of now, `open_cost` what that cost.
    """

    total: Decimal
    prices: Decimal
    spread: Decimal
    fees: Decimal
    bought_usd: Decimal
    sold_usd: Decimal
    open_usd: Decimal
    open_cost: Decimal
    fills: int


async def run_profit(records: Sequence[OrderRecord], fills: Sequence[Trade], fee_of: FeeOf, worth: Worth) -> RunProfit:
    """Of fills, oldest first, and the records of their orders. A holding nobody can price counts as what it cost."""
    midpoints = {
        record.order_id: record.plan.book.midpoint
        for record in records
        if record.order_id is not None and record.plan is not None
    }
    spread = _NOTHING
    for fill in fills:
        midpoint = midpoints.get(fill.order_id)
        if midpoint is not None:
            sign = 1 if fill.side is OrderSide.BUY else -1
            spread += sign * (midpoint - fill.price) * fill.size
    held = holdings_of(fills, fee_of)
    open_usd = _NOTHING
    for token_id, holding in held.items():
        price = await worth(token_id)
        open_usd += holding.cost if price is None else holding.shares * price
    fees = -sum((fee_of(fill) for fill in fills), _NOTHING)
    total = cash_brought(fills, fee_of) + open_usd
    return RunProfit(
        total=total,
        prices=total - spread - fees,
        spread=spread,
        fees=fees,
        bought_usd=sum((dollars_of(each) for each in fills if each.side is OrderSide.BUY), _NOTHING),
        sold_usd=sum((dollars_of(each) for each in fills if each.side is OrderSide.SELL), _NOTHING),
        open_usd=open_usd,
        open_cost=sum((holding.cost for holding in held.values()), _NOTHING),
        fills=len(fills),
    )
