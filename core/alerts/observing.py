"""Looks at what rules are about, family by family, no more often than each is worth a request."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ..errors import PolymarketAPIError
from ..identifiers import ConditionId, TokenId
from ..models import OrderBook
from .account_conditions import judge_drawdown, judge_exposure
from .alert_book import WatchedRule
from .catalogue_conditions import (
    VolumesSeen,
    judge_new_market,
    judge_resolution,
    judge_volume,
    watched_markets,
)
from .levels import Judgement
from .market_conditions import BookSeen, PricesSeen, judge_imbalance, judge_price, judge_spread
from .order_conditions import AuditSeen, judge_letters, judge_orders
from .rules import AlertKind
from .run_conditions import judge_runs
from .sources import AlertSources
from .system_conditions import judge_requests, judge_stream, judge_troubles

Looks = Sequence[tuple[WatchedRule, Judgement]]

_READ_EVERY = timedelta(seconds=10)
"""Books that the stream does not keep are read by REST so often at most, all of them in one request; one that a new
rule is about is read at once."""

_CATALOGUE_EVERY_S = 60.0
_ACCOUNT_EVERY_S = 60.0
_LONGEST_WINDOW = 5000
_THINNED = timedelta(seconds=5)
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Family:
    """Kinds that one look serves, and the seconds between looks."""

    kinds: frozenset[AlertKind]
    every_s: float
    look: Callable[[Sequence[WatchedRule], datetime], Awaitable[Looks]]


class Observer:
    """Looks on behalf of rules. What it must have seen before, prices and volumes of the last while, is in memory."""

    def __init__(self, sources: AlertSources) -> None:
        self._sources = sources
        self._asked: set[TokenId] = set()
        self._read_at: datetime | None = None
        self._prices: dict[str, deque[tuple[datetime, Decimal]]] = {}
        self._volumes: dict[ConditionId, deque[tuple[datetime, Decimal]]] = {}

    @property
    def families(self) -> tuple[Family, ...]:
        kind = AlertKind
        return (
            Family(frozenset({kind.PRICE_CROSSES, kind.SPREAD, kind.IMBALANCE}), 1.0, self._books),
            Family(frozenset({kind.ORDER, kind.DEAD_LETTER}), 1.0, self._orders),
            Family(frozenset({kind.RATE_LIMIT, kind.STALE_STREAM, kind.SYSTEM_HEALTH}), 1.0, self._system),
            Family(frozenset({kind.VOLUME, kind.RESOLUTION}), _CATALOGUE_EVERY_S, self._catalogue),
            Family(frozenset({kind.NEW_MARKET}), _CATALOGUE_EVERY_S, self._new_markets),
            Family(frozenset({kind.DRAWDOWN}), 5.0, self._drawdown),
            Family(frozenset({kind.EXPOSURE}), _ACCOUNT_EVERY_S, self._exposure),
            Family(frozenset({kind.STRATEGY_DEGRADATION}), _ACCOUNT_EVERY_S, self._runs),
        )

    def forget(self, rule_ids: frozenset[str]) -> None:
        """Drop what was remembered for rules other than these."""
        for rule_id in self._prices.keys() - rule_ids:
            del self._prices[rule_id]

    async def _books(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        books = await self._books_of({each.rule.target.token_id for each in rules if each.rule.target}, now)
        looks = []
        for watched in rules:
            target = watched.rule.target
            book = books.get(target.token_id) if target else None
            if book is None:
                continue
            seen = BookSeen.of(book)
            match watched.rule.kind:
                case AlertKind.SPREAD:
                    judged = judge_spread(watched.rule, watched.memory, seen, now)
                case AlertKind.IMBALANCE:
                    judged = judge_imbalance(watched.rule, watched.memory, seen, now)
                case _:
                    window = await self._window(watched, seen.midpoint, now)
                    judged = judge_price(watched.rule, watched.memory, PricesSeen(seen, window), now)
            looks.append((watched, judged))
        return looks

    async def _books_of(self, tokens: set[TokenId], now: datetime) -> Mapping[TokenId, OrderBook]:
        found = {token: book for token in tokens if (book := self._sources.followed_book(token)) is not None}
        missing = tokens - found.keys()
        new = missing - self._asked
        self._asked &= tokens
        due = self._read_at is None or now - self._read_at >= _READ_EVERY
        if due:
            self._read_at = now
        wanted = sorted(missing if due else new)
        self._asked |= missing
        # One that was read a while ago has been judged already.
        return found | dict(await self._sources.read_books(wanted)) if wanted else found

    async def _window(
        self, watched: WatchedRule, price: Decimal | None, now: datetime
    ) -> Sequence[tuple[datetime, Decimal]]:
        """The prices of a rule that watches moves; at its first look those that the venue has recorded."""
        rule = watched.rule
        if rule.within_s is None or rule.target is None:
            return ()
        since = now - timedelta(seconds=rule.within_s)
        window = self._prices.get(watched.rule_id)
        if window is None:
            window = self._prices[watched.rule_id] = deque(maxlen=_LONGEST_WINDOW)
            with suppress(PolymarketAPIError):  # then the window begins now
                window.extend(await self._sources.prices(rule.target.token_id, since))
        while window and window[0][0] < since:
            window.popleft()
        before = tuple(window)
        if price is not None and (not window or price != window[-1][1] or now - window[-1][0] >= _THINNED):
            window.append((now, price))
        return before

    async def _orders(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        last = self._sources.audit.last_number()
        if all(each.memory.get("after") == last for each in rules):
            return ()
        after = min(int(each.memory.get("after", last)) for each in rules)
        entries = self._sources.audit.entries(after=after) if after < last else ()
        attempts = {entry.attempt_id for entry in entries if entry.attempt_id is not None}
        records = {each: record for each in attempts if (record := self._sources.order(each)) is not None}
        seen = AuditSeen(entries, records, last)
        judges = {AlertKind.ORDER: judge_orders, AlertKind.DEAD_LETTER: judge_letters}
        return [(each, judges[each.rule.kind](each.rule, each.memory, seen, now)) for each in rules]

    async def _system(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        looks = []
        for watched in rules:
            rule, memory = watched.rule, watched.memory
            match rule.kind:
                case AlertKind.RATE_LIMIT:
                    judged = judge_requests(rule, memory, self._sources.requests(), now)
                case AlertKind.STALE_STREAM:
                    judged = judge_stream(rule, memory, self._sources.stream(), now)
                case _:
                    judged = judge_troubles(rule, memory, self._sources.troubles(), now)
            looks.append((watched, judged))
        return looks

    async def _catalogue(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        follows_holdings = any(each.rule.kind is AlertKind.RESOLUTION and each.rule.target is None for each in rules)
        held = await self._sources.held() if follows_holdings else ()
        wanted = {each.rule_id: watched_markets(each.rule, held, each.memory) for each in rules}
        ids = list(dict.fromkeys(condition_id for each in wanted.values() for condition_id in each))
        markets = {market.condition_id: market for market in await self._sources.markets(ids)} if ids else {}
        looks = []
        for watched in rules:
            mine = {each: markets[each] for each in wanted[watched.rule_id] if each in markets}
            if watched.rule.kind is AlertKind.RESOLUTION:
                looks.append((watched, judge_resolution(watched.rule, watched.memory, mine, now)))
                continue
            for condition_id, market in mine.items():
                window = self._volume_window(condition_id, watched.rule.within_s or _DAY_S, now)
                seen = VolumesSeen(market.volume_24h, market.volume, window)
                looks.append((watched, judge_volume(watched.rule, watched.memory, seen, now)))
        for market in markets.values():
            self._volumes.setdefault(market.condition_id, deque(maxlen=_LONGEST_WINDOW)).append((now, market.volume))
        return looks

    def _volume_window(
        self, condition_id: ConditionId, within_s: float, now: datetime
    ) -> Sequence[tuple[datetime, Decimal]]:
        since = now - timedelta(seconds=within_s)
        return [each for each in self._volumes.get(condition_id, ()) if each[0] >= since]

    async def _new_markets(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        newest = await self._sources.newest()
        return [(each, judge_new_market(each.rule, each.memory, newest, now)) for each in rules]

    async def _drawdown(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        looks = []
        for watched in rules:
            equity = self._sources.equity(now - timedelta(seconds=watched.rule.within_s or _DAY_S))
            looks.append((watched, judge_drawdown(watched.rule, watched.memory, equity, now)))
        return looks

    async def _exposure(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        exposure = await self._sources.exposure()
        return [(each, judge_exposure(each.rule, each.memory, exposure, now)) for each in rules]

    async def _runs(self, rules: Sequence[WatchedRule], now: datetime) -> Looks:
        runs = await self._sources.runs()
        return [(each, judge_runs(each.rule, each.memory, runs, now)) for each in rules]
