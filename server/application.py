"""The composition root: builds every object once, on the first tool call, and closes them in reverse."""

from __future__ import annotations

import asyncio
import functools
import random
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from ..core.errors import ConfigurationError, VenueUnavailable
from ..core.settings import Settings
from ..core.telemetry.redaction import SECRETS
from ..handlers.toolspec import parse_toolsets
from .alert_news import AlertNews
from .doors.doorway import Doorway
from .doors.serving import DoorServers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from ..core.identifiers import ConditionId, TokenId
    from ..core.market_data.followed_books import FollowedBooks
    from ..core.models import NewsItem
    from ..core.polymarket.wire.data_api import Activity
    from ..core.telemetry.metrics import CallMetrics
    from ..gpu.interface import Executor
    from ..handlers.context import Desk, DeskSeat
    from .sites import Site


class Application:
    """What one process runs. Nothing is opened, read or bound before a tool is first called.

    `doorway` takes calls to the desk, which another process may hold; `background` says whether this process goes on
    when every host has quit.
    """

    def __init__(self, settings: Settings, *, background: bool = False) -> None:
        self.settings = settings
        keys = (settings.private_key, settings.api_secret, settings.api_passphrase, settings.relayer_api_key)
        for secret in keys:
            if secret is not None:
                SECRETS.learn(secret.get_secret_value().strip().removeprefix("0x"))
        self.doorway = Doorway(
            settings,
            open_desk=self.desk,
            close_desk=self._close,
            host=DoorServers(self),
            background=background,
            told=self._tell_news,
        )
        self._tool_calls: CallMetrics | None = None
        self.alert_news = AlertNews(self.doorway.listen)
        self._desk: Desk | None = None
        self._opening = asyncio.Lock()
        self._resources = AsyncExitStack()
        self._runs_go_on = False
        self._closed = False

    @property
    def tool_calls(self) -> CallMetrics:
        """Calls of tools in this process, be they of its own host or of one behind a door."""
        if self._tool_calls is None:
            from ..core.telemetry.metrics import InMemoryMetrics  # with the first call

            self._tool_calls = InMemoryMetrics()
        return self._tool_calls

    async def desk(self) -> Desk:
        """The desk, opened on the first call. Raises ConfigurationError when the settings do not allow it."""
        if self._desk is None:
            async with self._opening:
                if self._closed:
                    raise VenueUnavailable("This server is being stopped.")
                if self._desk is None:
                    self._desk = await self._open()
        return self._desk

    async def _tell_news(self) -> None:
        """There are new alerts: clients of this process, and doors of its desk, get to know."""
        await self.alert_news.publish()
        self.doorway.tell_news()

    async def aclose(self) -> None:
        """Close connections, exchange and workers. Orders that rest at a venue stay there."""
        await self.doorway.close_to_doors()
        self._closed = True
        await self._close()
        await self.doorway.aclose()  # only now may another process be the desk

    async def _close(self) -> None:
        async with self._opening:
            self._desk = None
            await self._resources.aclose()

    async def carry_on_runs(self) -> None:
        """Let runs of the desk go on. A desk that only a reader has used so far leaves them alone."""
        desk = await self.desk()
        async with self._opening:
            if not self._runs_go_on:
                await self._resources.enter_async_context(desk.slices)
                await self._resources.enter_async_context(desk.strategies)
                self._runs_go_on = True

    async def _open(self) -> Desk:
        # Signing, numbers and the exchange load here: too slow for a start that may only list tools.
        from ..core.market_data.followed_books import FollowedBooks
        from ..core.portfolio.equity_history import EquityWatch
        from .metrics.instruments import INSTRUMENTS
        from .sites import open_site

        async with AsyncExitStack() as opened:
            site = await open_site(self.settings, opened)
            live = await opened.enter_async_context(FollowedBooks(site.feed, clock=site.clock))
            desk = _assemble(
                self.settings,
                site,
                live,
                opened,
                seat=self.doorway.seat,
                tool_calls=self.tool_calls,
                publish=self._tell_news,
                listeners=lambda: self.alert_news.listeners + self.doorway.listeners,
            )
            await opened.enter_async_context(desk.trading)
            await opened.enter_async_context(desk.backtests)
            await opened.enter_async_context(desk.positions)
            if desk.account is not None:
                await opened.enter_async_context(EquityWatch(desk.portfolio, desk.equity, desk.clock))
            await opened.enter_async_context(desk.alerts)
            self._runs_go_on = not self.settings.read_only
            if self._runs_go_on:
                await opened.enter_async_context(desk.slices)
                await opened.enter_async_context(desk.strategies)
            await opened.enter_async_context(INSTRUMENTS.telling(desk))
            self._resources = opened.pop_all()
        return desk


def _assemble(
    settings: Settings,
    site: Site,
    live: FollowedBooks,
    opened: AsyncExitStack,
    *,
    seat: Callable[[], DeskSeat],
    tool_calls: CallMetrics,
    publish: Callable[[], Awaitable[None]],
    listeners: Callable[[], int],
) -> Desk:
    from ..core.forecasting.news_screen import NewsScreen
    from ..core.forecasting.scan import MarketScanner
    from ..core.market_data.directory import MarketDirectory
    from ..core.market_data.market_statistics import MarketRecords
    from ..core.market_data.quotes import MarketQuotes
    from ..core.market_data.tape import TradeTape
    from ..core.market_data.traders import TraderRecords
    from ..core.news.stance import NewsJudge
    from ..core.polymarket.reference_prices import FollowedReferencePrices
    from ..core.portfolio.snapshot import Portfolio
    from ..core.risk.market_simulation import market_risk
    from ..core.storage.price_file import PriceFile
    from ..core.trading.strategy_runs import StrategyRuns
    from ..core.venues.polymarket import PolymarketVenue
    from ..handlers.context import Desk, VenueHealth
    from .alerts import build_alerts
    from .backtest_runs import BacktestRuns
    from .data_check_text import checked
    from .newsroom import open_newsroom
    from .strategy_surroundings import surround_on, worth_now
    from .trading_desk import build_trading_desk

    executor = _executor(settings)
    opened.push_async_callback(executor.aclose)
    venue = PolymarketVenue(site.clob, site.data, site.clock)
    parts = build_trading_desk(settings, site, venue, opened)
    trading, news_store = parts.trading, parts.news
    judge = NewsJudge(
        executor,
        inference_model=None if settings.nli_model == "none" else settings.nli_model,
        sentiment_model=settings.sentiment_model,
    )

    def venue_health() -> VenueHealth:
        transport = site.transport
        orders = transport.venue_states["clob"]
        public = site.public.transport
        venues = {"": transport} if public is transport else {"": transport, "public ": public}
        circuits = {
            f"{which}{host}": state for which, each in venues.items() for host, state in each.breaker_states.items()
        }
        left_alone = sorted({host.removeprefix("public ") for host, state in circuits.items() if state == "open"})
        return VenueHealth(
            condition=orders.condition,
            since=orders.since,
            retry_after_s=orders.retry_after_s,
            left_alone=tuple(left_alone),
            clock_skew_s=transport.clock_skew_s,
            headroom=public.headroom,
            routes=transport.metrics.snapshot(),
            public_routes=() if public is transport else public.metrics.snapshot(),
            circuits=circuits,
        )

    directory = MarketDirectory(site.public.gamma)
    quotes = MarketQuotes(site.clob, live=live, history=site.public.clob)

    def recent_news(since: datetime, until: datetime, most: int) -> Sequence[NewsItem]:
        return [each.evidence for each in news_store.recent(since=since, until=until, most=most)]

    news_screen = NewsScreen(recent_news, judge.read_many, quotes, site.clock)
    # Not the books that are followed: a scan reads many of them once.
    scanner = MarketScanner(directory, site.clob, site.clock, news=news_screen)

    async def tokens_of(condition_id: ConditionId) -> tuple[TokenId, ...]:
        market = await directory.market(condition_id)
        return tuple(outcome.token_id for outcome in market.outcomes)

    async def activity() -> Sequence[Activity]:
        return await site.data.whole_activity(venue.account)

    newsroom = open_newsroom(settings, site, news_store, opened)
    reference = FollowedReferencePrices(
        site.public.transport.environment,
        clock=site.clock,
        random=random.SystemRandom(),
        file=PriceFile(settings.desk_folder / "reference_prices.txt") if site.remembers else None,
    )
    opened.push_async_callback(reference.aclose)
    strategies = StrategyRuns(
        trading,
        venue,
        parts.runs,
        site.clock,
        parts.consent,
        parts.approvals,
        surround=surround_on(
            site,
            trading,
            venue,
            parts.runs,
            quotes=quotes,
            directory=directory,
            newsroom=newsroom,
            store=news_store,
            read_news=judge.read_many,
            reference=reference,
        ),
        find_market=directory.market,
        worth=worth_now(quotes, directory),
    )
    portfolio = Portfolio(venue, site.clock, trading.fee_of, activity=activity, tokens_of=tokens_of)
    backtests = BacktestRuns(
        parts.runs,
        site.clock,
        settings.desk_folder / "backtests",
        compute=settings.compute,
        inference_model=None if settings.nli_model == "none" else settings.nli_model,
    )
    return Desk(
        mode=settings.mode,
        source=site.name,
        account=site.account,
        recorded_on=site.recorded_on,
        directory=directory,
        quotes=quotes,
        records=MarketRecords(site.public.clob, site.public.data, own=site.clob if site.account else None),
        tape=TradeTape(site.public.data),
        traders=TraderRecords(site.public.data),
        trading=trading,
        positions=parts.positions,
        slices=parts.slices,
        strategies=strategies,
        backtests=backtests,
        check_data=checked,
        data_folders=settings.allowed_data_folders,
        last_seen=parts.last_seen,
        forecasts=parts.forecasts,
        scanner=scanner,
        portfolio=portfolio,
        equity=parts.equity,
        alerts=build_alerts(
            settings,
            site,
            parts,
            live=live,
            quotes=quotes,
            directory=directory,
            portfolio=portfolio,
            strategies=strategies,
            backtests=backtests,
            venue_health=venue_health,
            compute=executor.describe,
            publish=publish,
        ),
        risk_model=functools.partial(market_risk, executor, seed=site.seed),
        read_news=judge.read,
        read_many_news=judge.read_many,
        newsroom=newsroom,
        executor=executor,
        seed=site.seed,
        venue_health=venue_health,
        fills=venue.fill_totals,
        tool_calls=tool_calls.snapshot,
        diagnose=site.diagnose,
        notes=site.notes,
        compute=executor.describe,
        clock=site.clock,
        started_at=site.clock.now(),
        toolsets=parse_toolsets(settings.toolsets),
        read_only=settings.read_only,
        warnings=settings.warnings,
        folder=settings.desk_folder,
        default_bankroll=site.bankroll,
        seat=seat,
        listeners=listeners,
    )


def _executor(settings: Settings) -> Executor:
    from ..gpu.executors.choice import NoDevice, choose_executor

    try:
        return choose_executor(settings.compute)
    except NoDevice as error:
        raise ConfigurationError(f"POLYMARKET_COMPUTE={settings.compute} cannot be used: {error}") from error
