"""Conditions on the account as a whole: how far it has fallen, and what it could lose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from ..money import text
from .levels import Judgement, Memory, Occurrence, level
from .rules import AlertRule

_REARM_SHARE = Decimal("0.8")

Equity = Sequence[tuple[datetime, Decimal]]
"""Dollars that the account was worth, oldest first."""


def judge_drawdown(rule: AlertRule, memory: Memory, seen: Equity, now: datetime) -> Judgement:
    """Equity so many percent below its highest within the rule's time."""
    threshold = rule.threshold
    if threshold is None or not seen or max(worth for _, worth in seen) <= 0:
        return Judgement(memory, keep=False)
    highest, latest = max(worth for _, worth in seen), seen[-1][1]
    fallen = 100 * (highest - latest) / highest
    kept, times = level(
        memory,
        inside=fallen >= threshold,
        over=fallen < threshold * _REARM_SHARE,
        now=now,
        lasting_s=rule.lasting_s,
    )
    if times is None:
        return Judgement(kept)
    shown = text(round(fallen, 2))
    said = f"equity is ${text(round(latest, 2))}, {shown} % below its highest, ${text(round(highest, 2))}"
    facts = {"drawdown_percent": shown, "equity": text(latest), "highest": text(highest), "threshold": text(threshold)}
    return Judgement(kept, (Occurrence(str(times), said, facts),))


def judge_exposure(rule: AlertRule, memory: Memory, seen: Decimal, now: datetime) -> Judgement:
    """The most that holdings and open orders can lose, as the risk gate counts it."""
    threshold = rule.threshold
    if threshold is None:
        return Judgement(memory, keep=False)
    kept, times = level(
        memory, inside=seen >= threshold, over=seen < threshold * _REARM_SHARE, now=now, lasting_s=rule.lasting_s
    )
    if times is None:
        return Judgement(kept)
    shown = text(round(seen, 2))
    said = f"holdings and open orders can lose ${shown} at most, from ${text(threshold)} on it is told"
    return Judgement(kept, (Occurrence(str(times), said, {"exposure_usd": shown, "threshold": text(threshold)}),))
