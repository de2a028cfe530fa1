"""A recording again and again: copies of it, each of other markets and begun when the former has ended."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
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
    markets = [
        _market(market, number) for number in range(copies) for market in recording.catalogue.markets
    ]
    events = [
        {**event, "id": _renamed(str(event["id"]), number), "slug": _renamed(str(event["slug"]), number)}
        for number in range(copies)
        for event in recording.catalogue.events
    ]
    moments = [
        _moment(moment, number, number * span_ms) for number in range(copies) for moment in recording.moments
    ]
    catalogue = dataclasses.replace(recording.catalogue, markets=tuple(markets), events=tuple(events))
    sources = {_token(token, number) for number in range(copies) for token in recording.source_tokens}
    return Recording(catalogue, tuple(moments), frozenset(sources))
