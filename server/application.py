"""The composition root: builds every object once, on the first tool call, and closes them in reverse."""

from __future__ import annotations

import asyncio
import functools
import secrets
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from ..core.settings import Confirmation, Mode, Settings
from ..handlers.toolspec import parse_toolsets

if TYPE_CHECKING:
    from ..core.market_data.followed_books import FollowedBooks
    from ..core.risk.limits import RiskLimits
    from ..core.trading.consent import ConsentPolicy
    from ..core.trading.desk import TradingDesk
    from ..core.trading.since_last_seen import LastSeen
    from ..core.venues.venue import Venue
    from ..gpu.interface import Executor
    from ..handlers.context import Desk
    from .sites import Site


class Application:
    """What one process runs. Nothing is opened, read or bound before `desk()` is first awaited."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._desk: Desk | None = None
        self._opening = asyncio.Lock()
        self._resources = AsyncExitStack()

    async def desk(self) -> Desk:
        """The desk, opened on the first call. Raises ConfigurationError when the settings do not allow it."""
        if self._desk is None:
            async with self._opening:
                if self._desk is None:
                    self._desk = await self._open()
        return self._desk

    async def aclose(self) -> None:
        """Close connections, exchange and workers. Orders that rest at a venue stay there."""
        async with self._opening:
            self._desk = None
            await self._resources.aclose()

    async def _open(self) -> Desk:
        # Signing, numbers and the exchange load here: too slow for a start that may only list tools.
        from ..core.market_data.followed_books import FollowedBooks
        from .sites import open_site

        async with AsyncExitStack() as opened:
            site = await open_site(self.settings, opened)
            live = await opened.enter_async_context(FollowedBooks(site.feed, clock=site.clock))
            desk = _assemble(self.settings, site, live, opened)
            await opened.enter_async_context(desk.trading)
            self._resources = opened.pop_all()
        return desk


def _assemble(settings: Settings, site: Site, live: FollowedBooks, opened: AsyncExitStack) -> Desk:
    from ..core.market_data.directory import MarketDirectory
    from ..core.market_data.market_statistics import MarketRecords
    from ..core.market_data.quotes import MarketQuotes
    from ..core.market_data.tape import TradeTape
    from ..core.market_data.traders import TraderRecords
    from ..core.portfolio.snapshot import Portfolio
    from ..core.risk.simulation import market_risk, portfolio_risk
    from ..core.venues.polymarket import PolymarketVenue
    from ..handlers.context import ComputeStatus, Desk, VenueHealth

    executor = _executor(settings)
    opened.push_async_callback(executor.aclose)
    venue = PolymarketVenue(site.clob, site.data)
    trading, last_seen = _trading_desk(settings, site, venue, opened)

    def compute() -> ComputeStatus:
        pool = executor.describe()
        return ComputeStatus(pool.engine, pool.device, pool.workers, pool.queue_length, pool.started)

    def venue_health() -> VenueHealth:
        transport = site.transport
        orders = transport.venue_states["clob"]
        left_alone = sorted(
            host
            for each in {site.transport, site.public.transport}
            for host, state in each.breaker_states.items()
            if state == "open"
        )
        return VenueHealth(
            condition=orders.condition,
            since=orders.since,
            retry_after_s=orders.retry_after_s,
            left_alone=tuple(left_alone),
            clock_skew_s=transport.clock_skew_s,
            headroom=site.public.transport.headroom,
            routes=transport.metrics.snapshot(),
        )

    return Desk(
        mode=settings.mode,
        source=site.name,
        account=site.account,
        recorded_on=site.recorded_on,
        directory=MarketDirectory(site.public.gamma),
        quotes=MarketQuotes(site.clob, live=live, history=site.public.clob),
        records=MarketRecords(site.public.clob, site.public.data, own=site.clob if site.account else None),
        tape=TradeTape(site.public.data),
        traders=TraderRecords(site.public.data),
        trading=trading,
        last_seen=last_seen,
        portfolio=Portfolio(venue, site.clock, trading.fee_of),
        risk_model=functools.partial(market_risk, executor, seed=site.seed),
        book_risk_model=functools.partial(portfolio_risk, executor, seed=site.seed),
        venue_health=venue_health,
        notes=site.notes,
        compute=compute,
        clock=site.clock,
        started_at=site.clock.now(),
        toolsets=parse_toolsets(settings.toolsets),
        read_only=settings.read_only,
        warnings=settings.warnings,
        default_bankroll=site.bankroll,
    )


def _trading_desk(settings: Settings, site: Site, venue: Venue, opened: AsyncExitStack) -> tuple[TradingDesk, LastSeen]:
    from ..core.risk.gate import RiskGate
    from ..core.risk.kill_switch import KillSwitch
    from ..core.storage.audit_log import AuditLog
    from ..core.storage.database import DESK_FILE, Database
    from ..core.storage.processes import ProcessMark
    from ..core.trading.approvals import ApprovalBox
    from ..core.trading.dead_letters import DeadLetters
    from ..core.trading.desk import TradingDesk
    from ..core.trading.desk_state import DeskStates
    from ..core.trading.draft_book import DraftBook
    from ..core.trading.heartbeat import Heartbeat
    from ..core.trading.journal import OrderJournal
    from ..core.trading.since_last_seen import LastSeen

    state = settings.resolved_state_dir / settings.mode.value
    database = Database.at(state / DESK_FILE) if site.remembers else Database.in_memory()
    opened.callback(database.close)
    process = ProcessMark(state / "processes" if site.remembers else None)
    opened.callback(process.release)
    account = site.account or ""
    in_folder = f"POLYMARKET_STATE_DIR={settings.state_dir} " if settings.state_dir else ""
    kill_switch = KillSwitch(state, lifted_by=f"{in_folder}polydesk resume --mode {settings.mode.value}")
    audit = AuditLog(database, account)
    letters = DeadLetters(database, audit, account=account, new_id=functools.partial(_short_id, "l"))
    journal = OrderJournal(
        database,
        audit,
        letters,
        account=account,
        process=process,
        new_id=functools.partial(_short_id, "a"),
    )
    trading = TradingDesk(
        venue=venue,
        gate=RiskGate(_limits(settings)),
        states=DeskStates(database, journal, kill_switch, site.clock, account=account),
        kill_switch=kill_switch,
        journal=journal,
        letters=letters,
        audit=audit,
        drafts=DraftBook(database, account=account, new_id=functools.partial(_short_id, "d")),
        consent=_consent(settings),
        approvals=ApprovalBox(state / "approvals", functools.partial(secrets.token_hex, 3)),
        clock=site.clock,
        account_stream=site.open_account_stream if site.account else None,
        heartbeat=Heartbeat(site.clob.heartbeat, site.clock) if settings.heartbeat and site.account else None,
    )
    return trading, LastSeen(database, audit, journal)


def _limits(settings: Settings) -> RiskLimits:
    from ..core.risk.limits import RiskLimits

    settings.check_limits()
    return RiskLimits(
        max_order_usd=settings.max_order_usd,
        max_open_orders=settings.max_open_orders,
        max_market_usd=settings.max_market_usd,
        max_event_usd=settings.max_event_usd,
        max_exposure_usd=settings.max_exposure_usd,
        max_day_usd=settings.max_day_usd,
        max_day_loss_usd=settings.max_day_loss_usd,
        max_orders_per_minute=settings.max_orders_per_minute,
        max_spread=settings.max_spread,
        min_depth_usd=settings.min_depth_usd,
        min_hours_to_end=settings.min_hours_to_end,
        allow_markets=settings.allow_markets,
        deny_markets=settings.deny_markets,
    )


def _consent(settings: Settings) -> ConsentPolicy:
    from ..core.trading.consent import LiveConsent, NoConsent

    if settings.mode is not Mode.LIVE:
        return NoConsent()
    acknowledge = settings.confirmation is Confirmation.ACKNOWLEDGE
    return LiveConsent(
        dialog=settings.confirmation is Confirmation.ELICIT,
        acknowledge_up_to=settings.ack_max_usd if acknowledge else type(settings.ack_max_usd)(0),
    )


def _executor(settings: Settings) -> Executor:
    if settings.compute == "inline":
        from ..gpu.inline import InlineExecutor

        return InlineExecutor()
    from ..gpu.pool import ProcessPool

    return ProcessPool()


def _short_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(5)}"
