"""What a strategy's run has met on its way: how long it watched, what it signalled, what was refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from ..models import TradingSignal
from ..strategies.decision import TargetQuotes
from ..strategies.look import Look

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_EXPLAINED = 10
_GAPS = 20
_ADJUSTMENTS = 20


@dataclass(frozen=True, slots=True)
class Explained:
    """The last signal about a market, in the strategy's own paragraph."""

    market: str
    verdict: str
    outcome: str
    price: Decimal
    size: Decimal
    reason: str
    at: datetime


@dataclass(slots=True)
class RunNotes:
    """What a run has met. `up_s` are seconds it has been watching, `gaps` the times in which it was not.

    `worst_usd` is the lowest its profit has been, `by_day` what it was at the last look of each day (UTC); of the
    `markets_traded` so many have earned by now. `problems` counts looks that failed by what they failed with.
    """

    looks: int = 0
    signals: int = 0
    placed: int = 0
    last_look: datetime | None = None
    up_s: float = 0.0
    profit_usd: Decimal = Decimal(0)
    worst_usd: Decimal = Decimal(0)
    by_day: dict[str, Decimal] = field(default_factory=dict)
    markets_traded: int = 0
    markets_earned: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    adjustments: list[str] = field(default_factory=list)
    explained: list[Explained] = field(default_factory=list)

    def looked(self, at: datetime, *, every_s: float) -> None:
        """Count a look; where the one before is three intervals back or more, the time between was a gap."""
        if self.last_look is not None:
            passed = max((at - self.last_look).total_seconds(), 0.0)
            if passed >= max(3 * every_s, 30):
                self.gaps = [*self.gaps, (self.last_look, at)][-_GAPS:]
            else:
                self.up_s += passed
        self.looks += 1
        self.last_look = at

    def earned(self, by_market: Collection[Decimal], at: datetime) -> None:
        """Note what the run has earned by now, market by market."""
        self.profit_usd = round(sum(by_market, Decimal(0)), 6)
        self.worst_usd = min(self.worst_usd, self.profit_usd)
        self.markets_traded = len(by_market)
        self.markets_earned = sum(each > 0 for each in by_market)
        self.by_day[f"{at:%Y-%m-%d}"] = self.profit_usd

    def next_look_in_s(self, now: datetime, *, every_s: float) -> float:
        """Seconds until the next look; none where the clock was set back behind the last one."""
        if self.last_look is None or now < self.last_look:
            return 0.0
        return every_s - (now - self.last_look).total_seconds()

    def explain(self, signals: list[Explained]) -> None:
        """Keep the newest signals, those that trade before those that say why not."""
        acted = [each for each in signals if each.verdict != "no_edge"]
        kept = [*acted, *(each for each in self.explained if each.verdict != "no_edge")]
        quiet = [each for each in signals if each.verdict == "no_edge"]
        self.explained = [*kept, *quiet][:_EXPLAINED]


def notes_to_text(notes: RunNotes) -> str:
    return _notes().dump_json(notes).decode()


def notes_from_text(progress: str) -> RunNotes:
    return _notes().validate_json(progress) if progress else RunNotes()


def note_look(notes: RunNotes, done: Look, slugs: Mapping[str, str]) -> None:
    """Write down what a look led to; `slugs` are the names of markets by condition id."""
    decision = done.decision
    signals: list[TradingSignal] = [*decision.signals, *(leg for basket in decision.baskets for leg in basket.legs)]
    notes.signals += sum(signal.verdict != "no_edge" for signal in signals)
    notes.placed += len(done.trades) + done.quotes.placed + sum(len(basket.trades) for basket in done.baskets)
    for code, count in done.refused.items():
        notes.refused[code] = notes.refused.get(code, 0) + count
    for each in decision.adjustments:
        told = f"{each.as_of:%Y-%m-%d %H:%M:%S} {each.parameter} {each.before} -> {each.after}: {each.reason}"
        notes.adjustments = [*notes.adjustments, told][-_ADJUSTMENTS:]
    explained = [_explained(signal) for signal in signals] + [_quoted(target) for target in decision.quotes]
    notes.explain([dataclasses.replace(each, market=slugs.get(each.market, each.market)) for each in explained])


def _explained(signal: TradingSignal) -> Explained:
    return Explained(
        signal.market_id,
        signal.verdict,
        signal.outcome,
        signal.price,
        signal.size,
        signal.reason[:400],
        signal.as_of,
    )


def _quoted(target: TargetQuotes) -> Explained:
    first = target.quotes[0] if target.quotes else None
    return Explained(
        target.market_id,
        "quote" if first else "no_edge",
        first.outcome if first else "",
        target.fair_value or Decimal(0),
        first.size if first else Decimal(0),
        target.reason[:400],
        target.as_of,
    )


@cache
def _notes() -> TypeAdapter[RunNotes]:
    from pydantic import TypeAdapter

    return TypeAdapter(RunNotes)
