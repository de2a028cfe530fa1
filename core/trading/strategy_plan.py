"""What a strategy's run was asked to do, and within which bounds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
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


@cache
def _plans() -> TypeAdapter[StrategyPlan]:
    from pydantic import TypeAdapter

    return TypeAdapter(StrategyPlan)
