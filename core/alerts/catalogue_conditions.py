"""Conditions on what the catalogue says: what a market has traded, which are new, how far they are decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..identifiers import ConditionId
from ..models import Market
from ..money import text
from ..untrusted_text import quoted
from .levels import Judgement, Memory, Occurrence, level
from .rules import AlertRule

_REARM_SHARE = Decimal("0.8")
_STAGES = {"proposed": "proposed", "disputed": "disputed", "resolved": "final", "settled": "final"}
_TOLD_BEFORE = 300
"""Newest markets remembered, several times as many as one look shows."""


@dataclass(frozen=True, slots=True)
class VolumesSeen:
    """Dollars that a market has traded in 24 hours, and in all at earlier moments of the rule's window."""

    of_a_day: Decimal
    total: Decimal
    window: Sequence[tuple[datetime, Decimal]] = ()


def judge_volume(rule: AlertRule, memory: Memory, seen: VolumesSeen, now: datetime) -> Judgement:
    """So many dollars traded in 24 hours, or within the rule's time."""
    target, threshold = rule.target, rule.threshold
    if target is None or threshold is None:
        return Judgement(memory, keep=False)
    traded = seen.of_a_day
    if rule.within_s is not None:
        traded = seen.total - min([seen.total, *(total for _, total in seen.window)])
    kept, times = level(
        memory, inside=traded >= threshold, over=traded < threshold * _REARM_SHARE, now=now, lasting_s=0
    )
    if times is None:
        return Judgement(kept)
    span = f"{rule.within_s:g} s" if rule.within_s is not None else "24 h"
    said = f'"{quoted(target.question, 100)}" has traded ${text(round(traded, 2))} within {span}'
    facts = {"market": target.slug, "traded_usd": text(round(traded, 2)), "threshold": text(threshold)}
    return Judgement(kept, (Occurrence(str(times), said, facts),))


def judge_new_market(rule: AlertRule, memory: Memory, seen: Sequence[Market], now: datetime) -> Judgement:
    """Markets that were not among the newest before and hold every word of the query."""
    known = memory.get("known")
    new = [] if known is None else [each for each in seen if each.condition_id not in known and fits(each, rule.query)]
    names = list(dict.fromkeys([*(each.condition_id for each in seen), *(known or ())]))[:_TOLD_BEFORE]
    told = [
        Occurrence(
            f"market/{market.condition_id}",
            f'a new market: "{quoted(market.question, 120)}" ({market.slug})',
            {"market": market.slug, "question": quoted(market.question, 200)},
        )
        for market in new
    ]
    return Judgement({"known": names}, tuple(told), keep=known is None or set(names) != set(known))


def fits(market: Market, query: str) -> bool:
    """Whether a market's texts hold every word of a query."""
    said = f"{market.question} {market.event_title} {market.slug} {' '.join(market.tags)}".casefold()
    return all(word in said for word in query.casefold().split())


def judge_resolution(rule: AlertRule, memory: Memory, seen: Mapping[ConditionId, Market], now: datetime) -> Judgement:
    """Markets that have come to one of the rule's steps since the rule first saw them."""
    known: Mapping[str, Any] = memory.get("stages", {})
    # What is final and no longer held is forgotten, or a year of short markets would be written down at every step.
    stages = {each: was for each, was in known.items() if each in seen or was["stage"] != "final"}
    told = []
    for condition_id, market in seen.items():
        stage, before = stage_of(market), known.get(condition_id)
        if before is not None and before["stage"] == stage:
            continue
        times = int(before["times"]) + 1 if before is not None else 0
        stages[condition_id] = {"stage": stage, "times": times}
        if before is not None and stage in rule.words:
            told.append(_step(market, stage, times))
    return Judgement({"stages": stages}, tuple(told), keep=stages != known)


def stage_of(market: Market) -> str:
    """How far a market is decided: nothing, proposed, disputed or final."""
    if market.resolution.winner is not None:
        return "final"
    return _STAGES.get(market.resolution.status, "")


def watched_markets(rule: AlertRule, held: Iterable[ConditionId], memory: Memory) -> list[ConditionId]:
    """The markets whose resolution a rule follows: its own, or those held now and those held when it last looked."""
    if rule.target is not None:
        return [rule.target.condition_id]
    open_before = [each for each, known in memory.get("stages", {}).items() if known["stage"] != "final"]
    return list(dict.fromkeys([*held, *open_before]))


def _step(market: Market, stage: str, times: int) -> Occurrence:
    winner = market.resolution.winner
    how = f": {quoted(winner, 60)} won" if stage == "final" and winner else ""
    said = f'the resolution of "{quoted(market.question, 100)}" is {stage}{how}'
    facts = {"market": market.slug, "step": stage, "winner": quoted(winner, 60) if winner else None}
    return Occurrence(f"resolution/{market.condition_id}/{stage}/{times}", said, facts)
