"""Runs a strategy over recorded prices and news: the composition of a backtest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ..core.backtest.bars import BarAssumptions, bar_recording
from ..core.backtest.conditions import INSTANT, Conditions
from ..core.backtest.fidelity import BARS_FILL, Fidelity, faithful
from ..core.backtest.no_skill import QuoteLog
from ..core.backtest.performance import Performance, performance
from ..core.backtest.price_series import Rows, is_price_table, read_price_series
from ..core.backtest.recorded_news import RecordedNews, recorded_news
from ..core.backtest.reference_prices import RecordedReference, read_reference
from ..core.backtest.replay import Replay
from ..core.backtest.run import Run, run_strategy
from ..core.backtest.surroundings import replay_surroundings
from ..core.backtest.windows import between
from ..core.errors import ConfigurationError
from ..core.exchange.replay.recording import Recording, read_recording
from ..core.forecasting.calibration import shipped_calibration
from ..core.models import Market, NewsItem
from ..core.news.news_file import ReplaySource
from ..core.news.stance import NewsJudge
from ..core.strategies.declaration import Need, Parameters
from ..core.strategies.registry import strategy_class
from ..core.strategies.strategy import PolymarketStrategy
from ..core.table_files import file_hashes
from ..core.trading.desk import TradingDesk
from ..core.trading.strategy_execution import DeskExecution
from ..gpu.interface import Executor
from .replay_desk import TOKEN_PREFIX, replay_desk


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPlan:
    """What to run on what. `parameters` are the strategy's own, by name, and all dollars are play money.

    `data` is a file, a folder, or rows of a table of prices. `reference` are files with prices of what markets are
    about, by symbol. `window` is the part of the data that is run, [begin, end) in unix milliseconds; all without it.
    """

    strategy: str
    data: Path | Rows
    news: Path | None = None
    starting_balance: Decimal = Decimal(1000)
    every: timedelta = timedelta(hours=1)
    seed: int = 1
    assumptions: BarAssumptions = field(default_factory=BarAssumptions)
    conditions: Conditions = INSTANT
    parameters: Mapping[str, Decimal] = field(default_factory=dict)
    inference_model: str | None = None
    reference: Mapping[str, Path] = field(default_factory=dict)
    window: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """What came out, with what it was run on.

    `parameters` are all of the strategy's, also those that the plan left at their defaults.
    `quotes` are prices of the run's looks, `traded` the markets with fills by condition id. `in_sample` names the
    data that the fair value's weights were fitted on and that this is not independent of, and
    `warnings` what had to be assumed of the news.
    """

    plan: BacktestPlan
    parameters: Parameters
    fidelity: Fidelity
    assumption: str
    markets: int
    began: datetime
    ended: datetime
    run: Run
    performance: Performance
    quotes: QuoteLog
    traded: Mapping[str, Market]
    in_sample: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far a run has come: the moment it is at, the share of the recorded time, cash and holdings then."""

    at: datetime
    done: float
    equity: Decimal
    looks: int
    signals: int


async def run_backtest(
    plan: BacktestPlan, executor: Executor, *, report: Callable[[SoFar], None] = lambda so_far: None
) -> BacktestResult:
    """Replay the plan's data under its strategy. Raises ConfigurationError for data or parameters that cannot be used.

    Nothing that happened later can be seen: prices and books are those of the moment, news is known from when it was
    first seen, and how a market ended only after its last price. The weights of the fair value are those of today, so
    the result says where they were fitted on these outcomes or on others of the same days.
    """
    _check(plan)
    recording, fidelity, assumption = recorded(plan.data, plan.assumptions)
    if plan.window is not None:
        recording = between(recording, *plan.window)
    news = recorded_news(plan.news) if plan.news is not None else RecordedNews((), ())
    async with replay_desk(
        recording, starting_balance=plan.starting_balance, seed=plan.seed, conditions=plan.conditions
    ) as opened:
        replay, desk, execution = opened
        began = replay.clock.now()
        run = Run(plan.starting_balance)
        strategy = _strategy(plan, replay, desk, execution, executor, news.items)
        quotes = QuoteLog()
        whole = (datetime.fromtimestamp(recording.moments[-1].at_ms / 1000, UTC) - began) if recording.moments else None

        def looked(at: datetime) -> None:
            if quotes.due():
                quotes.note(at, replay.quotes())
            share = (at - began) / whole if whole else 1.0
            report(SoFar(at, min(share, 1.0), run.equity[-1][1], run.looks, run.signals))

        await run_strategy(strategy, replay, run, every=plan.every, report=looked)
        judged = performance(run, replay, quotes=quotes, seed=plan.seed)
        ended = replay.clock.now()
        return BacktestResult(
            plan=plan,
            parameters=strategy.declaration.read_parameters(plan.parameters),
            fidelity=fidelity,
            assumption=f"{assumption}; {plan.conditions.told()}",
            markets=len(replay.markets),
            began=began,
            ended=ended,
            run=run,
            performance=judged,
            quotes=quotes,
            traded={each.trade.market_id: await replay.market(each.trade.market_id) for each in run.fills},
            in_sample=shipped_calibration().known_of(
                hashes=file_hashes(plan.data) if isinstance(plan.data, Path) else (),
                began=began.date(),
                ended=ended.date(),
            )
            if strategy.declaration.fitted or plan.news is not None
            else (),
            warnings=news.warnings,
        )


def _check(plan: BacktestPlan) -> None:
    """Raises ConfigurationError for what no run could begin with."""
    assumed = plan.assumptions
    bounds = {
        "the dollars to begin with must be more than 0": plan.starting_balance > 0,
        "looks must be some time apart": plan.every > timedelta(0),
        "half a spread is from 0 to less than 0.5": 0 <= assumed.half_spread < Decimal("0.5"),
        "the depth must be more than 0 dollars": assumed.depth_usd > 0,
        "the fee rate is from 0 to 1": 0 <= assumed.fee_rate <= 1,
        "latency is not negative": plan.conditions.latency_ms >= 0,
        "settlement takes no negative time": plan.conditions.mined_after_s >= 0,
        "the share of failed settlements is from 0 to 1": 0 <= plan.conditions.settlement_failures <= 1,
    }
    for rule, kept in bounds.items():
        if not kept:
            raise ConfigurationError(f"This cannot be run: {rule}.")


def recorded(data: Path | Rows, assumptions: BarAssumptions) -> tuple[Recording, Fidelity, str]:
    """A recording, how faithful it is, and what had to be assumed. Raises ConfigurationError."""
    if not isinstance(data, Path) or is_price_table(data):
        series = read_price_series(data)
        return bar_recording(series, assumptions), "bars", f"{assumptions.told(series)}; {BARS_FILL}"
    return faithful(read_recording([data]), assumptions)


def _strategy(
    plan: BacktestPlan,
    replay: Replay,
    desk: TradingDesk,
    execution: DeskExecution,
    executor: Executor,
    news: Sequence[NewsItem],
) -> PolymarketStrategy:
    kind = strategy_class(plan.strategy)
    needs = kind.declaration.needs
    if Need.NEWS in needs and plan.news is None:
        raise ConfigurationError(f"{plan.strategy} needs news: name a file with --news.")
    if Need.REFERENCE_PRICES in needs and not plan.reference:
        raise ConfigurationError(
            f"{plan.strategy} needs prices of what its markets are about: name a file with --reference, as BTC=FILE."
        )
    series = {symbol: read_reference(path) for symbol, path in plan.reference.items()}
    surroundings = replay_surroundings(
        replay,
        desk,
        execution,
        prefix=TOKEN_PREFIX,
        seed=plan.seed,
        news=ReplaySource(plan.news.name, lambda: news, replay.clock) if plan.news is not None else None,
        read_news=NewsJudge(executor, inference_model=plan.inference_model).read_many,
        reference=RecordedReference(series, replay.clock) if series else None,
    )
    return kind.of(surroundings, kind.declaration.read_parameters(plan.parameters))
