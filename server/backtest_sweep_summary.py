"""The result of a sweep as plain values, for a terminal, a file and a report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..core.strategies.registry import strategy_class
from .backtest_sweep import SweepResult


def sweep_as_json(result: SweepResult) -> dict[str, Any]:
    """Plain values: dollars as numbers, times in ISO 8601. Figures that choosing has spoilt are labelled by where they
    are from; `fixed` are the parameters that were not varied."""
    verdict, plan = result.verdict, result.plan
    parameters = strategy_class(plan.strategy).declaration.read_parameters(plan.parameters)
    return {
        "strategy": plan.strategy,
        "data": str(plan.data),
        "news": str(plan.news) if plan.news else None,
        "seed": plan.seed,
        "fixed": {name: float(value) for name, value in parameters.items() if name not in result.choices},
        "starting_balance": float(plan.starting_balance),
        "fidelity": result.fidelity,
        "assumption": result.assumption,
        "began": _moment(result.windows[0][0]),
        "ended": _moment(result.windows[-1][1]),
        "windows": [[_moment(begin), _moment(end)] for begin, end in result.windows],
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
        "out_of_sample_deflated_sharpe": verdict.out_of_sample_deflated_sharpe,
        "folds": [
            {
                "window": fold.window,
                "chosen": _plain(fold.chosen),
                "profit_where_chosen": fold.chosen_profit,
                "profit_after": fold.next_profit,
            }
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
        "conclusion": _conclusion(result),
    }


def sweep_as_text(result: SweepResult) -> str:
    """A sweep in lines: what was tried, then what it shows."""
    lines = [
        f"{'window':>6} {'profit':>10} {'orders':>7}  parameters",
        *(
            f"{run.window:>6} {'failed':>10} {'':>7}  {_told(run.parameters)}: {run.problem}"
            if run.problem
            else f"{run.window:>6} {run.profit:>+10.2f} {run.told['orders']:>7}  {_told(run.parameters)}"
            for run in result.runs
        ),
    ]
    return "\n".join([*lines, "", *_conclusion(result)])


def _conclusion(result: SweepResult) -> list[str]:
    verdict = result.verdict
    said = [f"{verdict.tried} sets were tried, chosen by {verdict.criterion}."]
    if result.stopped:
        said.append("It was stopped: these are the runs until then.")
    if verdict.best is not None:
        said.append(
            f"Best on the whole: {_told(verdict.best.parameters)}, {verdict.best.profit:+.2f} dollars. It was chosen "
            "by this very figure, which is therefore too good."
        )
    if verdict.deflated_sharpe is not None:
        said.append(
            f"Deflated Sharpe: {verdict.deflated_sharpe:.1%} is the probability that its ratio is above 0, after "
            f"{verdict.tried} tries."
        )
    if verdict.overfitting is not None:
        said.append(
            f"Overfitting: in {verdict.overfitting:.0%} of splits of the time what was best in one half was no better "
            "than the median in the other."
        )
    said += [
        f"Chosen {_told(fold.chosen)} ({fold.chosen_profit:+.2f} there): {fold.next_profit:+.2f} in the next window."
        for fold in verdict.folds
    ]
    said += _out_of_sample(result)
    if result.in_sample:
        said.append("In sample for the shipped weights: ratios are withheld.")
    return said


def _out_of_sample(result: SweepResult) -> list[str]:
    verdict = result.verdict
    if verdict.out_of_sample_profit is None:
        return []
    ratio = f", Sharpe {verdict.out_of_sample_sharpe:.2f}" if verdict.out_of_sample_sharpe is not None else ""
    said = [f"Out of sample: {verdict.out_of_sample_profit:+.2f} dollars in {len(verdict.folds)} windows{ratio}."]
    if verdict.out_of_sample_deflated_sharpe is not None:
        said.append(
            f"Deflated Sharpe out of sample: {verdict.out_of_sample_deflated_sharpe:.1%} is the probability that the "
            f"ratio is above 0, held against the best of {verdict.tried} sets in the same windows."
        )
    return said


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def _plain(parameters: Mapping[str, Decimal]) -> dict[str, float]:
    return {name: float(value) for name, value in parameters.items()}


def _told(parameters: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items())
