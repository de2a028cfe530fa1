"""Decisions of a strategy as orders of the desk: each passes plan, gate, consent and journal like any other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ..clock import Clock
from ..errors import InputRejected, PolymarketAPIError
from ..identifiers import ConditionId, OrderId, TradeId
from ..models import Market, OpenOrder, OrderSide, OrderStatus, TimeInForce, Trade, TradeStatus, TradingSignal
from ..money import round_down
from ..risk.mandate import Mandate
from ..strategies.decision import Basket, Quote, TargetQuotes
from ..strategies.look import code_of
from ..strategies.surroundings import BasketResult, QuotesKept
from .desk import Placement, TradingDesk
from .intent import OrderIntent
from .order_record import OrderRecord
from .planner import MIN_EXPIRY
from .run_withdrawal import take_back

FindMarket = Callable[[ConditionId], Awaitable[Market]]

_WORN = Decimal("0.5")
"""An order of which less than this part is left is replaced, though its place in the queue is lost."""


_ARRIVES_WITHIN = timedelta(seconds=15)
"""From the decision on an order to its arrival at the venue, with what its clock may be ahead."""


class DeskExecution:
    """Carries out what one strategy decides. `prefix` begins the tokens of all of its orders, so that they are known.

    Under a `mandate` its bounds are part of what the gate checks, and no order needs anybody's yes again. Once its run
    no longer `goes_on`, nothing is ordered any more, though a look may not have come to its end. What rests ends at the
    venue when the mandate does, whether or not anybody is there to take it back.
    """

    def __init__(
        self,
        desk: TradingDesk,
        find_market: FindMarket,
        clock: Clock,
        *,
        prefix: str,
        mandate: Mandate | None = None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._desk = desk
        self._find_market = find_market
        self._clock = clock
        self._prefix = prefix
        self._mandate = mandate
        self._goes_on = goes_on
        self._numbers = itertools.count(_quotes_placed(desk, prefix) + 1)

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
            mandate=self._mandate,
        )
        token = f"{self._prefix}/{signal.side.value}:{signal.token_id}:{signal.as_of.isoformat()}"
        placement = await self._place(intent, token)
        return await self._as_one_trade(signal, placement.record)

    async def execute_basket(self, basket: Basket) -> BasketResult:
        """See Execution.execute_basket."""
        trades: list[Trade] = []
        shares = basket.legs[0].size
        for leg in basket.legs:
            try:
                trade = await self.execute(dataclasses.replace(leg, size=shares))
            except PolymarketAPIError as error:
                if not trades:
                    raise
                return BasketResult(tuple(trades), Decimal(0), f"{leg.outcome}: {error.message}")
            trades.append(trade)
            shares = min(shares, round_down(trade.size, 2))
            if not shares:
                return BasketResult(tuple(trades), shares, f"{leg.outcome}: nothing was left at its limit")
        return BasketResult(tuple(trades), shares)

    async def keep_quotes(self, targets: Sequence[TargetQuotes]) -> QuotesKept:
        """See Execution.keep_quotes."""
        open_orders, _ = await self._desk.refresh()
        resting = {order.id: order for order in open_orders}
        wanted: list[tuple[TargetQuotes, Quote]] = []
        unwanted: list[OrderId] = []
        kept = 0
        for target in targets:
            missing = list(target.quotes)
            for order in self._resting_in(target.market_id, resting):
                quote = next((each for each in missing if _serves(order, each)), None)
                if quote is None:
                    unwanted.append(order.id)
                else:
                    missing.remove(quote)
                    kept += 1
            wanted += [(target, quote) for quote in missing]
        cancelled = (await self._desk.cancels.of(unwanted)).result if unwanted else None
        # What could not be cancelled has filled or is about to: nothing is put in its place before that is known.
        stuck = {resting[order_id].condition_id for order_id in cancelled.not_canceled} if cancelled else set()
        placed, refused = 0, []
        for target, quote in wanted:
            if target.market_id in stuck:
                continue
            try:
                await self._rest(target.market_id, quote)
                placed += 1
            except PolymarketAPIError as error:
                refused.append(code_of(error))
        return QuotesKept(kept, placed, len(cancelled.canceled) if cancelled else 0, tuple(refused))

    async def withdraw(self, market_id: ConditionId | None = None) -> int:
        """See Execution.withdraw."""
        return await take_back(self._desk, f"{self._prefix}/", market_id)

    def _resting_in(self, market_id: ConditionId, resting: dict[OrderId, OpenOrder]) -> list[OpenOrder]:
        live = self._desk.journal.in_state(OrderStatus.LIVE, condition_id=market_id)
        return [
            resting[record.order_id]
            for record in live
            if record.order_id in resting and (record.client_token or "").startswith(f"{self._prefix}/")
        ]

    async def _rest(self, market_id: ConditionId, quote: Quote) -> None:
        market = await self._find_market(market_id)
        outcome = market.outcome_of(quote.token_id)
        if outcome is None:
            raise InputRejected(f"{market.slug} has no outcome {quote.outcome} any more.", code="unknown_outcome")
        expires_at = self._expiry()
        intent = OrderIntent(
            market=market,
            outcome=outcome,
            side=quote.side,
            size=quote.size,
            price=quote.price,
            time_in_force=TimeInForce.GTC if expires_at is None else TimeInForce.GTD,
            expires_at=expires_at,
            post_only=True,
            mandate=self._mandate,
        )
        await self._place(intent, f"{self._prefix}/q{next(self._numbers)}")

    def _expiry(self) -> datetime | None:
        """The whole second in which the mandate ends; None without one, or if that is too soon for the venue."""
        if self._mandate is None:
            return None
        ends_at = self._mandate.until.replace(microsecond=0)
        return ends_at if ends_at >= self._clock.now() + MIN_EXPIRY + _ARRIVES_WITHIN else None

    async def _place(self, intent: OrderIntent, token: str) -> Placement:
        if not self._goes_on():
            raise InputRejected("Its run has ended: nothing is ordered any more.", code="run_ended")
        return await self._desk.place(intent, client_token=token)

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


def _quotes_placed(desk: TradingDesk, prefix: str) -> int:
    """The number of the newest quote, so that none is given twice over restarts."""
    newest = desk.journal.of_tokens(f"{prefix}/q", newest=1)
    return int((newest[0].client_token or "").rpartition("q")[2]) if newest else 0


def _serves(order: OpenOrder, quote: Quote) -> bool:
    """Whether a resting order is as good as a quote."""
    left = order.original_size - order.size_matched
    same = (order.token_id, order.side, order.price) == (quote.token_id, quote.side, quote.price)
    return same and quote.size * _WORN <= left <= quote.size


def _status(fills: tuple[Trade, ...]) -> TradeStatus:
    """That of the fill which is farthest from being money."""
    order = (TradeStatus.RETRYING, TradeStatus.MATCHED, TradeStatus.MINED, TradeStatus.CONFIRMED)
    return min((fill.status for fill in fills), key=order.index, default=TradeStatus.MATCHED)
