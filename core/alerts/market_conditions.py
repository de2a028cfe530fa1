"""Conditions on the book of one outcome: its price, its spread, and which side of it is heavier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..models import OrderBook
from ..money import text
from ..untrusted_text import quoted
from .levels import Judgement, Memory, Occurrence, level
from .rules import AlertRule, Target

_PRICE_SLACK = Decimal("0.01")
"""So far a price must come back before it can cross again, so that one that hovers at a level tells once."""

_REARM_SHARE = Decimal("0.8")
"""Other values must fall to this share of their threshold (or rise by as much) before they can pass it again."""

_NEAR = Decimal("0.05")
"""Dollars from the best price within which orders count for the imbalance."""


@dataclass(frozen=True, slots=True)
class BookSeen:
    """What a book shows: midpoint and spread in dollars a share, None where a side is empty.

    `imbalance` is bids less asks over both, in shares within five cents of the best prices: 1 when only bids rest.
    """

    midpoint: Decimal | None
    spread: Decimal | None
    imbalance: Decimal | None

    @classmethod
    def of(cls, book: OrderBook) -> BookSeen:
        bids, asks = book.depth(book.bids, _NEAR), book.depth(book.asks, _NEAR)
        resting = bids + asks
        return cls(book.midpoint, book.spread, (bids - asks) / resting if resting else None)


@dataclass(frozen=True, slots=True)
class PricesSeen:
    """A book, and the midpoints of the rule's window before it, oldest first."""

    book: BookSeen
    window: Sequence[tuple[datetime, Decimal]] = ()


def judge_price(rule: AlertRule, memory: Memory, seen: PricesSeen, now: datetime) -> Judgement:
    """A midpoint that reaches a level from the other side, or moves by so much within the rule's time.

    A price that is beyond the level when the rule is made has to leave it first.
    """
    price, target, threshold = seen.book.midpoint, rule.target, rule.threshold
    if price is None or target is None or threshold is None:
        return Judgement(memory, keep=False)
    if rule.within_s is not None:
        return _judge_move(rule, target, threshold, memory, price, seen.window, now)
    slack = min(_PRICE_SLACK, threshold / 2, (1 - threshold) / 2)
    sides = {
        "above": (price >= threshold, price < threshold - slack),
        "below": (price <= threshold, price > threshold + slack),
    }
    kept: dict[str, Any] = {}
    told: list[Occurrence] = []
    for side, (inside, over) in sides.items():
        if rule.direction not in (side, "either"):
            continue
        kept[side], times = level(
            memory.get(side, {}), inside=inside, over=over, now=now, lasting_s=rule.lasting_s, silent_first=True
        )
        if times is not None:
            facts = _facts(target, price=price, threshold=threshold, direction=side)
            said = f"{_named(target)} is at {text(price)}, {side} {text(threshold)}"
            told.append(Occurrence(f"{side}/{times}", said, facts))
    return Judgement(kept, tuple(told))


def judge_spread(rule: AlertRule, memory: Memory, seen: BookSeen, now: datetime) -> Judgement:
    """A spread that is too wide, or narrow enough."""
    spread, target, threshold = seen.spread, rule.target, rule.threshold
    if spread is None or target is None or threshold is None:
        return Judgement(memory, keep=False)
    if rule.direction == "below":
        inside, over = spread <= threshold, spread > threshold / _REARM_SHARE
    else:
        inside, over = spread >= threshold, spread < threshold * _REARM_SHARE
    kept, times = level(memory, inside=inside, over=over, now=now, lasting_s=rule.lasting_s)
    if times is None:
        return Judgement(kept)
    facts = _facts(target, spread=spread, threshold=threshold, direction=rule.direction or "above")
    said = f"the spread of {_named(target)} is {text(spread)}, {rule.direction} {text(threshold)}"
    return Judgement(kept, (Occurrence(str(times), said, facts),))


def judge_imbalance(rule: AlertRule, memory: Memory, seen: BookSeen, now: datetime) -> Judgement:
    """One side of a book much heavier than the other near the best prices."""
    imbalance, target, threshold = seen.imbalance, rule.target, rule.threshold
    if imbalance is None or target is None or threshold is None:
        return Judgement(memory, keep=False)
    weight = {"above": imbalance, "below": -imbalance}.get(rule.direction or "", abs(imbalance))
    kept, times = level(
        memory,
        inside=weight >= threshold,
        over=weight < threshold * _REARM_SHARE,
        now=now,
        lasting_s=rule.lasting_s,
    )
    if times is None:
        return Judgement(kept)
    shown = round(imbalance, 4)
    side = "bids" if imbalance > 0 else "asks"
    facts = _facts(target, imbalance=shown, threshold=threshold)
    said = f"the book of {_named(target)} leans to the {side}: imbalance {text(shown)}"
    return Judgement(kept, (Occurrence(str(times), said, facts),))


def _judge_move(
    rule: AlertRule,
    target: Target,
    threshold: Decimal,
    memory: Memory,
    price: Decimal,
    window: Sequence[tuple[datetime, Decimal]],
    now: datetime,
) -> Judgement:
    prices = [price, *(each for _, each in window)]
    moves = {"above": price - min(prices), "below": max(prices) - price}
    kept: dict[str, Any] = {}
    told: list[Occurrence] = []
    for side, moved in moves.items():
        if rule.direction not in (side, "either"):
            continue
        kept[side], times = level(
            memory.get(side, {}),
            inside=moved >= threshold,
            over=moved < threshold / 2,
            now=now,
            lasting_s=rule.lasting_s,
        )
        if times is not None:
            word = "risen" if side == "above" else "fallen"
            facts = _facts(target, price=price, moved=moved, threshold=threshold, direction=side)
            said = f"{_named(target)} has {word} by {text(moved)} to {text(price)} within {rule.within_s:g} s"
            told.append(Occurrence(f"move {side}/{times}", said, facts))
    return Judgement(kept, tuple(told))


def _named(target: Target) -> str:
    return f'{quoted(target.outcome, 40)} of "{quoted(target.question, 100)}"'


def _facts(target: Target, **figures: Decimal | str) -> dict[str, Any]:
    numbers = {name: text(value) if isinstance(value, Decimal) else value for name, value in figures.items()}
    return {"market": target.slug, "outcome": quoted(target.outcome, 60), **numbers}
