"""Runs many backtests over the compute pool: sets of parameters, and windows of time to choose and to judge in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from ..core.backtest.fidelity import Fidelity
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
    """`runs` are in the order of windows and sets; fewer than were asked for where it was `stopped`.

    `choices` are the names of what was varied, `windows` [begin, end) in unix milliseconds.
    """

    plan: BacktestPlan
    choices: tuple[str, ...]
    fidelity: Fidelity
    assumption: str
    windows: tuple[tuple[int, int], ...]
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
    ConfigurationError for too many sets, for rows at hand and for data that cannot be used.
    """
    sets = grid(choices)
    recording, fidelity, assumption = recorded(plan.data, plan.assumptions)
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
    return SweepResult(
        plan=plan,
        choices=tuple(choices),
        fidelity=fidelity,
        assumption=f"{assumption}; {plan.conditions.told()}",
        windows=tuple(stretches),
        runs=runs,
        verdict=judge(runs, in_sample=in_sample),
        in_sample=in_sample,
        stopped=swept.stopped,
    )


def _run(point: SweepPoint, parameters: Mapping[str, Decimal], window: int) -> SweptRun:
    if point.answer is None:
        return SweptRun(parameters, window, {}, (), point.problem)
    return SweptRun(parameters, window, point.answer["told"], tuple(point.answer["daily_changes"]))
