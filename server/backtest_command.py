"""`polydesk backtest`: what a strategy would have done on recorded prices and news, on a terminal."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError
from .progress_bar import progress_bar

if TYPE_CHECKING:
    from ..core.backtest.bars import BarAssumptions
    from ..gpu.executors.executor import LaneExecutor
    from .backtest import BacktestPlan, BacktestResult, SoFar
    from .backtest_sweep import SweepResult

_LARGEST = 1_000_000_000
_WRITTEN_EVERY_S = 1.0


def add_backtest_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    backtest = commands.add_parser("backtest", help="replay recorded prices and news under a strategy")
    backtest.add_argument("--strategy", metavar="NAME", help="which one, e.g. news_sentiment")
    backtest.add_argument("--data", type=Path, required=True, metavar="PATH", help="recorded prices or books")
    backtest.add_argument("--check-only", action="store_true", help="say what the data holds, and run nothing")
    backtest.add_argument("--news", type=Path, metavar="FILE", help="recorded news (JSON lines or CSV)")
    backtest.add_argument(
        "--reference",
        nargs="*",
        default=[],
        metavar="SYMBOL=FILE",
        help="prices of what markets are about",
    )
    backtest.add_argument("--params", nargs="*", default=[], metavar="NAME=VALUE", help="the strategy's parameters")
    for option, default, meaning in (
        ("--cash", "1000", "dollars to begin with"),
        ("--every", "60", "minutes between looks"),
        ("--half-spread", "0.01", "dollars, of bars without recorded quotes"),
        ("--depth", "500", "dollars at the best price, of bars"),
        ("--fee-rate", "0", "of takers, of bars"),
        ("--latency-ms", "0", "that an order or cancel, and its answer, are on their way"),
        ("--settles-after", "0", "seconds until a trade's shares can be sold"),
        ("--settlement-failures", "0", "share of trades that never settle, from 0 to 1"),
    ):
        backtest.add_argument(option, type=_number_of, default=Decimal(default), help=f"{meaning} (default: {default})")
    backtest.add_argument(
        "--sweep", action="append", default=[], metavar="NAME=A,B,...", help="try each of these values; may be repeated"
    )
    backtest.add_argument(
        "--walk-forward", type=int, default=0, metavar="N", help="choose in one window, judge in the next, N times"
    )
    backtest.add_argument(
        "--capacity",
        action="store_true",
        help="run it again with larger stakes: how many dollars could it have carried",
    )
    backtest.add_argument(
        "--workers", type=int, metavar="N", help="processes of a sweep or of --capacity (default: one per core)"
    )
    backtest.add_argument("--model", help="folder or pinned hub model that judges stance")
    backtest.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    backtest.add_argument("--report", type=Path, metavar="DIR", help="write report.html, report.json and report.png")
    backtest.add_argument("--progress", type=Path, metavar="FILE", help="keep a JSON file of how far it has come")
    backtest.add_argument("--json", action="store_true", help="print the result as JSON")
    backtest.set_defaults(run=_backtest)


def _backtest(options: argparse.Namespace) -> int:
    from ..core.backtest.bars import BarAssumptions
    from ..core.backtest.conditions import Conditions
    from .backtest import BacktestPlan
    from .backtest_summary import text_of

    assumptions = BarAssumptions(half_spread=options.half_spread, depth_usd=options.depth, fee_rate=options.fee_rate)
    if options.check_only:
        return _check(options.data, assumptions, as_json=options.json)
    if options.strategy is None:
        raise ConfigurationError("Name a strategy with --strategy, or look at the data alone with --check-only.")
    plan = BacktestPlan(
        strategy=options.strategy,
        data=options.data,
        news=options.news,
        starting_balance=options.cash,
        every=timedelta(minutes=float(options.every)),
        seed=options.seed,
        assumptions=assumptions,
        conditions=Conditions(
            latency_ms=int(options.latency_ms),
            mined_after_s=float(options.settles_after),
            settlement_failures=float(options.settlement_failures),
        ),
        parameters=dict(_parameter(each) for each in options.params),
        inference_model=options.model,
        reference=dict(_file_of_symbol(each) for each in options.reference),
    )
    if not options.data.exists():
        raise ConfigurationError(f"There is nothing at {options.data}.")
    if options.workers is not None and options.workers < 1:
        raise ConfigurationError("There are 1 or more workers.")
    if options.sweep:
        return _sweep(plan, options)
    if options.walk_forward:
        raise ConfigurationError("--walk-forward chooses among values: give some with --sweep NAME=A,B.")
    told = asyncio.run(_told(plan, options))
    if options.json:
        print(json.dumps(told, indent=2))
    else:
        print(text_of(told))
    if options.report is not None:
        from ..core.backtest.report import write_report

        if len(_write_report(write_report, told, options.report)) < 3:
            print("No picture was written: it needs pip install 'polydesk[plots]'", file=sys.stderr)
    return 0


def _sweep(plan: BacktestPlan, options: argparse.Namespace) -> int:
    """1 where not a single run came to its end."""
    from ..core.backtest.report import write_sweep_report
    from .backtest_sweep_summary import sweep_as_json, sweep_as_text

    if options.walk_forward < 0 or options.capacity:
        raise ConfigurationError("A sweep takes 1 window or more, and no --capacity, which is of one run.")
    choices = dict(_values(each) for each in options.sweep)
    result = asyncio.run(_run_sweep(plan, choices, folds=options.walk_forward, workers=options.workers))
    told = sweep_as_json(result)
    print(json.dumps(told, indent=2) if options.json else sweep_as_text(result))
    if options.report is not None:
        _write_report(write_sweep_report, told, options.report)
    return 0 if any(not run.problem for run in result.runs) else 1


async def _run_sweep(
    plan: BacktestPlan, choices: dict[str, list[Decimal]], *, folds: int, workers: int | None
) -> SweepResult:
    """The first Ctrl-C ends it with the runs until then."""
    from .backtest_sweep import run_sweep

    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.set)
    pool, at_once = _pool(workers)
    with progress_bar("runs") as show:
        async with pool as executor:
            return await run_sweep(
                plan, choices, executor, folds=folds, at_once=at_once, progress=show, stop=stopped.is_set
            )


async def _told(plan: BacktestPlan, options: argparse.Namespace) -> dict[str, Any]:
    """One run, summed up, with its capacity where that is asked for."""
    from .backtest_summary import summary_of

    result = await _run(plan, options.progress)
    if not options.capacity:
        return summary_of(result)
    from .backtest_capacity import measure_capacity

    pool, at_once = _pool(options.workers)
    with progress_bar("capacity") as show:
        async with pool as executor:
            return summary_of(result, await measure_capacity(result, executor, at_once=at_once, progress=show))


def _pool(workers: int | None) -> tuple[LaneExecutor, int]:
    """Where many runs are made, and how many of them are handed over at once."""
    from ..core.settings import load_settings
    from ..gpu.devices import cores
    from ..gpu.executors.choice import choose_executor
    from .backtest_sweep import BACKTESTS

    processes = workers or cores()
    compute = load_settings().compute
    compute = "cpu" if compute in ("auto", "cuda") else compute
    wanted = {BACKTESTS.name: processes} if workers or compute == "cpu" else None
    return choose_executor(compute, kinds=(BACKTESTS,), workers=wanted), 2 * processes


def _values(text: str) -> tuple[str, list[Decimal]]:
    name, separator, values = text.partition("=")
    if not separator:
        raise ConfigurationError(f"{text!r} is nothing to try: write NAME=A,B,C.")
    return name, [_parameter(f"{name}={value}")[1] for value in values.split(",")]


def _check(data: Path, assumptions: BarAssumptions, *, as_json: bool) -> int:
    """2 where nothing could be run on the data, else 0."""
    from ..core.backtest.data_check import check_data
    from .data_check_text import check_as_json, check_as_text

    found = check_data(data, assumptions)
    print(json.dumps(check_as_json(found), indent=2) if as_json else check_as_text(found))
    return 2 if found.problem else 0


def _write_report(
    write: Callable[[Mapping[str, Any], Path], list[Path]], told: Mapping[str, Any], folder: Path
) -> list[Path]:
    try:
        written = write(told, folder)
    except OSError as error:
        raise ConfigurationError(f"No report can be written to {folder}: {error}") from error
    print(f"Report: {written[0]}", file=sys.stderr)
    return written


def _file_of_symbol(text: str) -> tuple[str, Path]:
    symbol, separator, path = text.partition("=")
    if not separator or not Path(path).is_file():
        raise ConfigurationError(f"{text!r} is no reference: write SYMBOL=FILE, of a file that is there.")
    return symbol.upper(), Path(path)


def _parameter(text: str) -> tuple[str, Decimal]:
    name, separator, value = text.partition("=")
    try:
        if separator:
            return name, _number_of(value)
    except argparse.ArgumentTypeError:
        pass
    raise ConfigurationError(f"{text!r} is not a parameter: write NAME=NUMBER.")


def _number_of(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not number.is_finite() or abs(number) > _LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number that can be used")
    return number


async def _run(plan: BacktestPlan, progress: Path | None) -> BacktestResult:
    from ..core.settings import load_settings
    from ..gpu.executors.choice import choose_executor
    from .backtest import run_backtest

    written_at = 0.0
    with progress_bar("replay") as show:

        def report(so_far: SoFar) -> None:
            nonlocal written_at
            show(so_far.done)
            if progress is not None and time.monotonic() - written_at >= _WRITTEN_EVERY_S:
                written_at = time.monotonic()
                _write_progress(progress, so_far)

        async with choose_executor(load_settings().compute) as executor:
            return await run_backtest(plan, executor, report=report)


def _write_progress(path: Path, so_far: SoFar) -> None:
    """Whoever reads the file finds a whole one."""
    told = {
        "at": so_far.at.isoformat(),
        "done": round(so_far.done, 4),
        "equity": float(so_far.equity),
        "looks": so_far.looks,
        "signals": so_far.signals,
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(told), encoding="utf-8")
    partial.replace(path)
