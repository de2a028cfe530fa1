"""Signals as orders of the desk: each passes plan, gate, consent and journal like any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from ..clock import Clock
from ..errors import InputRejected
from ..identifiers import ConditionId, OrderId, TradeId
from ..models import Market, OrderSide, TimeInForce, Trade, TradeStatus, TradingSignal
from .desk import TradingDesk
from .intent import OrderIntent
from .order_record import OrderRecord

FindMarket = Callable[[ConditionId], Awaitable[Market]]


class DeskExecution:
    """Takes what rests on the book within a signal's limit price; the rest of the order is killed."""

    def __init__(self, desk: TradingDesk, find_market: FindMarket, clock: Clock) -> None:
        self._desk = desk
        self._find_market = find_market
        self._clock = clock

    async def execute(self, signal: TradingSignal) -> Trade:
        """See Execution.execute. The same signal (same market, outcome and moment) is never ordered twice."""
        market = await self._find_market(signal.market_id)
        outcome = market.outcome_of(signal.token_id)
        if outcome is None:
            raise InputRejected(f"{market.slug} has no outcome {signal.outcome} any more.", code="unknown_outcome")
        intent = OrderIntent(
            market=market,
            outcome=outcome,
            side=signal.side,
            size=signal.size,
            price=signal.limit_price,
            time_in_force=TimeInForce.FAK,
        )
        token = f"signal:{signal.token_id}:{signal.as_of.isoformat()}"
        placement = await self._desk.place(intent, client_token=token)
        return await self._as_one_trade(signal, placement.record)

    async def _as_one_trade(self, signal: TradingSignal, record: OrderRecord) -> Trade:
        fills = await self._desk.fills_of(record.order_id) if record.order_id is not None else ()
        shares = sum((fill.size for fill in fills), Decimal(0))
        paid = sum((fill.size * fill.price for fill in fills), Decimal(0))
        if not fills and record.result is not None:
            # The venue's list of fills lags behind its answer to the order itself.
            bought = signal.side is OrderSide.BUY
            shares = record.result.taking if bought else record.result.making
            paid = record.result.making if bought else record.result.taking
        return Trade(
            id=fills[0].id if len(fills) == 1 else TradeId(""),
            order_id=record.order_id or OrderId(""),
            price=round(paid / shares, 6) if shares else signal.limit_price,
            size=shares,
            timestamp=max((fill.timestamp for fill in fills), default=self._clock.now()),
            market_id=signal.market_id,
            token_id=signal.token_id,
            side=signal.side,
            outcome=signal.outcome,
            status=_status(fills),
            is_taker=True,
            fee=sum((self._desk.fee_of(fill) for fill in fills), Decimal(0)) if fills else None,
        )


def _status(fills: tuple[Trade, ...]) -> TradeStatus:
    """That of the fill which is farthest from being money."""
    order = (TradeStatus.RETRYING, TradeStatus.MATCHED, TradeStatus.MINED, TradeStatus.CONFIRMED)
    return min((fill.status for fill in fills), key=order.index, default=TradeStatus.MATCHED)
