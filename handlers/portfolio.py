"""The tool that shows what the account holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from ..core.errors import PolymarketAPIError
from ..core.models import Position
from ..core.untrusted_text import quoted
from .answer import AccountAnswer, Answer, Num, When, rounded
from .arguments import Detail, offset_of
from .context import Desk
from .toolspec import Toolset, ToolSpec


class PositionLine(Answer):
    market: str
    question: str
    outcome: str
    shares: Num
    average_price: Num
    price_now: Num | None = None
    stale_since: When | None = None
    value: Num | None = None
    unrealized: Num | None = None
    realized: Num | None = None
    fees: Num | None = None
    pays_if_right: Num
    status: str
    token_id: str | None = None


class OpenOrderLine(Answer):
    order_id: str
    side: str
    outcome: str
    price: Num
    shares_left: Num


class SettlingLine(Answer):
    outcome: str
    condition_id: str
    side: str
    shares: Num
    price: Num
    settlement: str


class BookRiskLine(Answer):
    """If everything held now is kept until it resolves; dollars after cost."""

    expected: Num
    worst: Num
    best: Num
    chance_of_loss: Num
    var_95: Num
    cvar_95: Num
    standard_error: Num
    method: str


class SharesOffLine(Answer):
    token_id: str
    expected: Num
    venue: Num


class StatementLine(Answer):
    """Confirmed cash flows, after fees; `difference` is what the venue shows beyond expected_cash."""

    paid_in: Num
    income: Num
    realized: Num
    unrealized: Num
    fees: Num
    expected_cash: Num
    difference: Num
    shares_off: list[SharesOffLine] | None = None
    may_be: list[str] | None = None


class PortfolioAnswer(AccountAnswer):
    """`cash` and `positions` are what the venue shows. Of cash, `settled_cash` is final; fills in `settling` may fail,
    and all together bring `provisional_cash`."""

    as_of: When
    cash: Num
    settled_cash: Num
    provisional_cash: Num
    reserved_for_orders: Num
    free_cash: Num
    positions_value: Num
    equity: Num
    realized_before_fees: Num
    unrealized_before_fees: Num
    entry_fees_of_positions: Num
    positions: list[PositionLine]
    open_orders: list[OpenOrderLine]
    open_orders_total: int
    settling: list[SettlingLine] | None = None
    settling_total: int | None = None
    not_priced: list[str] | None = None
    statement: StatementLine | None = None
    statement_problem: str | None = None
    risk: BookRiskLine | None = None
    risk_problem: str | None = None
    next_cursor: str | None = None


async def get_portfolio(
    desk: Desk,
    detail: Detail = "concise",
    cursor: Annotated[str | None, Field(max_length=10, description="next_cursor of the previous page")] = None,
) -> PortfolioAnswer:
    """Show the {MODE} account: cash, positions at current prices, profit and loss, open orders. Dollars.

    detail=full adds profit by cash flow held against the venue's balances, and the risk of holding everything to
    resolution (Monte Carlo).
    """
    desk.require_account()
    snapshot = await desk.portfolio.snapshot()
    stale = desk.notes().stale
    full = detail == "full"
    page = 20 if full else 8
    skip = offset_of(cursor)
    positions = sorted(snapshot.positions, key=lambda each: each.value or 0, reverse=True)
    risk, risk_problem = await _risk(desk, snapshot.positions) if full else (None, None)
    statement, statement_problem = await statement_line(desk) if full else (None, None)
    return PortfolioAnswer(
        **desk.heading,
        as_of=snapshot.as_of,
        cash=snapshot.cash,
        settled_cash=snapshot.settled,
        provisional_cash=snapshot.provisional,
        reserved_for_orders=snapshot.reserved,
        free_cash=snapshot.free,
        positions_value=rounded(snapshot.value, 6),
        equity=rounded(snapshot.equity, 6),
        realized_before_fees=rounded(snapshot.realized, 6),
        unrealized_before_fees=rounded(snapshot.unrealized, 6),
        entry_fees_of_positions=snapshot.entry_fees,
        positions=[
            _position(each, stale_since=stale.get(each.condition_id), full=full)
            for each in positions[skip : skip + page]
        ],
        open_orders=[
            OpenOrderLine(
                order_id=order.id,
                side=order.side.value,
                outcome=order.outcome,
                price=order.price,
                shares_left=order.original_size - order.size_matched,
            )
            for order in snapshot.open_orders[: 10 if full else 3]
        ],
        open_orders_total=len(snapshot.open_orders),
        settling_total=len(snapshot.settling) or None,
        settling=[
            SettlingLine(
                outcome=trade.outcome,
                condition_id=trade.market_id,
                side=trade.side.value,
                shares=trade.size,
                price=trade.price,
                settlement=trade.status.value.lower(),
            )
            for trade in snapshot.settling[: 10 if full else 3]
        ]
        or None,
        not_priced=[quoted(title, 80) for title in snapshot.unpriced[:10]] or None,
        statement=statement,
        statement_problem=statement_problem,
        risk=risk,
        risk_problem=risk_problem,
        next_cursor=str(skip + page) if skip + page < len(positions) else None,
    )


async def statement_line(desk: Desk) -> tuple[StatementLine | None, str | None]:
    """The account's profit by cash flow, or why it cannot be told; the portfolio itself stands without it."""
    try:
        told = await desk.portfolio.statement()
    except PolymarketAPIError as error:
        return None, error.message
    line = StatementLine(
        paid_in=told.paid_in,
        income=told.income,
        realized=told.realized,
        unrealized=rounded(told.unrealized, 6),
        fees=told.fees,
        expected_cash=told.expected_cash,
        difference=told.cash_difference,
        shares_off=[
            SharesOffLine(token_id=each.token_id, expected=each.expected, venue=each.at_venue)
            for each in told.shares[:10]
        ]
        or None,
        may_be=list(told.may_be) or None,
    )
    return line, None


async def _risk(desk: Desk, positions: Sequence[Position]) -> tuple[BookRiskLine | None, str | None]:
    """The simulated book, or why there is none; the portfolio itself stands without it."""
    from ..core.risk.book_simulation import portfolio_risk
    from ..core.risk.exposure import exposure_of, held_by

    try:
        exposure = await exposure_of(held_by(positions), market=desk.directory.market, event=desk.directory.find_event)
        if not exposure.holdings:
            return None, None
        risk = await portfolio_risk(
            desk.executor, holdings=exposure.holdings, other_outcomes=exposure.other_outcomes, seed=desk.seed
        )
    except PolymarketAPIError as error:
        return None, error.message
    tail = next(each for each in risk.tails if each.level == Decimal("0.95"))
    line = BookRiskLine(
        expected=rounded(risk.expected, 2),
        worst=rounded(risk.worst, 2),
        best=rounded(risk.best, 2),
        chance_of_loss=rounded(risk.loss_probability.value),
        var_95=rounded(tail.value_at_risk.value, 2),
        cvar_95=rounded(tail.conditional_value_at_risk.value, 2),
        standard_error=rounded(risk.mean.standard_error, 3),
        method=f"Monte Carlo, {risk.paths} paths, engine {risk.engine}, events independent, neg-risk markets exclusive",
    )
    return line, None


def _position(position: Position, *, stale_since: datetime | None, full: bool) -> PositionLine:
    return PositionLine(
        market=position.slug,
        question=quoted(position.title, 120),
        outcome=position.outcome,
        shares=position.size,
        average_price=rounded(position.average_price, 6),
        price_now=position.current_price,
        stale_since=stale_since,
        value=rounded(position.value, 6),
        unrealized=rounded(position.unrealized, 6),
        realized=rounded(position.realized, 6) if full else None,
        fees=position.fees if full else None,
        pays_if_right=position.size,
        status=position.status.lower(),
        token_id=position.token_id if full else None,
    )


TOOLS = (ToolSpec("polymarket_get_portfolio", Toolset.PORTFOLIO, "Show {MODE} portfolio", get_portfolio),)
