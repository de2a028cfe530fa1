"""A recording again and again: copies of it, each of other markets and begun when the former has ended."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from typing import Any

from polydesk.core.exchange.catalogue import RecordedMarket
from polydesk.core.exchange.replay.moments import (
    BookMoment,
    LevelMoment,
    Moment,
    ResolutionMoment,
    TickMoment,
    TradeMoment,
)
from polydesk.core.exchange.replay.recording import Recording

_PAUSE_MS = 60_000


def looped(recording: Recording, copies: int) -> Recording:
    """`copies` of a recording, one after another, as one; the first is the recording itself."""
    span_ms = recording.moments[-1].at_ms - recording.moments[0].at_ms + _PAUSE_MS
    markets = [_market(market, number) for number in range(copies) for market in recording.catalogue.markets]
    events = [
        {**event, "id": _renamed(str(event["id"]), number), "slug": _renamed(str(event["slug"]), number)}
        for number in range(copies)
        for event in recording.catalogue.events
    ]
    moments = [_moment(moment, number, number * span_ms) for number in range(copies) for moment in recording.moments]
    catalogue = dataclasses.replace(recording.catalogue, markets=tuple(markets), events=tuple(events))
    sources = {_token(token, number) for number in range(copies) for token in recording.source_tokens}
    return Recording(catalogue, tuple(moments), frozenset(sources))


def _market(market: RecordedMarket, number: int) -> RecordedMarket:
    gamma = dict(market.gamma)
    tokens = [_token(str(token), number) for token in json.loads(gamma["clobTokenIds"])]
    gamma |= {
        "conditionId": _condition(str(gamma["conditionId"]), number),
        "id": _renamed(str(gamma["id"]), number),
        "slug": _renamed(str(gamma["slug"]), number),
        "clobTokenIds": json.dumps(tokens),
    }
    gamma.pop("endDate", None)
    clob = dict(market.clob)
    clob["c"] = gamma["conditionId"]
    clob["t"] = [{**entry, "t": token} for entry, token in zip(clob["t"], tokens, strict=True)]
    return dataclasses.replace(market, gamma=gamma, clob=clob, event_id=_renamed(market.event_id, number))


def _moment(moment: Moment, number: int, later_ms: int) -> Moment:
    changes: dict[str, Any] = {
        "at_ms": moment.at_ms + later_ms,
        "condition_id": _condition(moment.condition_id, number),
    }
    match moment:
        case BookMoment() | TradeMoment():
            changes["token_id"] = _token(moment.token_id, number)
        case LevelMoment():
            changes["rows"] = tuple((_token(token, number), *rest) for token, *rest in moment.rows)
        case ResolutionMoment():
            changes["winner"] = None if moment.winner is None else _token(moment.winner, number)
        case TickMoment():
            pass
    return dataclasses.replace(moment, **changes)


@functools.cache
def _condition(condition_id: str, number: int) -> str:
    return "0x" + hashlib.sha256(f"{condition_id} {number}".encode()).hexdigest() if number else condition_id


@functools.cache
def _token(token_id: str, number: int) -> str:
    return str(int(hashlib.sha256(f"{token_id} {number}".encode()).hexdigest(), 16)) if number else token_id


def _renamed(name: str, number: int) -> str:
    if not number:
        return name
    return f"{name}{number:03d}" if name.isdigit() else f"{name}-{number}"
