"""How runs read: sliced orders and strategies, what they have done and why they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.untrusted_text import quoted
from .answer import Answer, Num, When, rounded

if TYPE_CHECKING:
    from ..core.trading.run_book import Run
    from ..core.trading.slice_runs import SliceProgress
    from ..core.trading.strategy_runs import StrategyProgress

_EXPLAINED = 5
_ORDERS = 50


class SlicedOrderLine(Answer):
    market: str
    side: str
    outcome: str
    size: Num
    limit_price: Num
    filled: Num
    average_price: Num | None = None
    remaining: Num
    slices_placed: int
    slices: int
    next_slice_at: When | None = None


class ProfitLine(Answer):
    """Dollars. `total` against `doing_nothing`, and what it is made of."""

    total: Num
    prices: Num
    spread: Num
    fees: Num
    doing_nothing: Num
    worst: Num
    bought: Num
    sold: Num
    open_worth: Num
    open_cost: Num


class SignalLine(Answer):
    market: str
    verdict: str
    outcome: str | None = None
    price: Num | None = None
    size: Num | None = None
    why: str
    at: When


class StrategyLine(Answer):
    """`up_minutes` is how long it has watched, `gaps` when it did not; `refused` and `problems` count by code."""

    name: str
    markets: int
    parameters: dict[str, Num] | None = None
    max_loss_usd: Num
    max_exposure_usd: Num
    until: When
    every_s: Num
    profit: ProfitLine
    looks: int
    signals: int
    fills: int
    up_minutes: Num
    last_look: When | None = None
    gaps: list[str] | None = None
    refused: dict[str, int] | None = None
    problems: dict[str, int] | None = None
    adjustments: list[str] | None = None
    explain: list[SignalLine] | None = None


class RunLine(Answer):
    """Exactly one of the last fields says what kind of work it is."""

    run_id: str
    kind: str
    status: str
    cause: str | None = None
    started: When
    approval_code: str | None = None
    attempt_ids: list[str] | None = None
    sliced_order: SlicedOrderLine | None = None
    strategy: StrategyLine | None = None


def sliced_line(progress: SliceProgress, *, full: bool) -> RunLine:
    """A sliced order; with `full` the orders it has placed."""
    run, order = progress.run, progress.order
    return RunLine(
        **_head(run),
        approval_code=progress.waits_for,
        attempt_ids=[each.attempt_id for each in progress.placed[-_ORDERS:]] if full else None,
        sliced_order=SlicedOrderLine(
            market=order.intent.market.slug,
            side=order.intent.side.value,
            outcome=quoted(order.intent.outcome.label, 60),
            size=order.size,
            limit_price=order.limit,
            filled=progress.filled.shares,
            average_price=rounded(progress.filled.average_price, 6),
            remaining=progress.remaining,
            slices_placed=len(progress.placed),
            slices=order.slices,
            next_slice_at=progress.next_at,
        ),
    )


def strategy_line(progress: StrategyProgress, *, full: bool) -> RunLine:
    """A strategy's run; with `full` its parameters, gaps, adjustments, last signals explained, and orders."""
    plan, notes, profit = progress.plan, progress.notes, progress.profit
    return RunLine(
        **_head(progress.run),
        approval_code=progress.waits_for,
        attempt_ids=[each.attempt_id for each in progress.orders[:_ORDERS]] or None if full else None,
        strategy=StrategyLine(
            name=plan.strategy,
            markets=len(plan.markets),
            parameters=dict(plan.parameters) if full else None,
            max_loss_usd=plan.max_loss_usd,
            max_exposure_usd=plan.max_exposure_usd,
            until=plan.until,
            every_s=rounded(plan.every_s, 3),
            profit=ProfitLine(
                total=rounded(profit.total),
                prices=rounded(profit.prices),
                spread=rounded(profit.spread),
                fees=rounded(profit.fees),
                doing_nothing=rounded(0),
                worst=rounded(notes.worst_usd),
                bought=rounded(profit.bought_usd),
                sold=rounded(profit.sold_usd),
                open_worth=rounded(profit.open_usd),
                open_cost=rounded(profit.open_cost),
            ),
            looks=notes.looks,
            signals=notes.signals,
            fills=profit.fills,
            up_minutes=rounded(notes.up_s / 60, 1),
            last_look=notes.last_look,
            gaps=[f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}" for start, end in notes.gaps] or None
            if full
            else None,
            refused=notes.refused or None,
            problems=notes.problems or None,
            adjustments=notes.adjustments or None if full else None,
            explain=[
                SignalLine(
                    market=each.market,
                    verdict=each.verdict,
                    outcome=quoted(each.outcome, 60) or None,
                    price=rounded(each.price, 4) if each.price else None,
                    size=each.size if each.size else None,
                    why=quoted(each.reason, 300),
                    at=each.at,
                )
                for each in notes.explained[:_EXPLAINED]
            ]
            or None
            if full
            else None,
        ),
    )


def _head(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "kind": run.kind,
        "status": run.status.value,
        "cause": quoted(run.cause, 200) or None,
        "started": run.created_at,
    }
