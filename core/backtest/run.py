"""Lets a strategy live through a replay: it looks at the markets from time to time, and its signals become orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from ..identifiers import ConditionId, TokenId
from ..models import Market
from ..strategies.look import look
from ..strategies.strategy import PolymarketStrategy
from .fills import Fill
from .replay import Replay

Report = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Belief:
    """What a strategy took an outcome to be worth when it had something to say of it, and the price then."""

    condition_id: ConditionId
    token_id: TokenId
    fair_value: Decimal
    midpoint: Decimal
    at: datetime


@dataclass(slots=True)
class Run:
    """What happened. `equity` is cash and holdings at midpoints after each look, `refused` counts orders by code.

    `fills` are known at the end, without the trades of `failed_settlements`.
    """

    starting_balance: Decimal
    equity: list[tuple[datetime, Decimal]] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    beliefs: list[Belief] = field(default_factory=list)
    looks: int = 0
    signals: int = 0
    failed_settlements: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def profit(self) -> Decimal:
        return self.equity[-1][1] - self.starting_balance if self.equity else Decimal(0)


async def run_strategy(
    strategy: PolymarketStrategy, replay: Replay, run: Run, *, every: timedelta, report: Report = lambda at: None
) -> Run:
    """Look at all open markets whenever something was recorded, at most `every` so often, until the recording ends.

    What is still held at the end is paid where the market's outcome was recorded, and stands at its last midpoint
    elsewhere.
    """
    for moment in _looks(replay, every):
        replay.advance_to(moment)
        markets = replay.present.open_markets()
        if markets:
            run.looks += 1
            await _look(strategy, replay, run, markets)
        run.equity.append((moment, replay.equity()))
        report(moment)
    end = replay.clock.now() + replay.conditions.all_settled_after
    replay.advance_to(end)
    run.equity.append((end, replay.equity()))
    run.fills = replay.fills.fills()
    run.failed_settlements = replay.fills.failed
    return run


def _looks(replay: Replay, every: timedelta) -> Iterator[datetime]:
    moment = replay.clock.now()
    yield moment
    while (following := replay.next_at) is not None:
        moment = max(following, moment + every, replay.clock.now())
        yield moment


async def _look(strategy: PolymarketStrategy, replay: Replay, run: Run, markets: Sequence[Market]) -> None:
    """One look, written down with the midpoints of its moment."""
    done = await look(strategy, markets)
    for signal in done.decision.signals:
        midpoint = replay.midpoint(signal.token_id)
        if signal.price > 0 and midpoint is not None:
            run.beliefs.append(Belief(signal.market_id, signal.token_id, signal.fair_value, midpoint, signal.as_of))
        if signal.verdict == "no_edge":
            run.passed_over[signal.reason.split(";", 1)[0]] += 1
        else:
            run.signals += 1
    if done.refused:
        run.refused.update(done.refused)
