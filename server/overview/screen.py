"""Puts the overview of one desk together, at a bounded cost however many look at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ...core.clock import Clock
from ...core.errors import PolymarketAPIError
from ...core.models import Market
from ...core.resilience.answer_cache import AnswerCache
from ...core.trading.strategy_plan import plan_from_text
from ...core.untrusted_text import quoted
from ...handlers.alerts import AlertLine, alert_line
from ...handlers.answer import rounded
from ...handlers.portfolio import StatementLine, statement_line
from .account import (
    CURVE_SPAN,
    curve,
    exposure_lines,
    fill_lines,
    limit_lines,
    money_line,
    order_lines,
    position_lines,
)
from .books import MOST_BOOKS, book_line, watched
from .health import health_line
from .news import NewsOfMarkets
from .runs import run_line, shown_runs, signal_lines, waiting_lines
from .shapes import BookLine, HaltLine, Overview

if TYPE_CHECKING:
    from ...core.identifiers import ConditionId, TokenId
    from ...core.portfolio.snapshot import PortfolioSnapshot
    from ...core.trading.desk_state import Standing
    from ...core.trading.run_book import Run
    from ...handlers.context import Desk
    from ...handlers.run_lines import RunLine

T = TypeVar("T")

_SHOWN_FOR_S = 1.0
_MARKET_FOR_S = 60.0
_NOTICE_S = 0.2
"""How soon a change of the desk is noticed."""

_ACCOUNT_S = (5.0, 10.0)
_STATEMENT_S = (20.0, 60.0)
"""Seconds between two reads: where an order has moved since, and where none has. A real venue is asked for at most 100
reads a minute, and trading needs most of them."""

_MARKETS = 60
_ALERTS = 12


@dataclass(frozen=True, slots=True)
class _Account:
    snapshot: PortfolioSnapshot
    standing: Standing


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read when the desk's mark was `mark`."""

    value: Any
    mark: str
    at: datetime


class Screen:
    """What the screens of one desk share. `clock` is real time: it bounds what screens cost, in no market's time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: AnswerCache[object] = AnswerCache(clock=clock, max_entries=500)
        self._news = NewsOfMarkets()
        self._reads: dict[str, _Read] = {}

    async def change(self, desk: Desk, unlike: str, *, within_s: float) -> None:
        """Return when the desk's mark is no longer `unlike`, or after `within_s` seconds."""
        for _ in range(int(within_s / _NOTICE_S)):
            if mark_of(desk) != unlike:
                return
            await self._clock.sleep(_NOTICE_S)

    async def shown(self, desk: Desk) -> Mapping[str, Any]:
        """The overview, at most a second old."""
        mark = mark_of(desk)
        shown: Mapping[str, Any] = await self._kept(("overview", mark), _SHOWN_FOR_S, lambda: self._made(desk, mark))
        return shown

    async def _kept(self, key: tuple[object, ...], ttl_s: float, make: Any) -> Any:
        kept = self._answers.get(key)
        if kept is not None:
            return kept.value

        async def made() -> Any:
            value = await make()
            self._answers.keep(key, value, ttl_s=ttl_s)
            return value

        return await self._answers.joined(key, made)

    async def _made(self, desk: Desk, mark: str) -> Mapping[str, Any]:
        problems: dict[str, str] = {}
        runs = shown_runs(desk)
        account = statement = None
        if desk.account is not None:
            account = await _told(problems, "account", self._account(desk, mark))
            statement = await self._statement(desk, mark, problems)
        snapshot = account.snapshot if account else None
        markets = await self._markets_of(desk, _condition_ids(snapshot, runs), problems)
        lines = [line for run in runs if (line := await _run(desk, run, snapshot, problems)) is not None]
        positions, positions_total = position_lines(snapshot.positions, desk.notes().stale) if snapshot else ([], 0)
        orders, orders_total = order_lines(desk, snapshot, markets) if snapshot else ([], 0)
        of_runs = [
            markets[each].outcomes[0].token_id
            for run in runs
            if run.goes_on
            for each in _of_run(run)
            if each in markets
        ]
        shown = Overview(
            **desk.heading,
            mark=mark,
            as_of=desk.clock.now(),
            source=desk.source,
            trading=desk.trading_state,
            halt=_halt(desk),
            money=money_line(snapshot, statement) if snapshot else None,
            statement=statement,
            equity=curve(desk.equity.since(desk.clock.now() - CURVE_SPAN), snapshot),
            worst_case=rounded(account.standing.worst, 4) if account else None,
            exposure=exposure_lines(account.snapshot, account.standing, markets) if account else [],
            positions=positions,
            positions_total=positions_total,
            open_orders=orders,
            open_orders_total=orders_total,
            fills=fill_lines(desk, snapshot.trades, markets) if snapshot else [],
            runs=lines,
            signals=signal_lines(lines),
            waiting=waiting_lines(desk, lines),
            books=await self._books(desk, snapshot, of_runs, problems),
            news=await _told(problems, "news", self._news.lines(desk, list(markets.values()))) or [],
            alerts=_alerts(desk),
            alert_rules=len(desk.alerts.book.rules()),
            health=health_line(desk),
            limits=limit_lines(desk, account.standing) if account else [],
            warnings=list(desk.all_warnings) or None,
            problems=problems or None,
        )
        return shown.as_json()

    async def _read(self, part: str, mark: str, spacing_s: tuple[float, float], make: Callable[[], Awaitable[T]]) -> T:
        """What `make` reads, or has read lately enough."""
        kept = self._reads.get(part)
        if kept is not None:
            age_s = (self._clock.now() - kept.at).total_seconds()
            if age_s < spacing_s[0] or (kept.mark == mark and age_s < spacing_s[1]):
                value: T = kept.value
                return value

        async def made() -> T:
            at = self._clock.now()
            value = await make()
            self._reads[part] = _Read(value, mark, at)
            return value

        return await self._answers.joined((part,), made)

    async def _account(self, desk: Desk, mark: str) -> _Account:
        async def read() -> _Account:
            snapshot = await desk.portfolio.snapshot()
            return _Account(snapshot, desk.trading.standing(snapshot.account_state))

        return await self._read("account", mark, _ACCOUNT_S, read)

    async def _statement(self, desk: Desk, mark: str, problems: dict[str, str]) -> StatementLine | None:
        line, problem = await self._read("statement", mark, _STATEMENT_S, lambda: statement_line(desk))
        if problem is not None:
            problems["profit"] = quoted(problem, 200)
        return line

    async def _markets_of(
        self, desk: Desk, wanted: Iterable[ConditionId], problems: dict[str, str]
    ) -> dict[ConditionId, Market]:
        condition_ids = list(wanted)[:_MARKETS]
        unknown = [each for each in condition_ids if self._answers.get(("market", each)) is None]
        if unknown:
            await _told(problems, "markets", self._read_markets(desk, unknown))
        kept = {each: self._answers.get(("market", each)) for each in condition_ids}
        return {each: answer.value for each, answer in kept.items() if answer and isinstance(answer.value, Market)}

    async def _read_markets(self, desk: Desk, condition_ids: Sequence[ConditionId]) -> None:
        """All in one request; what the catalogue does not know is kept as None, or each look would ask for it."""
        read = {market.condition_id: market for market in await desk.directory.current(condition_ids)}
        for condition_id in condition_ids:
            market = read.get(condition_id)
            tokens = [outcome.token_id for outcome in market.outcomes] if market else []
            for name in (condition_id, *tokens):
                self._answers.keep(("market", name), market, ttl_s=_MARKET_FOR_S)

    async def _market_of(self, desk: Desk, token_id: TokenId) -> Market:
        async def find() -> Market:
            return (await desk.directory.find(token_id)).market

        market: Market = await self._kept(("market", token_id), _MARKET_FOR_S, find)
        return market

    async def _books(
        self, desk: Desk, snapshot: PortfolioSnapshot | None, of_runs: list[TokenId], problems: dict[str, str]
    ) -> list[BookLine]:
        """The books of what is watched, filled up with those that somebody read last."""
        why = watched(snapshot, of_runs)
        books = await _told(problems, "books", desk.quotes.books(list(why))) or {} if why else {}
        for book in desk.quotes.followed(MOST_BOOKS):
            if book.token_id not in why and len(why) < MOST_BOOKS:
                why[book.token_id] = "read"
                books[book.token_id] = book
        lines = []
        for token_id, reason in why.items():
            if token_id not in books:
                continue
            market = await _told(problems, "books", self._market_of(desk, token_id))
            if market is not None:
                own = snapshot.open_orders if snapshot else ()
                lines.append(book_line(books[token_id], market, why=reason, own=own))
        return lines


def mark_of(desk: Desk) -> str:
    """Differs from an earlier one when orders, runs, alerts or the halt have changed since."""
    runs = "/".join(f"{run.run_id}{run.status.value}" for run in desk.slices.book.latest(5))
    halt = desk.trading.halt
    alert = "".join(each.alert_id for each in desk.alerts.book.latest(1))
    since = halt.since.isoformat() if halt else ""
    return f"{desk.trading.journal.process_id}.{desk.trading.changes}.{since}.{runs}.{alert}"


async def _told(problems: dict[str, str], part: str, work: Awaitable[T]) -> T | None:
    """What `work` answers; None where the venue could not be read, which is written down."""
    try:
        return await work
    except PolymarketAPIError as error:
        problems[part] = quoted(error.message, 200)
        return None


async def _run(desk: Desk, run: Run, snapshot: PortfolioSnapshot | None, problems: dict[str, str]) -> RunLine | None:
    if snapshot is None and run.kind != "backtest":
        return None
    return await _told(problems, "runs", run_line(desk, run, snapshot.trades if snapshot else ()))


def _of_run(run: Run) -> tuple[ConditionId, ...]:
    return plan_from_text(run.document).markets if run.kind == "strategy" else ()


def _condition_ids(snapshot: PortfolioSnapshot | None, runs: Iterable[Run]) -> dict[ConditionId, None]:
    """The markets that anything shown is about, in the order in which they matter."""
    found: dict[ConditionId, None] = {}
    if snapshot is not None:
        found |= dict.fromkeys(each.condition_id for each in snapshot.open_orders)
        found |= dict.fromkeys(each.condition_id for each in snapshot.positions if each.size)
    for run in runs:
        if run.goes_on:
            found |= dict.fromkeys(_of_run(run))
    return found


def _alerts(desk: Desk) -> list[AlertLine]:
    delivered = desk.alerts.delivery_states()
    return [alert_line(each, delivered.get(each.number)) for each in desk.alerts.book.latest(_ALERTS)]


def _halt(desk: Desk) -> HaltLine | None:
    halt = desk.trading.halt
    if halt is None:
        return None
    return HaltLine(reason=quoted(halt.reason, 300), since=halt.since, lifted_by=halt.lifted_by)
