"""Puts the order desk of a site together: its file, its limits, its consent."""

from __future__ import annotations

import functools
import secrets
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import NamedTuple

from ..core.forecasting.forecast_journal import ForecastJournal
from ..core.news.item_store import NewsStore
from ..core.portfolio.equity_history import EquityHistory
from ..core.risk.limits import RiskLimits
from ..core.settings import Confirmation, Mode, Settings
from ..core.storage.audit_log import AuditLog
from ..core.storage.database import DESK_FILE, Database
from ..core.storage.processes import ProcessMark
from ..core.trading.approvals import ApprovalBox
from ..core.trading.consent import ConsentPolicy, LiveConsent, NoConsent
from ..core.trading.desk import TradingDesk
from ..core.trading.heartbeat import Heartbeat
from ..core.trading.position_desk import PositionDesk
from ..core.trading.position_journal import PositionJournal
from ..core.trading.reconciliation import ARRIVAL_WINDOW
from ..core.trading.run_book import RunBook
from ..core.trading.since_last_seen import LastSeen
from ..core.trading.slice_runs import SliceRuns
from ..core.venues.venue import Venue
from .order_desk import order_desk
from .sites import Site


class TradingDeskParts(NamedTuple):
    """What shares the desk's file."""

    trading: TradingDesk
    positions: PositionDesk
    slices: SliceRuns
    runs: RunBook
    consent: ConsentPolicy
    approvals: ApprovalBox
    last_seen: LastSeen
    forecasts: ForecastJournal
    news: NewsStore
    equity: EquityHistory
    database: Database
    audit: AuditLog


def build_trading_desk(
    settings: Settings,
    site: Site,
    venue: Venue,
    opened: AsyncExitStack,
    *,
    consent: ConsentPolicy | None = None,
    arrival_window: timedelta = ARRIVAL_WINDOW,
) -> TradingDeskParts:
    """The desk, its sliced orders, what it has to tell and its forecasts; what they hold is closed through `opened`.

    `consent` is that of the settings unless given. Raises ConfigurationError for limits or a file that cannot be used.
    """
    state = settings.desk_folder
    database = Database.at(state / DESK_FILE) if site.remembers else Database.in_memory()
    opened.callback(database.close)
    process = ProcessMark(state / "processes" if site.remembers else None)
    opened.callback(process.release)
    account = site.account or ""
    policy = consent or _consent(settings)
    in_folder = f"POLYMARKET_STATE_DIR={settings.state_dir} " if settings.state_dir else ""
    made = order_desk(
        database,
        venue,
        site.clock,
        account=account,
        folder=state,
        process=process,
        limits=_limits(settings),
        consent=policy,
        new_id=short_id,
        new_code=functools.partial(secrets.token_hex, 3),
        lifted_by=f"{in_folder}polydesk resume --mode {settings.mode.value}",
        account_stream=site.open_account_stream if site.account else None,
        heartbeat=Heartbeat(site.clob.heartbeat, site.clock) if settings.heartbeat and site.account else None,
        arrival_window=arrival_window,
    )
    book = RunBook(database, made.audit, account=account, process=process, new_id=functools.partial(short_id, "r"))
    return TradingDeskParts(
        trading=made.desk,
        positions=PositionDesk(
            site.relayer,
            venue,
            PositionJournal(
                database, made.audit, account=account, process=process, new_id=functools.partial(short_id, "p")
            ),
            policy,
            made.approvals,
            made.kill_switch,
            site.clock,
        ),
        slices=SliceRuns(made.desk, venue, book, site.clock),
        runs=book,
        consent=policy,
        approvals=made.approvals,
        last_seen=LastSeen(database, made.audit, made.journal),
        forecasts=ForecastJournal(database, new_id=functools.partial(short_id, "f")),
        news=NewsStore(database),
        equity=EquityHistory(database, account=account),
        database=database,
        audit=made.audit,
    )


def _limits(settings: Settings) -> RiskLimits:

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

    if settings.mode is not Mode.LIVE:
        return NoConsent()
    acknowledge = settings.confirmation is Confirmation.ACKNOWLEDGE
    return LiveConsent(
        dialog=settings.confirmation is Confirmation.ELICIT,
        acknowledge_up_to=settings.ack_max_usd if acknowledge else type(settings.ack_max_usd)(0),
    )


def short_id(prefix: str) -> str:
    """A new name of something on the desk, such as a_1f2e3d4c5b."""
    return f"{prefix}_{secrets.token_hex(5)}"
