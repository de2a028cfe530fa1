"""What an account holds and may yet hold, as claims of which the worst case is told, and what all of it is worth."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from ..identifiers import TokenId
from ..models import Market, OpenOrder, OrderSide, Position, Trade, TradeStatus
from ..portfolio.account_state import AccountState
from ..portfolio.cash_flow import FeeOf
from ..risk.worst_case import Claim
from .order_plan import OrderPlan
from .order_record import OrderRecord

_POSITIONS_LAG = timedelta(minutes=2)
"""For so long after a trade the venue's list of positions may not show it yet."""


def held_claims(account: AccountState, fee_of: FeeOf, *, now: datetime) -> list[Claim]:
    """What the account holds or has bought. Of resolved markets nothing can be lost any more."""
    claims = []
    positions = {position.token_id: position for position in account.positions}
    fills = _fills_of_late(account, now=now)
    for token_id, shares in at_stake(account, now=now).items():
        position = positions.get(token_id)
        if position is not None and position.size >= shares:
            claims.append(_held_claim(position, shares, position.cost + position.fees))
            continue
        cost = _cost(position, fills[token_id], shares, fee_of)
        claims.append(_held_claim(position or fills[token_id][0], shares, cost))
    return claims


def at_stake(account: AccountState, *, now: datetime) -> dict[TokenId, Decimal]:
    """Shares by outcome that the account holds or has bought, in markets that are not decided yet."""
    decided = {each.token_id for each in account.positions if each.status not in ("", "OPEN")}
    held = _held_shares(account, _fills_of_late(account, now=now))
    return {token_id: shares for token_id, shares in held.items() if shares and token_id not in decided}


def _held_claim(known_by: Position | Trade, shares: Decimal, cost: Decimal) -> Claim:
    """Shares that are held; of those known by a fill alone, the event is not known either."""
    if isinstance(known_by, Position):
        condition_id, event = known_by.condition_id, known_by.event_slug if known_by.neg_risk else ""
    else:
        condition_id, event = known_by.market_id, ""
    return Claim(
        condition_id=condition_id,
        token_id=known_by.token_id,
        event=event,
        first_outcome=_is_first(known_by.outcome),
        shares=shares,
        cost=cost,
        held=True,
    )


def equity(account: AccountState, *, now: datetime) -> Decimal:
    """Cash and shares at the venue's current prices, what is bought and not delivered at what it costs."""
    prices = {position.token_id: position.current_price for position in account.positions}
    worth = account.cash
    for token_id, shares in _held_shares(account, _fills_of_late(account, now=now), delivered_only=True).items():
        price = prices.get(token_id)
        if price is None:
            price = last_price(account.trades, token_id)
        worth += shares * price
    return worth


def last_price(trades: Sequence[Trade], token_id: TokenId) -> Decimal:
    """Of the newest delivered fill of an outcome; 0 where there is none."""
    delivered = (each for each in reversed(trades) if each.token_id == token_id and not each.status.undelivered)
    last = next(delivered, None)
    return last.price if last else Decimal(0)


def _fills_of_late(account: AccountState, *, now: datetime) -> dict[TokenId, list[Trade]]:
    """All fills, those that failed aside, of each outcome that was traded so lately that its position may lag."""
    lately = now - _POSITIONS_LAG
    newest_first = itertools.takewhile(lambda trade: trade.timestamp > lately, reversed(account.trades))
    fills: dict[TokenId, list[Trade]] = {trade.token_id: [] for trade in (*newest_first, *account.undelivered)}
    for trade in account.trades:
        if trade.token_id in fills and trade.status is not TradeStatus.FAILED:
            fills[trade.token_id].append(trade)
    return fills


def _held_shares(
    account: AccountState, fills_of_late: Mapping[TokenId, Sequence[Trade]], *, delivered_only: bool = False
) -> dict[TokenId, Decimal]:
    """Shares by outcome: those of the position list, or those of the trades where it lags behind them."""
    shares = {position.token_id: position.size for position in account.positions}
    for token_id, fills in fills_of_late.items():
        net = sum(
            (
                fill.size if fill.side is OrderSide.BUY else -fill.size
                for fill in fills
                if not (delivered_only and fill.status.undelivered)
            ),
            Decimal(0),
        )
        shares[token_id] = max(shares.get(token_id, Decimal(0)), net)
    return shares


def _cost(position: Position | None, fills: Sequence[Trade], shares: Decimal, fee_of: FeeOf) -> Decimal:
    """What the shares cost with fees; those beyond the position at the average of the purchases."""
    bought = [each for each in fills if each.side is OrderSide.BUY]
    size = sum((each.size for each in bought), Decimal(0))
    paid = sum((each.size * each.price + fee_of(each) for each in bought), Decimal(0))
    known = position.cost + position.fees if position else Decimal(0)
    beyond = shares - (position.size if position else Decimal(0))
    return known + (paid / size * beyond if size else beyond)


def open_claim(order: OpenOrder, record: OrderRecord | None) -> Claim:
    left = order.original_size - order.size_matched
    market = record.intent.market if record else None
    fee = market.fees.taker_fee(left, order.price) if market else Decimal(0)
    sign = 1 if order.side is OrderSide.BUY else -1
    return Claim(
        condition_id=order.condition_id,
        token_id=order.token_id,
        event=event_of(market) if market else "",
        first_outcome=_is_first(order.outcome),
        shares=sign * left,
        cost=sign * left * order.price + fee,
        held=False,
    )


def planned_claim(plan: OrderPlan) -> Claim:
    market, outcome, ticket = plan.intent.market, plan.intent.outcome, plan.ticket
    buys = ticket.side is OrderSide.BUY
    fee = market.fees.taker_fee(ticket.shares, ticket.price)
    return Claim(
        condition_id=market.condition_id,
        token_id=outcome.token_id,
        event=event_of(market),
        first_outcome=market.outcomes[0].token_id == outcome.token_id,
        shares=ticket.shares if buys else -ticket.shares,
        cost=plan.worst_cost if buys else fee - ticket.shares * ticket.price,
        held=False,
    )


def event_of(market: Market) -> str:
    """The event whose markets exclude each other; a market that stands alone has none."""
    return market.event_slug if market.neg_risk else ""


def _is_first(outcome: str) -> bool:
    """Markets of neg-risk events are all of Yes and No, Yes first."""
    return outcome.casefold() == "yes"
