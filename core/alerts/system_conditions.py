"""Conditions on the desk itself: its requests, its streams, its venue, its workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..money import text
from .levels import Judgement, Memory, Occurrence, level
from .rules import AlertRule

_QUIET_S = 60.0
"""So long no request must have been turned away before it is told anew."""

Troubles = Mapping[str, str]
"""What is not well, by a name that stays the same while it lasts, each in one line."""


@dataclass(frozen=True, slots=True)
class RequestsSeen:
    """Requests that could go at once, by limit, and how many the venue has turned away for their rate so far."""

    left: Mapping[str, float]
    turned_away: int = 0


@dataclass(frozen=True, slots=True)
class StreamSeen:
    """How many outcomes are followed on the stream, and how many of their books are not whole or not current."""

    followed: int
    stale: int


def judge_troubles(rule: AlertRule, memory: Memory, seen: Troubles, now: datetime) -> Judgement:
    """Each trouble is told once while it lasts."""
    kept: dict[str, Any] = {}
    told = []
    for name in sorted(seen.keys() | memory.keys()):
        there = name in seen
        kept[name], times = level(memory.get(name, {}), inside=there, over=not there, now=now, lasting_s=rule.lasting_s)
        if times is not None:
            told.append(Occurrence(f"{name}/{times}", seen[name], {"what": name}))
    return Judgement(kept, tuple(told))


def judge_requests(rule: AlertRule, memory: Memory, seen: RequestsSeen, now: datetime) -> Judgement:
    """A limit that leaves fewer requests than the rule's threshold, and requests that the venue turned away."""
    threshold = rule.threshold
    if threshold is None:
        return Judgement(memory, keep=False)
    limits: dict[str, Any] = {}
    told = []
    for name in sorted(seen.left):
        left = seen.left[name]
        limits[name], times = level(
            memory.get("limits", {}).get(name, {}),
            inside=left < threshold,
            over=left >= 2 * float(threshold),
            now=now,
            lasting_s=rule.lasting_s,
        )
        if times is not None:
            facts = {"limit": name, "requests_left": int(left), "threshold": text(threshold)}
            told.append(Occurrence(f"limit {name}/{times}", f"{int(left)} requests are left under {name}", facts))
    more = seen.turned_away > int(memory.get("turned_away", 0))
    last = now.timestamp() if more else float(memory.get("last", 0.0))
    quiet = now.timestamp() - last >= _QUIET_S
    refused, times = level(memory.get("refused", {}), inside=more, over=quiet, now=now, lasting_s=0)
    if times is not None:
        said = "the venue turned requests away because there were too many"
        told.append(Occurrence(f"turned away/{times}", said, {"turned_away": seen.turned_away}))
    kept = {"limits": limits, "refused": refused, "turned_away": seen.turned_away, "last": last}
    return Judgement(kept, tuple(told))


def judge_stream(rule: AlertRule, memory: Memory, seen: StreamSeen, now: datetime) -> Judgement:
    """Books that the stream has not kept whole and current for so long."""
    kept, times = level(memory, inside=seen.stale > 0, over=not seen.stale, now=now, lasting_s=rule.lasting_s)
    if times is None:
        return Judgement(kept)
    said = f"the stream has not kept {seen.stale} of {seen.followed} followed books current for {rule.lasting_s:g} s"
    return Judgement(kept, (Occurrence(str(times), said, {"stale": seen.stale, "followed": seen.followed}),))
