"""How runs read: sliced orders, strategies and backtests, what they have done and why they ended."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..core.backtest.verdict import failed_run
from ..core.untrusted_text import quoted
from .answer import Answer, Num, When, rounded

if TYPE_CHECKING:
    from ..core.trading.backtest_request import BacktestProgress
    from ..core.trading.run_book import Run
    from ..core.trading.run_profit import RunProfit
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
    worst: Num
    open_worth: Num
    doing_nothing: Num | None = None
    prices: Num | None = None
    spread: Num | None = None
    fees: Num | None = None
    bought: Num | None = None
    sold: Num | None = None
    open_cost: Num | None = None


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


class BacktestLine(Answer):
    """`done` is the share of the recorded time. Ratios of risk are left out of what is in sample."""

    strategy: str
    data: str
    done: Num
    at: str | None = None
    equity: Num | None = None
    conclusion: list[str] | None = None
    profit: dict[str, Num] | None = None
    interval_95: list[Num] | None = None
    doing_nothing: Num | None = None
    no_skill_mean: Num | None = None
    orders: int | None = None
    max_drawdown: Num | None = None
    capacity: str | None = None
    sharpe: Num | None = None
    brier: Num | None = None
    market_brier: Num | None = None
    in_sample: bool | None = None
    fidelity: str | None = None
    assumed: str | None = None
    warnings: list[str] | None = None
    report: str | None = None


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
    backtest: BacktestLine | None = None


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
            profit=_profit_line(profit, notes.worst_usd, full=full),
            looks=notes.looks,
            signals=notes.signals,
            fills=profit.fills,
            up_minutes=rounded(notes.up_s / 60, 1),
            last_look=notes.last_look,
            gaps=[f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}" for start, end in notes.gaps] or None
            if full
            else None,
            refused=notes.refused or None if full else None,
            problems=notes.problems or None if full else None,
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


def _profit_line(profit: RunProfit, worst: Decimal, *, full: bool) -> ProfitLine:
    by_cause = {
        "doing_nothing": rounded(0),
        "prices": rounded(profit.prices),
        "spread": rounded(profit.spread),
        "fees": rounded(profit.fees),
        "bought": rounded(profit.bought_usd),
        "sold": rounded(profit.sold_usd),
        "open_cost": rounded(profit.open_cost),
    }
    return ProfitLine(
        total=rounded(profit.total),
        worst=rounded(worst),
        open_worth=rounded(profit.open_usd),
        **(by_cause if full else {}),
    )


def backtest_line(progress: BacktestProgress, *, full: bool) -> RunLine:
    """A backtest; with `full` what it assumed and where its report lies."""
    request, so_far, result = progress.request, progress.so_far or {}, progress.result or {}
    profit = result.get("profit", {})
    drawdown = result.get("max_drawdown") or {}
    return RunLine(
        **_head(progress.run),
        backtest=BacktestLine(
            strategy=request.strategy,
            data=quoted(request.data or f"{len(request.rows or ())} rows", 200),
            done=rounded(1 if result else so_far.get("done", 0), 3),
            at=so_far.get("at") if not result else None,
            equity=rounded(so_far.get("equity"), 2) if not result else None,
            conclusion=list(result.get("conclusion", ())) or None,
            profit=_profit(profit) if profit else None,
            interval_95=[rounded(each, 2) for each in profit.get("interval_95") or ()] or None,
            doing_nothing=rounded(0) if result else None,
            no_skill_mean=rounded((result.get("no_skill") or {}).get("mean"), 2),
            orders=result.get("orders"),
            max_drawdown=rounded(drawdown.get("dollars"), 2),
            capacity=_capacity(result.get("capacity")),
            sharpe=rounded(result.get("sharpe"), 2),
            brier=rounded(result.get("brier")),
            market_brier=rounded(result.get("market_brier")),
            in_sample=result.get("in_sample"),
            fidelity=result.get("fidelity"),
            assumed=result.get("assumption") if full else None,
            warnings=[quoted(each, 200) for each in result.get("warnings", ())] or None if full else None,
            report=progress.report if full else None,
        ),
    )


def _profit(told: Mapping[str, Any]) -> dict[str, Decimal]:
    by_cause = {name: rounded(dollars) for name, dollars in told["by_cause"].items()}
    return {"total": rounded(told["total"]), **by_cause}


def _capacity(told: Mapping[str, Any] | None) -> str | None:
    if told is None:
        return None
    if told["dollars"] is None:
        said = f"none is told: {told['because']}"
    else:
        said = f"{'at least ' if told['more'] else ''}{rounded(told['dollars'], 2)} dollars"
    return f"{said}; {failed_run(told)}" if told.get("failed") else said


def _head(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "kind": run.kind,
        "status": run.status.value,
        "cause": quoted(run.cause, 200) or None,
        "started": run.created_at,
    }
