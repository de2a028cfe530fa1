"""What a strategy's run was asked to do, within which bounds, and what it has written down on its way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from ..errors import InputRejected
from ..identifiers import ConditionId
from ..money import text
from ..risk.mandate import Mandate
from ..strategies.declaration import Declaration
from ..untrusted_text import quoted

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LONGEST = timedelta(days=30)
_EXPLAINED = 10
_GAPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPlan:
    """A strategy on some markets, looking `every_s` seconds apart, inside the three bounds that a person agreed to."""

    strategy: str
    markets: tuple[ConditionId, ...]
    parameters: dict[str, Decimal]
    max_loss_usd: Decimal
    max_exposure_usd: Decimal
    until: datetime
    every_s: float

    @property
    def fingerprint(self) -> str:
        """Equal for calls that ask for the same run."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    def mandate(self, run_id: str) -> Mandate:
        """The bounds, as the gate checks them."""
        return Mandate(
            run_id=run_id,
            max_loss_usd=self.max_loss_usd,
            max_exposure_usd=self.max_exposure_usd,
            until=self.until,
        )

    def described(self, questions: tuple[str, ...]) -> str:
        """What a person is asked to agree to; the markets' own words are quoted and cut."""
        shown = "; ".join(f'"{quoted(question, 80)}"' for question in questions[:5])
        more = f" and {len(questions) - 5} more" if len(questions) > 5 else ""
        return (
            f"Let the strategy {self.strategy} trade by itself with real money until "
            f"{self.until:%Y-%m-%d %H:%M} UTC, with at most ${text(self.max_exposure_usd)} tied up and at most "
            f"${text(self.max_loss_usd)} lost. Its orders will not be asked about again. Markets: {shown}{more}"
        )


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

    `worst_usd` is the lowest its profit has been, `problems` counts looks that failed by what they failed with.
    """

    looks: int = 0
    signals: int = 0
    placed: int = 0
    last_look: datetime | None = None
    up_s: float = 0.0
    profit_usd: Decimal = Decimal(0)
    worst_usd: Decimal = Decimal(0)
    refused: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    adjustments: list[str] = field(default_factory=list)
    explained: list[Explained] = field(default_factory=list)

    def looked(self, at: datetime, *, every_s: float) -> None:
        """Count a look; where the one before is three intervals back or more, the time between was a gap."""
        if self.last_look is not None:
            passed = (at - self.last_look).total_seconds()
            if passed >= max(3 * every_s, 30):
                self.gaps = [*self.gaps, (self.last_look, at)][-_GAPS:]
            else:
                self.up_s += passed
        self.looks += 1
        self.last_look = at

    def explain(self, signals: list[Explained]) -> None:
        """Keep the newest signals, those that trade before those that say why not."""
        acted = [each for each in signals if each.verdict != "no_edge"]
        kept = [*acted, *(each for each in self.explained if each.verdict != "no_edge")]
        quiet = [each for each in signals if each.verdict == "no_edge"]
        self.explained = [*kept, *quiet][:_EXPLAINED]


def check_strategy_plan(plan: StrategyPlan, declaration: Declaration, *, now: datetime) -> None:
    """Raise InputRejected for a run that could not begin."""
    rules = (
        (bool(plan.markets), "no_markets", "no market was given", "name at least one market"),
        (
            len(plan.markets) <= declaration.most_markets,
            "too_many_markets",
            f"{declaration.name} watches at most {declaration.most_markets} markets, not {len(plan.markets)}",
            "choose fewer",
        ),
        (
            plan.max_loss_usd <= plan.max_exposure_usd,
            "invalid_bounds",
            f"max_loss_usd {text(plan.max_loss_usd)} is more than max_exposure_usd {text(plan.max_exposure_usd)}",
            "what is not tied up cannot be lost: lower max_loss_usd",
        ),
        (now < plan.until, "invalid_until", f"until {plan.until:%Y-%m-%dT%H:%MZ} is past", "give a later time"),
        (
            plan.until - now <= LONGEST,
            "invalid_until",
            f"until {plan.until:%Y-%m-%dT%H:%MZ} is more than {LONGEST.days} days ahead",
            f"give a time within {LONGEST.days} days",
        ),
    )
    for kept, code, message, fix in rules:
        if not kept:
            raise InputRejected(f"This run cannot begin: {message}.", code=code, fix=fix)


def plan_to_text(plan: StrategyPlan) -> str:
    return _plans().dump_json(plan).decode()


def plan_from_text(document: str) -> StrategyPlan:
    return _plans().validate_json(document)


def notes_to_text(notes: RunNotes) -> str:
    return _notes().dump_json(notes).decode()


def notes_from_text(progress: str) -> RunNotes:
    return _notes().validate_json(progress) if progress else RunNotes()


@cache
def _plans() -> TypeAdapter[StrategyPlan]:
    from pydantic import TypeAdapter

    return TypeAdapter(StrategyPlan)


@cache
def _notes() -> TypeAdapter[RunNotes]:
    from pydantic import TypeAdapter

    return TypeAdapter(RunNotes)
