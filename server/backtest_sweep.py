"""Runs many backtests over the compute pool: sets of parameters, and windows of time to choose and to judge in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ..core.backtest.sweep import SweepVerdict, SweptRun, grid, judge
from ..core.backtest.windows import span_of, windows
from ..gpu.interface import Executor
from ..gpu.sweeps import SweepPoint, sweep
from ..gpu.worker_kinds import WorkerKind
from .backtest import BacktestPlan, recorded
from .backtest_tasks import payload_of

BACKTESTS = WorkerKind(
    name="backtest", module="polydesk.server.backtest_tasks", tasks=frozenset({"backtest"}), queue_limit=64
)
"""The pool knows nothing of markets: what its workers run here is named from above."""

_DEADLINE_S = 4 * 3600.0


@dataclasses.dataclass(frozen=True, slots=True)
class SweepResult:
    """`runs` are in the order of windows and sets; fewer than were asked for where it was `stopped`."""

    runs: tuple[SweptRun, ...]
    verdict: SweepVerdict
    in_sample: bool
    stopped: bool


async def run_sweep(
    plan: BacktestPlan,
    choices: Mapping[str, Sequence[Decimal]],
    executor: Executor,
    *,
    folds: int = 0,
    at_once: int,
    progress: Callable[[float], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> SweepResult:
    """Run every set of parameters, on the whole or, with `folds`, on folds + 1 windows of equal length.

    The result depends on the plan alone, not on how many run at once; `stop` ends it with what there is. Raises
    ConfigurationError for too many sets or data that cannot be used.
    """
    sets = grid(choices)
    recording, _, _ = recorded(plan.data, plan.assumptions)
    first_ms, last_ms = span_of(recording)
    stretches = windows(first_ms, last_ms, folds + 1)
    del recording
    plans = [
        dataclasses.replace(plan, parameters={**plan.parameters, **chosen}, window=stretch if folds else None)
        for stretch in stretches
        for chosen in sets
    ]
    numbers = [window for window in range(len(stretches)) for _ in sets]
    payloads = [
        {**payload_of(each), "span": [stretches[number][0] / 1000, stretches[number][1] / 1000]}
        for each, number in zip(plans, numbers, strict=True)
    ]
    swept = await sweep(
        executor,
        "backtest",
        payloads,
        at_once=at_once,
        deadline_s=_DEADLINE_S,
        progress=progress,
        stop=lambda points: stop(),
    )
    runs = tuple(
        _run(point, {name: each.parameters[name] for name in choices}, window)
        for point, each, window in zip(swept.points, plans, numbers, strict=False)
    )
    in_sample = any(run.told["in_sample"] for run in runs if not run.problem)
    return SweepResult(runs, judge(runs, in_sample=in_sample), in_sample, swept.stopped)


def _run(point: SweepPoint, parameters: Mapping[str, Decimal], window: int) -> SweptRun:
    if point.answer is None:
        return SweptRun(parameters, window, {}, (), point.problem)
    return SweptRun(parameters, window, point.answer["told"], tuple(point.answer["daily_changes"]))


def sweep_as_json(result: SweepResult) -> dict[str, Any]:
    """Plain values. Figures that choosing has spoilt are labelled by where they are from."""
    verdict = result.verdict
    return {
        "tried": verdict.tried,
        "failed": verdict.failed,
        "stopped": result.stopped,
        "in_sample": result.in_sample,
        "chosen_by": verdict.criterion,
        "best": None if verdict.best is None else _plain(verdict.best.parameters),
        "best_profit": None if verdict.best is None else verdict.best.profit,
        "deflated_sharpe": verdict.deflated_sharpe,
        "overfitting": verdict.overfitting,
        "out_of_sample_profit": verdict.out_of_sample_profit,
        "out_of_sample_sharpe": verdict.out_of_sample_sharpe,
        "folds": [
            {"chosen": _plain(fold.chosen), "profit_where_chosen": fold.chosen_profit, "profit_after": fold.next_profit}
            for fold in verdict.folds
        ],
        "runs": [
            {
                "parameters": _plain(run.parameters),
                "window": run.window,
                "problem": run.problem,
                "profit": None if run.problem else run.profit,
                "orders": None if run.problem else run.told["orders"],
                "sharpe": None if run.problem else run.told["sharpe"],
            }
            for run in result.runs
        ],
    }


def sweep_as_text(result: SweepResult) -> str:
    """A sweep in lines: what was tried, then what it shows."""
    verdict = result.verdict
    lines = [
        f"{'window':>6} {'profit':>10} {'orders':>7}  parameters",
        *(
            f"{run.window:>6} {'failed':>10} {'':>7}  {_told(run.parameters)}: {run.problem}"
            if run.problem
            else f"{run.window:>6} {run.profit:>+10.2f} {run.told['orders']:>7}  {_told(run.parameters)}"
            for run in result.runs
        ),
        "",
        f"{verdict.tried} sets were tried, chosen by {verdict.criterion}.",
    ]
    if result.stopped:
        lines.append("It was stopped: these are the runs until then.")
    if verdict.best is not None:
        lines.append(
            f"Best on the whole: {_told(verdict.best.parameters)}, {verdict.best.profit:+.2f} dollars. It was chosen "
            "by this very figure, which is therefore too good."
        )
    if verdict.deflated_sharpe is not None:
        lines.append(
            f"Deflated Sharpe: {verdict.deflated_sharpe:.1%} is the probability that its ratio is above 0, after "
            f"{verdict.tried} tries."
        )
    if verdict.overfitting is not None:
        lines.append(
            f"Overfitting: in {verdict.overfitting:.0%} of splits of the time what was best in one half was no better "
            "than the median in the other."
        )
    for fold in verdict.folds:
        lines.append(
            f"Chosen {_told(fold.chosen)} ({fold.chosen_profit:+.2f} there): {fold.next_profit:+.2f} in the next window"
        )
    if verdict.out_of_sample_profit is not None:
        ratio = f", Sharpe {verdict.out_of_sample_sharpe:.2f}" if verdict.out_of_sample_sharpe is not None else ""
        lines.append(
            f"Out of sample: {verdict.out_of_sample_profit:+.2f} dollars in {len(verdict.folds)} windows{ratio}."
        )
    if result.in_sample:
        lines.append("In sample for the shipped weights: ratios are withheld.")
    return "\n".join(lines)


def _plain(parameters: Mapping[str, Decimal]) -> dict[str, float]:
    return {name: float(value) for name, value in parameters.items()}


def _told(parameters: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())
