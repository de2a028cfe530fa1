"""What the account has: money, what is at stake, positions, orders and fills, and how much of its limits it uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from ...core.models import OrderSide, OrderStatus, TradeStatus
from ...core.trading.order_states import UNDER_WAY
from ...core.untrusted_text import quoted
from ...handlers.answer import rounded
from .shapes import ExposureLine, FillLine, LimitLine, MoneyLine, OrderLine, PositionLine

if TYPE_CHECKING:
    from ...core.identifiers import ConditionId
    from ...core.models import Market, OpenOrder, Position, Trade
    from ...core.portfolio.equity_history import EquitySample
    from ...core.portfolio.snapshot import PortfolioSnapshot
    from ...core.trading.desk_state import Standing
    from ...core.trading.order_record import OrderRecord
    from ...handlers.context import Desk
    from ...handlers.portfolio import StatementLine

_POSITIONS, _ORDERS, _FILLS = 50, 50, 30
_CURVE = 300
CURVE_SPAN = timedelta(days=7)


def money_line(snapshot: PortfolioSnapshot, statement: StatementLine | None) -> MoneyLine:
    """The account's money; its profit where the statement could be read."""
    settled = _settled_profit(snapshot, statement) if statement else None
    return MoneyLine(
        equity=rounded(snapshot.equity, 6),
        settled_equity=rounded(snapshot.settled_equity, 6),
        cash=snapshot.cash,
        free_cash=snapshot.free,
        reserved_for_orders=snapshot.reserved,
        positions_value=rounded(snapshot.value, 6),
        settled_profit=rounded(settled, 6),
        provisional_profit=None if settled is None else rounded(settled + snapshot.equity - snapshot.settled_equity, 6),
        realized=statement.realized if statement else None,
        unrealized=statement.unrealized if statement else None,
        fees=statement.fees if statement else None,
    )


def _settled_profit(snapshot: PortfolioSnapshot, statement: StatementLine) -> Decimal:
    """What is settled less what was paid in, at the prices of now.

    Where the venue shows other balances than the account's flows explain, or holdings have no price, the statement's
    own figures count, which may be older.
    """
    if statement.difference or statement.shares_off or snapshot.unpriced:
        return statement.realized + statement.unrealized + statement.income
    return snapshot.settled_equity - statement.paid_in


def curve(samples: Sequence[EquitySample], snapshot: PortfolioSnapshot | None) -> list[list[Decimal]]:
    """The samples and the present, thinned evenly: the newest point is always among them."""
    points = [(each.at, each.equity, each.settled_equity) for each in samples]
    if snapshot is not None:
        points.append((snapshot.as_of, snapshot.equity, snapshot.settled_equity))
    step = -(-len(points) // _CURVE) if points else 1
    return [
        [Decimal(int(at.timestamp())), rounded(equity, 4), rounded(settled, 4)]
        for at, equity, settled in points[::-1][::step][::-1]
    ]


def exposure_lines(
    snapshot: PortfolioSnapshot, standing: Standing, markets: Mapping[ConditionId, Market]
) -> list[ExposureLine]:
    """By neg-risk event, and by market of those that stand alone, the worst first."""
    cost: defaultdict[str, Decimal] = defaultdict(Decimal)
    value: defaultdict[str, Decimal] = defaultdict(Decimal)
    resting: defaultdict[str, Decimal] = defaultdict(Decimal)
    named: defaultdict[str, list[str]] = defaultdict(list)
    for position in snapshot.positions:
        if not position.size or position.status not in ("", "OPEN"):
            continue
        group = position.event_slug if position.neg_risk else position.condition_id
        cost[group] += position.cost + position.fees
        value[group] += position.value or Decimal(0)
        named[group].append(position.title)
    for order in snapshot.open_orders:
        market = markets.get(order.condition_id)
        group = market.event_slug if market is not None and market.neg_risk else order.condition_id
        if order.side is OrderSide.BUY:
            resting[group] += (order.original_size - order.size_matched) * order.price
        named[group].append(market.question if market else order.condition_id)
    groups = sorted(named, key=lambda each: (-standing.worst_by_event.get(each, Decimal(0)), each))
    return [
        ExposureLine(
            event=_event_name(group, named[group], markets),
            questions=[quoted(each, 160) for each in dict.fromkeys(named[group])][:6],
            cost=rounded(cost[group], 4),
            value=rounded(value[group], 4),
            resting=rounded(resting[group], 4),
            worst=rounded(standing.worst_by_event.get(group, Decimal(0)), 4),
        )
        for group in groups[:_POSITIONS]
    ]


def _event_name(group: str, questions: Sequence[str], markets: Mapping[ConditionId, Market]) -> str:
    for market in markets.values():
        if market.neg_risk and market.event_slug == group:
            return quoted(market.event_title or group, 120)
    return quoted(questions[0], 160) if questions else group


def position_lines(
    positions: Sequence[Position], stale: Mapping[ConditionId, datetime]
) -> tuple[list[PositionLine], int]:
    """The positions worth most, and how many there are."""
    held = sorted((each for each in positions if each.size), key=lambda each: each.value or 0, reverse=True)
    lines = [
        PositionLine(
            token_id=each.token_id,
            market=each.slug,
            question=quoted(each.title, 160),
            outcome=quoted(each.outcome, 60),
            shares=each.size,
            average_price=rounded(each.average_price, 4),
            price=each.current_price,
            stale_since=stale.get(each.condition_id),
            value=rounded(each.value, 4),
            profit=None if each.unrealized is None else rounded(each.unrealized - each.fees, 4),
            status=each.status.lower(),
        )
        for each in held[:_POSITIONS]
    ]
    return lines, len(held)


def order_lines(
    desk: Desk, snapshot: PortfolioSnapshot, markets: Mapping[ConditionId, Market]
) -> tuple[list[OrderLine], int]:
    """What rests at the venue and what is on its way there, newest first, and how many there are."""
    journal = desk.trading.journal
    resting = {order.id: order for order in snapshot.open_orders}
    records = journal.by_orders(resting.keys())
    known = {trade.order_id for trade in snapshot.trades}
    on_their_way = [
        record
        for record in journal.in_state(*UNDER_WAY)
        if record.order_id not in resting and record.order_id not in known and record.status is not OrderStatus.LIVE
    ]
    lines = [
        _resting_line(order, record, markets)
        for order in resting.values()
        # The journal may know already of a cancel that came after the account was read.
        if (record := records.get(order.id)) is None or record.may_change
    ]
    lines += [_record_line(record) for record in on_their_way]
    lines.sort(key=lambda line: line.since, reverse=True)
    return lines[:_ORDERS], len(lines)


def _resting_line(order: OpenOrder, record: OrderRecord | None, markets: Mapping[ConditionId, Market]) -> OrderLine:
    market = record.intent.market if record else markets.get(order.condition_id)
    return OrderLine(
        order_id=order.id,
        attempt_id=record.attempt_id if record else None,
        token_id=order.token_id,
        market=market.slug if market else order.condition_id,
        question=quoted(market.question, 160) if market else order.condition_id,
        side=order.side.value,
        outcome=quoted(order.outcome, 60),
        price=order.price,
        shares=order.original_size,
        filled=order.size_matched,
        status="live",
        by=run_of(record),
        since=order.created_at,
    )


def _record_line(record: OrderRecord) -> OrderLine:
    intent, ticket = record.intent, record.plan.ticket if record.plan else None
    return OrderLine(
        order_id=record.order_id,
        attempt_id=record.attempt_id,
        token_id=intent.outcome.token_id,
        market=intent.market.slug,
        question=quoted(intent.market.question, 160),
        side=intent.side.value,
        outcome=quoted(intent.outcome.label, 60),
        price=ticket.price if ticket else intent.price,
        shares=ticket.shares if ticket else None,
        filled=Decimal(0),
        status=record.status.value,
        by=run_of(record),
        since=record.created_at,
    )


def run_of(record: OrderRecord | None) -> str | None:
    """The run whose order it is: tokens of runs begin with their ids."""
    run_id, separator, _ = (record.client_token or "").partition("/") if record else ("", "", "")
    return run_id if separator and run_id.startswith("r_") else None


def fill_lines(desk: Desk, trades: Sequence[Trade], markets: Mapping[ConditionId, Market]) -> list[FillLine]:
    """The last fills, newest first; void ones are told as failed."""
    newest = sorted(trades, key=lambda each: each.timestamp, reverse=True)[:_FILLS]
    records = desk.trading.journal.by_orders([each.order_id for each in newest])
    return [_fill_line(desk, each, records.get(each.order_id), markets) for each in newest]


def _fill_line(desk: Desk, trade: Trade, record: OrderRecord | None, markets: Mapping[ConditionId, Market]) -> FillLine:
    market = record.intent.market if record else markets.get(trade.market_id)
    return FillLine(
        trade_id=trade.id,
        at=trade.timestamp,
        market=market.slug if market else trade.market_id,
        question=quoted(market.question, 160) if market else trade.market_id,
        side=trade.side.value,
        outcome=quoted(trade.outcome, 60),
        price=trade.price,
        shares=trade.size,
        fee=None if trade.status is TradeStatus.FAILED else rounded(desk.trading.fee_of(trade), 6),
        role="taker" if trade.is_taker else "maker",
        settlement=trade.status.value.lower(),
        by=run_of(record),
    )


def limit_lines(desk: Desk, standing: Standing) -> list[LimitLine]:
    """What is used of each limit that can be used up, those that are set first."""
    limits = desk.trading.gate.limits
    of_event, of_market = max(standing.worst_by_event.values(), default=Decimal(0)), standing.worst_of_a_market
    lines = [
        LimitLine(name="at stake in all", unit="$", used=standing.worst, limit=limits.max_exposure_usd),
        LimitLine(name="at stake in one event", unit="$", used=of_event, limit=limits.max_event_usd),
        LimitLine(name="at stake in one market", unit="$", used=of_market, limit=limits.max_market_usd),
        LimitLine(name="sent today", unit="$", used=standing.day_usd, limit=limits.max_day_usd),
        LimitLine(name="lost today", unit="$", used=rounded(standing.day_loss_usd, 4), limit=limits.max_day_loss_usd),
        LimitLine(
            name="open orders", unit="orders", used=Decimal(standing.open_orders), limit=Decimal(limits.max_open_orders)
        ),
        LimitLine(
            name="orders in a minute",
            unit="orders",
            used=Decimal(standing.minute_orders),
            limit=None if limits.max_orders_per_minute is None else Decimal(limits.max_orders_per_minute),
        ),
    ]
    return sorted(lines, key=lambda line: line.limit is None)
