"""What a rule would have told on what is recorded, before it is let to watch: by the same conditions, step by step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..errors import PolymarketAPIError
from ..identifiers import ConditionId
from ..storage.audit_log import AuditEntry
from .account_conditions import judge_drawdown, judge_exposure
from .catalogue_conditions import fits
from .levels import Memory
from .market_conditions import BookSeen, PricesSeen, judge_price
from .order_conditions import LETTER_KEPT, turns_in
from .rules import AlertKind, AlertRule
from .sources import AlertSources, Prices

LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Past:
    """How often a rule would have fired since a moment, at most LOOK_BACK ago, and the last time; `basis` is what was
    looked at.

    `times` is None where nothing of the kind is recorded, which `basis` then says.
    """

    times: int | None
    basis: str
    since: datetime | None = None
    last: datetime | None = None


async def would_have_fired(rule: AlertRule, sources: AlertSources, *, now: datetime) -> Past:
    """Try a rule on the past. Nothing is armed, written down or delivered."""
    since = now - LOOK_BACK
    match rule.kind:
        case AlertKind.PRICE_CROSSES if rule.target is not None:
            try:
                prices = await sources.prices(rule.target.token_id, since)
            except PolymarketAPIError:
                return Past(None, "the venue's price history cannot be read now")
            return _of(_price_moments(rule, prices), prices[0][0] if prices else None, "the venue's recorded midpoints")
        case AlertKind.ORDER:
            entries = [each for each in sources.audit.entries() if each.at >= since]
            return _of(turns_in(entries, rule, _markets(entries, sources)), since, "the desk's own orders")
        case AlertKind.DEAD_LETTER:
            kept = [each.at for each in sources.audit.entries(kind=LETTER_KEPT) if each.at >= since]
            return _of(kept, since, "the desk's own dead letters")
        case AlertKind.DRAWDOWN:
            equity = sources.equity(since)
            return _of(_drawdown_moments(rule, equity), equity[0][0] if equity else None, "the account's equity")
        case AlertKind.EXPOSURE:
            worth = sources.holdings(since)
            basis = "the worth of holdings, without open orders"
            return _of(_exposure_moments(rule, worth), worth[0][0] if worth else None, basis)
        case AlertKind.NEW_MARKET:
            return await _new_markets(rule, sources, since)
        case _:
            return Past(None, f"no history of {_UNRECORDED.get(rule.kind, 'this')} is kept")


_UNRECORDED = {
    AlertKind.SPREAD: "spreads",
    AlertKind.VOLUME: "volumes",
    AlertKind.IMBALANCE: "books",
    AlertKind.RESOLUTION: "when resolutions were proposed",
    AlertKind.STRATEGY_DEGRADATION: "how far runs were from expectation",
    AlertKind.RATE_LIMIT: "requests left",
    AlertKind.STALE_STREAM: "streams",
    AlertKind.SYSTEM_HEALTH: "the desk's health",
}


def _of(moments: Iterable[datetime], since: datetime | None, basis: str) -> Past:
    found = sorted(moments)
    if since is None:
        return Past(None, f"nothing is recorded of {basis} yet")
    return Past(len(found), basis, since, found[-1] if found else None)


def _price_moments(rule: AlertRule, prices: Prices) -> list[datetime]:
    memory: Memory = {}
    found = []
    first = 0
    for number, (at, price) in enumerate(prices):
        while rule.within_s is not None and prices[first][0] < at - timedelta(seconds=rule.within_s):
            first += 1
        window = prices[first:number] if rule.within_s is not None else ()
        judged = judge_price(rule, memory, PricesSeen(BookSeen(price, None, None), window), at)
        memory = judged.memory
        found += [at] * len(judged.occurrences)
    return found


def _drawdown_moments(rule: AlertRule, equity: Prices) -> list[datetime]:
    memory: Memory = {}
    found = []
    first = 0
    for number, (at, _) in enumerate(equity):
        while rule.within_s is not None and equity[first][0] < at - timedelta(seconds=rule.within_s):
            first += 1
        judged = judge_drawdown(rule, memory, equity[first : number + 1], at)
        memory = judged.memory
        found += [at] * len(judged.occurrences)
    return found


def _exposure_moments(rule: AlertRule, worth: Prices) -> list[datetime]:
    memory: Memory = {}
    found = []
    for at, dollars in worth:
        judged = judge_exposure(rule, memory, dollars, at)
        memory = judged.memory
        found += [at] * len(judged.occurrences)
    return found


def _markets(entries: Iterable[AuditEntry], sources: AlertSources) -> dict[str, ConditionId]:
    attempts = {each.attempt_id for each in entries if each.attempt_id is not None}
    return {each: record.intent.market.condition_id for each in attempts if (record := sources.order(each)) is not None}


async def _new_markets(rule: AlertRule, sources: AlertSources, since: datetime) -> Past:
    try:
        newest = await sources.newest()
    except PolymarketAPIError:
        return Past(None, "the catalogue cannot be read now")
    dated: list[Any] = [each.start_date for each in newest if each.start_date is not None]
    if not dated:
        return Past(None, "no market tells when it was listed")
    began = max(since, min(dated))
    fitting = [each.start_date for each in newest if fits(each, rule.query)]
    return _of([at for at in fitting if at is not None and at >= began], began, f"the {len(newest)} newest markets")
