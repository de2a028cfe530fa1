"""A strategy's own part of an account: what its orders bought and sold, and what that is worth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from ..identifiers import ConditionId, OrderId, TokenId
from ..models import OpenOrder, OrderSide, Trade, TradeStatus
from ..portfolio.cash_flow import FeeOf
from ..strategies.decision import Quote
from ..strategies.surroundings import Holding, Holdings
from .journal import OrderJournal

_NOTHING = Decimal(0)
_MICRO = Decimal("0.000001")

Worth = Callable[[TokenId], Awaitable[Decimal | None]]
"""Dollars that a share of an outcome is worth now; after the end what it pays; None where nobody knows."""


def fills_of_orders(trades: Iterable[Trade], order_ids: frozenset[OrderId]) -> list[Trade]:
    """The fills of some orders that are, or will be, money."""
    return [each for each in trades if each.order_id in order_ids and each.status is not TradeStatus.FAILED]


def dollars_of(fill: Trade) -> Decimal:
    """What changed hands: price x size to the nearest millionth, as shares are cut to a millionth themselves."""
    return (fill.price * fill.size).quantize(_MICRO, rounding=ROUND_HALF_EVEN)


def holdings_of(fills: Sequence[Trade], fee_of: FeeOf) -> dict[TokenId, Holding]:
    """Shares by outcome at their average cost with fees, oldest fill first; a sale takes its part of the cost along."""
    held: dict[TokenId, tuple[Decimal, Decimal, Decimal]] = {}
    for fill in fills:
        shares, cost, unsettled = held.get(fill.token_id, (_NOTHING, _NOTHING, _NOTHING))
        if fill.side is OrderSide.BUY:
            shares += fill.size
            cost += dollars_of(fill) + fee_of(fill)
            unsettled += fill.size if fill.status.undelivered else _NOTHING
        else:
            sold = min(fill.size, shares)
            cost -= cost * sold / shares if shares else _NOTHING
            shares -= sold
        held[fill.token_id] = shares, cost, unsettled
    return {
        token_id: Holding(shares, cost, max(shares - unsettled, _NOTHING))
        for token_id, (shares, cost, unsettled) in held.items()
        if shares
    }


def cash_brought(fills: Iterable[Trade], fee_of: FeeOf) -> Decimal:
    """Dollars that fills have brought, less what they have cost."""
    brought = _NOTHING
    for fill in fills:
        sign = -1 if fill.side is OrderSide.BUY else 1
        brought += sign * dollars_of(fill) - fee_of(fill)
    return brought


def resting_cost(open_orders: Iterable[OpenOrder], order_ids: frozenset[OrderId]) -> Decimal:
    """Dollars that resting purchases among these orders may still cost."""
    return sum(
        (
            (order.original_size - order.size_matched) * order.price
            for order in open_orders
            if order.id in order_ids and order.side is OrderSide.BUY
        ),
        _NOTHING,
    )


class RunAccount:
    """The part of an account that belongs to the orders whose tokens begin with `prefix`.

    `may_stake` tells the dollars that it may still stake: what the account has free, and no more than a mandate leaves.
    """

    def __init__(
        self,
        journal: OrderJournal,
        *,
        prefix: str,
        trades: Callable[[], Awaitable[Sequence[Trade]]],
        open_orders: Callable[[], Awaitable[Sequence[OpenOrder]]],
        may_stake: Callable[[], Awaitable[Decimal]],
        fee_of: FeeOf,
        worth: Worth,
    ) -> None:
        self._journal = journal
        self._prefix = prefix
        self._trades = trades
        self._open_orders = open_orders
        self._may_stake = may_stake
        self._fee_of = fee_of
        self._worth = worth

    async def fills(self) -> list[Trade]:
        """Every fill of the run, oldest first."""
        order_ids = self._journal.order_ids_of_tokens(self._prefix)
        return fills_of_orders(await self._trades(), order_ids) if order_ids else []

    async def holdings(self) -> Holdings:
        """See StrategyAccount. A holding that nobody can price counts as what it cost."""
        order_ids = self._journal.order_ids_of_tokens(self._prefix)
        fills = fills_of_orders(await self._trades(), order_ids) if order_ids else []
        held = holdings_of(fills, self._fee_of)
        cash = await self._may_stake()
        open_orders = await self._open_orders() if order_ids else ()
        earned = await self._earned(fills, held)
        resting = tuple(
            Quote(each.token_id, each.outcome, each.side, each.price, each.original_size - each.size_matched)
            for each in open_orders
            if each.id in order_ids
        )
        return Holdings(
            cash=max(cash, _NOTHING),
            by_token=held,
            profit=sum(earned.values(), _NOTHING),
            resting=resting,
            earned=earned,
        )

    async def _earned(self, fills: Sequence[Trade], held: Mapping[TokenId, Holding]) -> dict[ConditionId, Decimal]:
        """What the fills of each market brought, with what is held of it at the prices of now."""
        by_market: dict[ConditionId, list[Trade]] = {}
        for fill in fills:
            by_market.setdefault(fill.market_id, []).append(fill)
        earned = {condition_id: cash_brought(made, self._fee_of) for condition_id, made in by_market.items()}
        market_of = {fill.token_id: fill.market_id for fill in fills}
        for token_id, holding in held.items():
            worth = await self._worth(token_id)
            earned[market_of[token_id]] += holding.cost if worth is None else holding.shares * worth
        return earned
