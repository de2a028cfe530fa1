"""What a control is: a rule with a name that measures an order against a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .limits import RiskLimits
from .proposal import Proposal


@dataclass(frozen=True, slots=True)
class Finding:
    """What a control measured and what it allows, as text with units; with a `refusal` in words it says no.

    `fix` says what would pass, `retry_after_s` when the same order may.
    """

    value: str
    limit: str
    refusal: str = ""
    fix: str = ""
    retry_after_s: float | None = None


class Control(Protocol):
    """A rule with a name. `check` answers None where the rule has nothing to say about the order."""

    @property
    def name(self) -> str: ...

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None: ...
