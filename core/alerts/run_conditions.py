"""Whether a strategy that trades does worse than it should, by a bound that may be looked at all the time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .levels import Judgement, Memory, Occurrence
from .rules import AlertRule

FALSE_ALARM = 0.01
"""The chance that a run that does as well as expected is ever told as falling behind, however often it is looked at."""

_LEAST_BETS = 3
"""Fewer outcomes held or sold are no sample."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A run, what it was expected to have earned by now, and how far chance may take it from there, in dollars.

    `variance` is that of the profit by now, `unit_variance` that of one natural step of it: a day where the expectation
    is a backtest's, one outcome where it is that trading costs nothing but what it paid. `against` says which.
    """

    run_id: str
    strategy: str
    profit: float
    expected: float
    variance: float
    unit_variance: float
    against: str
    bets: int


def judge_runs(rule: AlertRule, memory: Memory, seen: Sequence[RunSeen], now: datetime) -> Judgement:
    """Runs whose profit is below the bound; each is told once."""
    told: list[Occurrence] = []
    behind: dict[str, Any] = {}
    for run in seen:
        if (rule.query and rule.query != run.run_id) or run.bets < _LEAST_BETS:
            continue
        bound = run.expected - shortfall_bound(run.variance, run.unit_variance)
        behind[run.run_id] = bool(memory.get(run.run_id)) or run.profit < bound
        if behind[run.run_id] and not memory.get(run.run_id):
            told.append(_fallen(run, bound))
    return Judgement(behind, tuple(told))


def shortfall_bound(variance: float, unit_variance: float, *, chance: float = FALSE_ALARM) -> float:
    """How far below its expectation a sum of independent steps ever falls with at most `chance`.

    Robbins' mixture boundary for a process with normal steps: with V the variance so far and r that of one unit, the
    probability that the process is ever beyond sqrt((V + r) (ln((V + r) / r) + 2 ln(1 / chance))) is at most `chance`.
    It holds at all moments together, so that looking often raises no more false alarms.
    """
    if unit_variance <= 0:
        return math.inf
    whole = variance + unit_variance
    return math.sqrt(whole * (math.log(whole / unit_variance) + 2 * math.log(1 / chance)))


def _fallen(run: RunSeen, bound: float) -> Occurrence:
    facts = {
        "run_id": run.run_id,
        "strategy": run.strategy,
        "profit_usd": round(run.profit, 2),
        "expected_usd": round(run.expected, 2),
        "bound_usd": round(bound, 2),
        "against": run.against,
    }
    said = (
        f"run {run.run_id} of {run.strategy} has earned ${run.profit:.2f}; against {run.against} ${run.expected:.2f} "
        f"was expected, and less than ${bound:.2f} happens by chance to one run in {1 / FALSE_ALARM:.0f}"
    )
    return Occurrence(f"run/{run.run_id}", said, facts)
