"""Puts the alerts of a desk together: what its rules read, where they are kept, and whom they reach."""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from ..core.alerts.alert_book import AlertBook
from ..core.alerts.alert_desk import AlertDesk
from ..core.alerts.channels import channel_configs, learn_secrets, open_channels
from ..core.alerts.delivery_book import DeliveryBook
from ..core.alerts.rules import DEFAULT_RULES
from ..core.alerts.sources import AlertSources, Prices
from ..core.alerts.system_conditions import RequestsSeen, StreamSeen, Troubles
from ..core.errors import ConfigurationError
from ..core.identifiers import ConditionId, TokenId
from ..core.models import Market, OrderBook
from ..core.settings import Settings
from ..core.untrusted_text import quoted
from .trading_desk import short_id

if TYPE_CHECKING:
    from ..core.market_data.directory import MarketDirectory
    from ..core.market_data.followed_books import FollowedBooks
    from ..core.market_data.quotes import MarketQuotes
    from ..core.portfolio.snapshot import Portfolio
    from ..core.trading.strategy_runs import StrategyRuns
    from ..gpu.interface import PoolStatus
    from ..handlers.context import Backtests, VenueHealth
    from .sites import Site
    from .trading_desk import TradingDeskParts

_NEWEST = 100
_MOST_MARKETS = 100
_SKEW_TOLD_S = 5.0
_OPEN_POSITIONS = ("", "OPEN")
_RATE_LIMIT_ERROR = "RateLimitError"


def build_alerts(
    settings: Settings,
    site: Site,
    parts: TradingDeskParts,
    *,
    live: FollowedBooks,
    quotes: MarketQuotes,
    directory: MarketDirectory,
    portfolio: Portfolio,
    strategies: StrategyRuns,
    backtests: Backtests,
    venue_health: Callable[[], VenueHealth],
    compute: Callable[[], PoolStatus],
    publish: Callable[[], Awaitable[None]],
) -> AlertDesk:
    """The alerts of a desk; nothing runs before they are entered. Raises ConfigurationError."""
    configured = settings.alert_channels.get_secret_value() if settings.alert_channels else None
    configs = channel_configs(configured)
    learn_secrets(configs)
    trading = parts.trading

    async def prices(token_id: TokenId, since: datetime) -> Prices:
        history = await quotes.history(token_id, start=since, fidelity_min=1)
        return [(point.at, point.price) for point in history.points]

    async def read_books(token_ids: Sequence[TokenId]) -> Mapping[TokenId, OrderBook]:
        return await quotes.books(token_ids)

    async def markets(condition_ids: Sequence[ConditionId]) -> Sequence[Market]:
        found: list[Market] = []
        for start in range(0, len(condition_ids), _MOST_MARKETS):
            found += await directory.current(condition_ids[start : start + _MOST_MARKETS])
        return found

    async def held() -> Sequence[ConditionId]:
        if site.account is None:
            return ()
        return [each.condition_id for each in await trading.positions() if each.status in _OPEN_POSITIONS and each.size]

    async def exposure() -> Decimal:
        return trading.standing((await portfolio.snapshot()).account_state).worst

    def equity(since: datetime) -> Sequence[tuple[datetime, Decimal]]:
        return [(each.at, each.equity) for each in parts.equity.since(since)]

    def holdings(since: datetime) -> Sequence[tuple[datetime, Decimal]]:
        return [(each.at, each.positions_value) for each in parts.equity.since(since)]

    def requests() -> RequestsSeen:
        health = venue_health()
        return RequestsSeen(health.headroom, sum(each.errors.get(_RATE_LIMIT_ERROR, 0) for each in health.routes))

    def stream() -> StreamSeen:
        return StreamSeen(live.state().followed, live.incomplete())

    def troubles() -> Troubles:
        halt = trading.halt
        halted = {"halted": f"trading is halted: {quoted(halt.reason, 120)}"} if halt else {}
        return {**_venue_troubles(venue_health()), **_worker_troubles(compute()), **halted}

    from .run_expectations import runs_now

    return AlertDesk(
        AlertBook(parts.database, account=site.account or "", new_id=short_id),
        DeliveryBook(parts.database, account=site.account or ""),
        AlertSources(
            audit=parts.audit,
            order=trading.journal.get,
            followed_book=live.fresh_book,
            read_books=read_books,
            prices=prices,
            markets=markets,
            newest=functools.partial(directory.newest, limit=_NEWEST),
            held=held,
            equity=equity,
            holdings=holdings,
            exposure=exposure,
            runs=functools.partial(runs_now, strategies, backtests),
            requests=requests,
            stream=stream,
            troubles=troubles,
        ),
        open_channels(configs),
        defaults=default_rules(settings.alert_defaults),
        clock=site.clock,
        random=random.SystemRandom(),
        mode=settings.mode.value,
        publish=publish,
    )


def default_rules(names: Sequence[str]) -> frozenset[str]:
    """The ids of the desk's own rules that watch, by the kinds that are configured. Raises ConfigurationError."""
    known = {rule.kind.value: rule_id for rule_id, rule in DEFAULT_RULES.items()}
    if tuple(names) == ("none",):
        return frozenset()
    if tuple(names) == ("all",):
        return frozenset(known.values())
    if unknown := [name for name in names if name not in known]:
        raise ConfigurationError(
            f"POLYMARKET_ALERT_DEFAULTS: {unknown[0][:40]!r} is none of all, none, {', '.join(sorted(known))}."
        )
    return frozenset(known[name] for name in names)


def _venue_troubles(health: VenueHealth) -> Troubles:
    found = {f"circuit {host}": f"{host} keeps failing and is left alone for a while" for host in health.left_alone}
    if health.condition != "normal":
        found[f"venue {health.condition}"] = f"the venue is {health.condition.replace('_', ' ')}"
    if abs(health.clock_skew_s) >= _SKEW_TOLD_S:
        ahead = "behind" if health.clock_skew_s > 0 else "ahead of"
        found["clock"] = f"this machine's clock is {abs(health.clock_skew_s):.0f} s {ahead} the venue's"
    return found


def _worker_troubles(pool: PoolStatus) -> Troubles:
    return {
        f"workers {kind.kind}": f"workers for {kind.kind} are degraded: {quoted(kind.degraded, 120)}"
        for kind in pool.kinds
        if kind.degraded
    }
