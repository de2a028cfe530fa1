"""How a strategy's run stands at the gate: what it has tied up and earned, and which shares are its own to sell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ..identifiers import OrderId, TokenId
from ..models import OrderSide, OrderStatus, Trade, TradeStatus
from ..models.position_change import PositionAction
from ..risk.mandate import Mandate, MandateState
from .account_claims import last_price
from .account_view import AccountView
from .order_record import OrderRecord
from .position_journal import ChangeStatus, PositionChange
from .run_ledger import cash_brought, fills_of_orders, holdings_of, resting_cost

FILLS_LAG = timedelta(minutes=2)
"""For so long after an order has matched the venue's list of trades may not show it yet."""

_NOTHING = Decimal(0)


def run_state(
    mandate: Mandate,
    account: AccountView,
    order_ids: frozenset[OrderId],
    *,
    on_their_way: Sequence[OrderRecord],
    sent_lately: Sequence[OrderRecord],
    changes: Sequence[PositionChange],
    sells: TokenId | None,
) -> MandateState:
    """A run of these orders, at a sale of `sells`, or at none.

    `on_their_way` are orders that may have taken effect without the account showing it: purchases among them count as
    what they may cost. `sent_lately` are orders whose fills the account may not list yet: sales among them count as all
    that they may have sold. `changes` are the account's splits, merges and redemptions. Shares of decided markets, and
    those that the account holds no more, tie nothing up.
    """
    fills = fills_of_orders(account.trades, order_ids)
    held = holdings_of(fills, account.fee_of)
    profit = cash_brought(fills, account.fee_of)
    tied_up = resting_cost(account.open_orders, order_ids)
    tied_up += sum(
        (each.plan.worst_cost for each in on_their_way if each.plan and each.order_id in order_ids), _NOTHING
    )
    for each, holding in held.items():
        price = account.prices.get(each)
        if price is None:
            # The venue lists a position some time after its fills: what was bought just now is no loss.
            price = last_price(fills, each) or holding.cost / holding.shares
        profit += holding.shares * price
        left = holding.shares - _lost(each, account.trades, order_ids, changes)
        left = max(min(left, account.at_stake.get(each, _NOTHING)), _NOTHING)
        tied_up += holding.cost * left / holding.shares
    may_sell = _NOTHING
    if sells is not None and sells in held:
        may_sell = held[sells].sellable - _lost(sells, account.trades, order_ids, changes)
        may_sell -= _on_sale(sells, account, order_ids, sent_lately)
    return MandateState(
        mandate=mandate, tied_up_usd=tied_up, profit_usd=profit, may_sell_shares=max(may_sell, _NOTHING)
    )


def _on_sale(
    token_id: TokenId,
    account: AccountView,
    order_ids: frozenset[OrderId],
    sent_lately: Sequence[OrderRecord],
) -> Decimal:
    """Shares that sales of the run may sell, or have sold, beyond what their listed fills show.

    A fill that failed is listed as much as any other: its shares are still held.
    """
    committed = {
        order.id: order.original_size
        for order in account.open_orders
        if order.id in order_ids and order.side is OrderSide.SELL and order.token_id == token_id
    }
    for record in sent_lately:
        plan, order_id, result = record.plan, record.order_id, record.result
        if plan is None or order_id is None or order_id not in order_ids:
            continue
        if plan.ticket.side is OrderSide.SELL and plan.ticket.token_id == token_id:
            ended = record.status is OrderStatus.MATCHED and not plan.ticket.time_in_force.rests
            committed.setdefault(order_id, result.making if result and ended else plan.ticket.shares)
    listed = dict.fromkeys(committed, _NOTHING)
    for fill in account.trades:
        if fill.order_id in listed:
            listed[fill.order_id] += fill.size
    return sum((max(size - listed[order_id], _NOTHING) for order_id, size in committed.items()), _NOTHING)


def _lost(
    token_id: TokenId, trades: Sequence[Trade], order_ids: frozenset[OrderId], changes: Sequence[PositionChange]
) -> Decimal:
    """Shares of a run that others sold, merged or redeemed: what the account held beside them went first."""
    events: list[tuple[datetime, OrderId | None, Decimal]] = [
        (trade.timestamp, trade.order_id, trade.size if trade.side is OrderSide.BUY else -trade.size)
        for trade in trades
        if trade.token_id == token_id and trade.status is not TradeStatus.FAILED
    ]
    events += [
        (change.sent_at or change.updated_at, None, size)
        for change in changes
        if (size := _change_of(change, token_id))
    ]
    total = own = lost = _NOTHING
    for _, order_id, size in sorted(events, key=lambda event: event[0]):
        total = max(total + size, _NOTHING)
        if order_id is not None and order_id in order_ids:
            own = max(own + size, _NOTHING)
        elif own > total:
            lost, own = lost + own - total, total
    return lost


def _change_of(change: PositionChange, token_id: TokenId) -> Decimal:
    """Shares of an outcome that a change brought, or took (negative). What may still be split is not there yet."""
    order = change.order
    if token_id not in order.token_ids:
        return _NOTHING
    if order.action is PositionAction.REDEEM:
        return Decimal("-Infinity")
    amount = order.amount or _NOTHING
    if order.action is PositionAction.MERGE:
        return -amount
    return amount if change.status is ChangeStatus.CONFIRMED else _NOTHING
