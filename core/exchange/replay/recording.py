"""A recording as a whole: the catalogue it begins with and everything that then happens, in order."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...recording.rows import is_recording
from ..catalogue import Catalogue, RecordedMarket
from .files import Unreadable, kind_of, payloads, recording_files
from .flat_rows import is_flat, take_flat_rows
from .hindsight import event_before, market_before
from .level2 import stand_in_token, take_table
from .moments import BlindStretch, BookMoment, LevelMoment, Moment, ResolutionMoment, TradeMoment
from .payloads import NotRecognised, Recorded, take
from .recorded_rows import take_rows


@dataclass(frozen=True, slots=True)
class Recording:
    """`moments` are in the order of their times. `source_tokens` are those whose books are followed, one a market.

    `blind` is what the recorder told not to have seen.
    """

    catalogue: Catalogue
    moments: tuple[Moment, ...]
    source_tokens: frozenset[str]
    blind: tuple[BlindStretch, ...] = ()


def read_recording(paths: Sequence[Path]) -> Recording:
    """Read files and folders. Raises ConfigurationError that names the file, the line and the reason."""
    found = Recorded()
    for path in recording_files(paths, also=is_flat):
        if kind_of(path) == "table":
            take_rows(path, found) if is_recording(path) else take_table(path, found)
            continue
        if is_flat(path):
            take_flat_rows(path, found)
            continue
        for line, payload in payloads(path):
            try:
                take(payload, found)
            except NotRecognised as error:
                raise Unreadable(path, str(error), line=line) from error
    if not (found.moments or found.gamma):
        raise ConfigurationError(f"{', '.join(map(str, paths))}: nothing in there can be replayed")
    return recording_of(found)


def recording_of(found: Recorded) -> Recording:
    """All that was found as one recording, in the order of its moments."""
    conditions = list(dict.fromkeys([*found.gamma, *found.tokens]))
    shown = {moment.condition_id for moment in found.moments if isinstance(moment, (BookMoment, LevelMoment))}
    if not shown:
        shown = {moment.condition_id for moment in found.moments if isinstance(moment, TradeMoment)}
    with_books = {moment.token_id for moment in found.moments if isinstance(moment, BookMoment)}
    markets, sources = [], []
    resolutions: list[Moment] = []
    latest = max((moment.at_ms for moment in found.moments), default=0)
    begins = min((moment.at_ms for moment in found.moments), default=0)
    decided = {moment.condition_id for moment in found.moments if isinstance(moment, ResolutionMoment)}
    starts_at = datetime.fromtimestamp(begins / 1000, UTC) if begins else _latest_update(found)
    for condition_id in conditions:
        tokens = _tokens(found, condition_id)
        gamma = _gamma(found, condition_id, tokens)
        if condition_id in shown:
            # It may have ended after these books were recorded: it is open until then, and its end is replayed too.
            if gamma.get("closed") and condition_id not in decided:
                resolutions.append(ResolutionMoment(_end_ms(gamma, after=latest), condition_id, _winner(gamma, tokens)))
            gamma = market_before(gamma)
        markets.append(_market(found, condition_id, gamma, tokens, starts_at))
        sources.append(tokens[1] if tokens[1] in with_books and tokens[0] not in with_books else tokens[0])
    moments = sorted([*found.moments, *resolutions], key=lambda moment: moment.at_ms)
    begun = {market.event_id for market in markets if market.gamma["conditionId"] in shown}
    events = [event_before(event) if str(event["id"]) in begun else event for event in _events(found, markets)]
    catalogue = Catalogue(starts_at, tuple(events), tuple(markets), ())
    return Recording(catalogue, tuple(moments), frozenset(sources), _blind(found.blind, moments))


def _blind(told: Sequence[BlindStretch], moments: Sequence[Moment]) -> tuple[BlindStretch, ...]:
    """Each stretch with its end: the market's next book."""
    books: dict[str, list[int]] = {}
    for moment in moments if told else ():
        if isinstance(moment, BookMoment):
            books.setdefault(moment.condition_id, []).append(moment.at_ms)
    ended = []
    for each in told:
        times = books.get(each.condition_id, [])
        at = bisect_left(times, each.since_ms)
        ended.append(replace(each, until_ms=times[at] if at < len(times) else None))
    return tuple(ended)


def _tokens(found: Recorded, condition_id: str) -> list[str]:
    """Both tokens, the first outcome's first: as the services list them, else in the order they were seen."""
    gamma = found.gamma.get(condition_id)
    if gamma is not None:
        return [str(token) for token in json.loads(gamma["clobTokenIds"])]
    compact = [str(token["t"]) for token in found.clob.get(condition_id, {}).get("t", [])]
    seen = compact or found.tokens[condition_id]
    if len(seen) > 2:
        raise ConfigurationError(f"market {condition_id} has more than two tokens in this recording")
    return [*seen, *(stand_in_token(condition_id, outcome) for outcome in range(len(seen), 2))]


def _gamma(found: Recorded, condition_id: str, tokens: Sequence[str]) -> dict[str, Any]:
    """The catalogue's object; what was not recorded is what the service has for a plain open market."""
    clob = found.clob.get(condition_id, {})
    labels = [found.outcomes.get(token, word) for token, word in zip(tokens, ("Yes", "No"), strict=True)]
    number = str(int(hashlib.sha256(condition_id.encode()).hexdigest()[:7], 16))
    plain = {
        "id": number,
        "conditionId": condition_id,
        "slug": f"recorded-market-{number}",
        "question": f"Recorded market {condition_id[:10]}",
        "description": "",
        "outcomes": json.dumps(labels),
        "outcomePrices": '["0.5", "0.5"]',
        "clobTokenIds": json.dumps(list(tokens)),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "negRisk": bool(clob.get("nr", False)),
        "orderPriceMinTickSize": float(clob.get("mts", 0.01)),
        "orderMinSize": float(clob.get("mos", 5)),
        "volume": "0",
        "volumeNum": 0,
        "liquidity": "0",
        "liquidityNum": 0,
    }
    return {**plain, **found.gamma.get(condition_id, {})}


def _market(
    found: Recorded, condition_id: str, gamma: Mapping[str, Any], tokens: Sequence[str], starts_at: datetime
) -> RecordedMarket:
    labels = json.loads(gamma["outcomes"])
    clob = {
        "t": [{"t": token, "o": label} for token, label in zip(tokens, labels, strict=True)],
        "c": condition_id,
        "mos": gamma.get("orderMinSize") or 5,
        "mts": gamma.get("orderPriceMinTickSize") or 0.01,
        "nr": bool(gamma.get("negRisk", False)),
        "ao": bool(gamma.get("acceptingOrders", True)),
        **found.clob.get(condition_id, {}),
    }
    fees = gamma.get("feeSchedule")
    if fees and "fd" not in clob and gamma.get("feesEnabled", True):
        clob["fd"] = {"r": fees.get("rate", 0), "e": fees.get("exponent", 1), "to": fees.get("takerOnly", True)}
    return RecordedMarket(
        gamma=gamma,
        event_id=found.event_of.get(condition_id, str(gamma["id"])),
        clob=clob,
        bids=(),
        asks=(),
        last_trade_price=None,
        history=(),
        recorded_at=starts_at,
    )


def _events(found: Recorded, markets: Sequence[RecordedMarket]) -> list[dict[str, Any]]:
    """The recorded events, and one of its own for each market that was recorded without."""
    events = {event_id: {"tags": [], **event} for event_id, event in found.events.items()}
    for market in markets:
        gamma = market.gamma
        events.setdefault(
            market.event_id,
            {
                "id": market.event_id,
                "slug": gamma["slug"],
                "ticker": gamma["slug"],
                "title": gamma["question"],
                "description": gamma["description"],
                "active": True,
                "closed": bool(gamma.get("closed")),
                "archived": False,
                "negRisk": bool(gamma.get("negRisk")),
                "volume": 0,
                "liquidity": 0,
                "endDate": gamma.get("endDate"),
                "tags": [],
            },
        )
    return list(events.values())


def _winner(gamma: Mapping[str, Any], tokens: Sequence[str]) -> str | None:
    prices = [Decimal(str(price)) for price in json.loads(gamma.get("outcomePrices") or "[]")]
    return tokens[prices.index(Decimal(1))] if Decimal(1) in prices else None


def _end_ms(gamma: Mapping[str, Any], *, after: int) -> int:
    closed = _moment_of(gamma.get("closedTime") or gamma.get("endDate"))
    return max(after + 1, int(closed.timestamp() * 1000) if closed else 0)


def _latest_update(found: Recorded) -> datetime:
    """When a recording without times was made, as far as its markets tell."""
    times = [moment for gamma in found.gamma.values() if (moment := _moment_of(gamma.get("updatedAt"))) is not None]
    return max(times, default=datetime.fromtimestamp(0, UTC))


def _moment_of(text: Any) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
