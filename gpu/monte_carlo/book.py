"""What a book of outcomes pays: events of which one outcome happens, and shares held of their outcomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_CERTAIN = 1e-12


@dataclass(frozen=True, slots=True)
class Event:
    """`chances` has one entry per listed outcome and a last one for none of them; they sum to 1.

    `overround` is by how much the probabilities missed 1 before they were scaled, 0 where they were not.
    """

    chances: Floats
    overround: float

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Event:
        """From `probabilities` and `complete` (whether no other outcome can happen). Raises ValueError."""
        listed = np.array(raw["probabilities"], dtype=np.float64)
        if listed.ndim != 1 or not listed.size or not np.all((listed >= 0) & (listed <= 1)):
            raise ValueError("an event needs probabilities between 0 and 1")
        if raw["complete"] and not listed.any():
            raise ValueError("the probabilities of a complete event are not all 0")
        total = math.fsum(listed)
        scaled = raw["complete"] or total > 1
        if scaled:
            listed = listed / total
        rest = 0.0 if raw["complete"] else max(0.0, 1 - math.fsum(listed))
        return cls(np.append(listed, rest), total - 1 if scaled else 0.0)

    @property
    def possible(self) -> NDArray[np.bool_]:
        return self.chances > 0

    @property
    def boundaries(self) -> Floats:
        """Cumulative chances between the outcomes: outcome j happens where a uniform draw lies below the j-th first."""
        below: Floats = np.minimum(np.cumsum(self.chances)[:-1], 1.0)
        below[below >= 1 - _CERTAIN] = 1.0
        return below


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares that pay a dollar each when outcome `outcome` of event `event` happens, or when it does not."""

    event: int
    outcome: int
    wins_on: bool
    shares: float
    cost: float

    def payout(self, outcomes: int) -> Floats:
        """Dollars by winner."""
        paid = np.zeros(outcomes) if self.wins_on else np.full(outcomes, self.shares)
        paid[self.outcome] = self.shares if self.wins_on else 0.0
        return paid


@dataclass(frozen=True, slots=True)
class Book:
    """Events, what is held of them, and `payouts`: dollars per event by winner, from all holdings together."""

    events: tuple[Event, ...]
    holdings: tuple[Holding, ...]
    payouts: tuple[Floats, ...]

    @classmethod
    def parse(cls, events: Sequence[Mapping[str, Any]], holdings: Sequence[Mapping[str, Any]]) -> Book:
        """Raises ValueError for outcomes that do not exist and shares that are negative."""
        parsed = tuple(Event.parse(raw) for raw in events)
        held = []
        payouts = [np.zeros(event.chances.size) for event in parsed]
        for raw in holdings:
            holding = Holding(
                int(raw["event"]), int(raw["outcome"]), bool(raw["wins_on"]), float(raw["shares"]), float(raw["cost"])
            )
            if not (0 <= holding.event < len(parsed) and 0 <= holding.outcome < parsed[holding.event].chances.size - 1):
                raise ValueError(f"there is no outcome {holding.outcome} of event {holding.event}")
            if holding.shares < 0:
                raise ValueError("shares must not be negative: a sold outcome is held as its opposite")
            held.append(holding)
            payouts[holding.event] += holding.payout(parsed[holding.event].chances.size)
        return cls(parsed, tuple(held), tuple(payouts))

    @property
    def cost(self) -> float:
        return math.fsum(holding.cost for holding in self.holdings)

    @property
    def expected(self) -> float:
        paid = (float(event.chances @ payout) for event, payout in zip(self.events, self.payouts, strict=True))
        return math.fsum(paid) - self.cost

    @property
    def worst(self) -> float:
        return math.fsum(float(paid.min()) for paid in self._possible_payouts()) - self.cost

    @property
    def best(self) -> float:
        return math.fsum(float(paid.max()) for paid in self._possible_payouts()) - self.cost

    def _possible_payouts(self) -> list[Floats]:
        return [payout[event.possible] for event, payout in zip(self.events, self.payouts, strict=True)]


@dataclass(frozen=True, slots=True)
class Staircases:
    """The book as the simulation sees it: one draw per event, and steps that the draw is below or not.

    Profit = `certain` + the sum of `steps[j]` over the `boundaries[j]` (cumulative chances, strictly between 0 and
    1) that the draw of the step's event is below. `first_step[e]` to `first_step[e + 1]` are the steps of the e-th
    drawn event, which is event `drawn[e]` of the book. Steps of 0 dollars stand where holdings cancel each other.
    """

    certain: float
    drawn: NDArray[np.int64]
    first_step: NDArray[np.int64]
    boundaries: Floats
    steps: Floats
    outcome_of_step: NDArray[np.int64]

    @classmethod
    def of(cls, book: Book) -> Staircases:
        held = {holding.event for holding in book.holdings}
        certain = -book.cost
        drawn, first_step = [], [0]
        boundaries: list[float] = []
        steps: list[float] = []
        outcomes: list[int] = []
        for index in sorted(held):
            payout = book.payouts[index]
            certain += float(payout[-1])
            for outcome, below in enumerate(book.events[index].boundaries):
                step = float(payout[outcome] - payout[outcome + 1])
                if below >= 1:
                    certain += step
                elif below > 0:
                    boundaries.append(float(below))
                    steps.append(step)
                    outcomes.append(outcome)
            if len(steps) > first_step[-1]:
                drawn.append(index)
                first_step.append(len(steps))
        return cls(
            certain=certain,
            drawn=np.array(drawn, dtype=np.int64),
            first_step=np.array(first_step, dtype=np.int64),
            boundaries=np.array(boundaries),
            steps=np.array(steps),
            outcome_of_step=np.array(outcomes, dtype=np.int64),
        )

    @property
    def event_of_step(self) -> NDArray[np.int64]:
        """Index into `drawn` for each step."""
        return np.repeat(np.arange(self.drawn.size), np.diff(self.first_step))
