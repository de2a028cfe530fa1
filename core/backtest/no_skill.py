"""What the same trades would have earned without any skill: at random moments, on random sides."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .significance import Interval, middle_of

_DRAWS = 1_000
_MOST_TRADES_DRAWN = 1_000_000
"""Of long runs fewer draws are made, so that the comparison takes a second or two."""

_LEAST_DRAWS = 100
_MOST_KEPT = 512


Quote = tuple[float, float]
"""Bid and ask of a market's first outcome, in dollars."""


@dataclass(frozen=True, slots=True)
class Bet:
    """A trade as the baseline repeats it. The taker pays a fee of fee_rate x shares x p x (1 - p) dollars."""

    market: str
    shares: float
    fee_rate: float


@dataclass(frozen=True, slots=True)
class NoSkill:
    """Profits of random traders with the same bets, in dollars. `beaten_by` is the share of them that earned as much as
    the strategy or more, counting the strategy as one of them: small is good, a half is a coin's work."""

    draws: int
    mean: float
    interval: Interval
    beaten_by: float


class QuoteLog:
    """Best prices of markets at some hundreds of moments of a run: with more, every second one is forgotten."""

    def __init__(self, *, most: int = _MOST_KEPT) -> None:
        self._most = most
        self._stride = 1
        self._looks = 0
        self._moments: list[tuple[datetime, Mapping[str, Quote]]] = []

    def due(self) -> bool:
        """Whether the quotes of this look are wanted; asked once at each look."""
        self._looks += 1
        return (self._looks - 1) % self._stride == 0

    def note(self, at: datetime, quotes: Mapping[str, Quote]) -> None:
        """Remember the best prices of the first outcome of each market that has both."""
        self._moments.append((at, quotes))
        if len(self._moments) > self._most:
            del self._moments[1::2]
            self._stride *= 2

    def of(self, market: str) -> Sequence[tuple[datetime, float, float]]:
        """(moment, bid, ask), oldest first; empty for a market that nothing is known of."""
        return [(at, *quotes[market]) for at, quotes in self._moments if market in quotes]


def no_skill(
    bets: Sequence[Bet], quotes: QuoteLog, worth: Callable[[str], float | None], *, profit: float, seed: int
) -> NoSkill | None:
    """Repeat the bets at random moments on random sides, many times, as a taker at the quotes of those moments.

    A bet buys the first outcome at the ask or sells it at the bid (which is to buy the second), with equal chances, and
    stands until the end, when `worth` says what the first outcome is worth; bets on both sides cancel. `profit` is what
    the strategy earned. None where no bet can be repeated.
    """
    known_of = {market: quotes.of(market) for market in {bet.market for bet in bets}}
    worths = {market: worth(market) for market, known in known_of.items() if known}
    usable = [(bet, known_of[bet.market], value) for bet in bets if (value := worths.get(bet.market)) is not None]
    if not usable:
        return None
    draws = max(_LEAST_DRAWS, min(_DRAWS, _MOST_TRADES_DRAWN // len(usable)))
    rng = random.Random(f"no skill {seed}")
    profits = []
    for _ in range(draws):
        total = 0.0
        for bet, known, value in usable:
            _, bid, ask = known[int(rng.random() * len(known))]
            buys = rng.random() < 0.5
            price = ask if buys else bid
            total += bet.shares * ((value - price) if buys else (price - value))
            total -= bet.shares * bet.fee_rate * price * (1 - price)
        profits.append(total)
    as_good = sum(each >= profit for each in profits)
    return NoSkill(draws, sum(profits) / draws, middle_of(profits), (as_good + 1) / (draws + 1))
