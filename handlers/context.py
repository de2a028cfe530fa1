"""What a tool may touch: one object that the composition root fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..core.errors import ConfigurationError, InputRejected

if TYPE_CHECKING:  # tools are listed without any of these
    from ..core.alerts.alert_desk import AlertDesk
    from ..core.clock import Clock
    from ..core.diagnosis.account import Diagnosis
    from ..core.diagnosis.findings import Finding
    from ..core.forecasting.analysis import NewsReader, RiskModel
    from ..core.forecasting.forecast_journal import ForecastJournal
    from ..core.forecasting.scan import MarketScanner
    from ..core.market_data.directory import MarketDirectory
    from ..core.market_data.market_statistics import MarketRecords
    from ..core.market_data.quotes import MarketQuotes
    from ..core.market_data.tape import TradeTape
    from ..core.market_data.traders import TraderRecords
    from ..core.models.venue_notes import VenueNotes
    from ..core.news.newsroom import Newsroom
    from ..core.news.stance import NewsReadings, Question
    from ..core.portfolio.equity_history import EquityHistory
    from ..core.portfolio.snapshot import Portfolio
    from ..core.settings import Mode
    from ..core.telemetry.fill_totals import FillTotals
    from ..core.telemetry.metrics import RouteSnapshot
    from ..core.trading.backtest_request import BacktestProgress, BacktestRequest
    from ..core.trading.desk import TradingDesk
    from ..core.trading.position_desk import PositionDesk
    from ..core.trading.run_book import Run
    from ..core.trading.since_last_seen import LastSeen
    from ..core.trading.slice_runs import SliceRuns
    from ..core.trading.strategy_runs import StrategyRuns
    from ..gpu.interface import Executor, PoolStatus
    from .answer import Heading
    from .toolspec import Toolset

_SCARCE = 5
"""Requests left under a limit from which on the limit is named."""

_REASONS_SHOWN = 5

ReadManyNews: TypeAlias = "Callable[[Sequence[Question]], Awaitable[Sequence[NewsReadings]]]"
"""Judges items towards many outcomes in one call to the workers."""


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """How the venue is doing, as far as its answers have told; nobody is asked.

    `condition` is normal, restarting, post_only, cancel_only or disabled, heard first at `since`, and
    `retry_after_s` what the venue then asked to wait. `left_alone` are hosts not called for a while after failures,
    `clock_skew_s` how far the venue's clock is ahead (0 until measured), `headroom` the requests that could go at
    once, by limit (empty where no limits are kept), `routes` what calls took and how they ended, by route, and
    `public_routes` the same of the venue that only markets are read from, where that is another one. `circuits` tells
    of each host whether calls are let through.
    """

    condition: str
    since: datetime | None
    retry_after_s: float | None
    left_alone: tuple[str, ...]
    clock_skew_s: float
    headroom: Mapping[str, float]
    routes: Sequence[RouteSnapshot]
    public_routes: Sequence[RouteSnapshot]
    circuits: Mapping[str, str]

    @property
    def scarce(self) -> dict[str, int]:
        """The limits of which few requests are left, and how many."""
        return {name: int(left) for name, left in self.headroom.items() if left < _SCARCE}

    def busiest(self, most: int) -> list[RouteSnapshot]:
        """The routes with the most calls."""
        return sorted(self.routes, key=lambda each: each.calls, reverse=True)[:most]


class Backtests(Protocol):
    """Backtests that go on in processes of their own."""

    def start(self, request: BacktestRequest, *, client_token: str | None) -> tuple[Run, bool]: ...

    async def stop(self, run_id: str, cause: str) -> Run: ...

    def progress(self, run: Run) -> BacktestProgress: ...

    def take_over(self) -> None: ...

    @property
    def active(self) -> int: ...

    async def __aenter__(self) -> object: ...

    async def __aexit__(self, *_: object) -> None: ...


CheckData: TypeAlias = "Callable[[Path | Sequence[Mapping[str, Any]]], Awaitable[Mapping[str, Any]]]"
"""What a file or rows hold, as plain values."""


@dataclass(frozen=True, slots=True)
class DeskSeat:
    """The process that is the desk, the other processes that use it, and whether it goes on without any host."""

    pid: int
    doors: int
    survives_host_exit: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The running desk. `recorded_on` is set where prices are not current ones; `account` is None without a key.

    `diagnose` looks at the account; it is given error texts to explain and what is known already. `seed` is that of
    all simulations, `folder` where the desk keeps its files, `listeners` how many clients are subscribed to its alerts,
    `caller` who makes the call: the name that the host gave itself.
    """

    mode: Mode
    source: str
    account: str | None
    recorded_on: date | None
    directory: MarketDirectory
    quotes: MarketQuotes
    records: MarketRecords
    tape: TradeTape
    traders: TraderRecords
    trading: TradingDesk
    positions: PositionDesk
    slices: SliceRuns
    strategies: StrategyRuns
    backtests: Backtests
    check_data: CheckData
    data_folders: tuple[Path, ...]
    last_seen: LastSeen
    forecasts: ForecastJournal
    scanner: MarketScanner
    portfolio: Portfolio
    equity: EquityHistory
    alerts: AlertDesk
    risk_model: RiskModel
    read_news: NewsReader
    read_many_news: ReadManyNews
    newsroom: Newsroom
    executor: Executor
    seed: int
    venue_health: Callable[[], VenueHealth]
    fills: FillTotals
    tool_calls: Callable[[], Sequence[RouteSnapshot]]
    diagnose: Callable[[Sequence[str], Sequence[Finding]], Awaitable[Diagnosis]]
    notes: Callable[[], VenueNotes]
    compute: Callable[[], PoolStatus]
    clock: Clock
    started_at: datetime
    toolsets: frozenset[Toolset]
    read_only: bool
    warnings: tuple[str, ...]
    default_bankroll: Decimal
    folder: Path
    seat: Callable[[], DeskSeat]
    listeners: Callable[[], int]
    caller: str = "local"

    @property
    def heading(self) -> Heading:
        """The first fields of every answer about money."""
        warning = None
        if self.recorded_on:
            warning = "Recorded markets with simulated traders: not current prices, not real money."
        elif self.notes().not_comparable:
            warning = "Results are not comparable with real trading: see polymarket_get_status."
        return {"mode": self.mode.value, "account": self.account, "recorded_on": self.recorded, "warning": warning}

    @property
    def recorded(self) -> str | None:
        """The day the prices were recorded, for answers about markets; None where they are current."""
        return self.recorded_on.isoformat() if self.recorded_on else None

    @property
    def trading_state(self) -> str:
        """Whether orders are taken, in a word or three."""
        if self.trading.halt:
            return "halted"
        if self.read_only:
            return "read-only"
        return "open" if self.account else "no wallet configured"

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """Those of the settings, and why results cannot be compared with real trading any more."""
        reasons = self.notes().not_comparable[-_REASONS_SHOWN:]
        return (*self.warnings, *(f"Not comparable: {reason}" for reason in reasons))

    def require_account(self) -> str:
        """Raises ConfigurationError where there is no key to trade with."""
        if self.account is None:
            raise ConfigurationError("No wallet is configured, so the desk can read markets but not trade.")
        return self.account

    def require_trading(self) -> None:
        """Raises ConfigurationError without a key, and InputRejected `risk_halted` while trading is halted."""
        self.require_account()
        halt = self.trading.halt
        if halt is not None:
            raise InputRejected(
                f"Trading is halted: {halt.reason}",
                code="risk_halted",
                fix=f"a person lifts it with `{halt.lifted_by}`",
            )
