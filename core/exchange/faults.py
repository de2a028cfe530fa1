"""What goes wrong on purpose: rules that say which requests and frames of the exchange meet which fault, and when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..errors import ConfigurationError


class FaultRule(BaseModel):
    """When a fault happens.

    It is meant for requests (or frames of streams) whose path matches the shell pattern `route` and whose method is
    `method`. Of those the first `after` pass, then every `every`-th is hit with `probability` (drawn from `seed`),
    at most `count` times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: str = "*"
    method: Literal["*", "GET", "POST", "DELETE"] = "*"
    after: int = Field(default=0, ge=0)
    every: int = Field(default=1, ge=1)
    count: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0

    def covers(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and fnmatchcase(path, self.route)


class ConnectionFault(FaultRule):
    """The connection is reset: before the request's body was read, or after it was processed, instead of an answer."""

    kind: Literal["reset_before_read", "reset_after_read"]


class SlowBody(FaultRule):
    """The request is processed, and the answer's body comes in `pieces` with `delay_s` before each."""

    kind: Literal["slow_body"]
    delay_s: float = Field(default=1.0, gt=0)
    pieces: int = Field(default=10, ge=1)


class InvalidJson(FaultRule):
    """The request is processed, and half of the answer is replaced so that it is no JSON."""

    kind: Literal["invalid_json"]


class HtmlError(FaultRule):
    """A proxy answers with a page of its own; the request is not processed."""

    kind: Literal["html_error"]
    status: int = Field(default=502, ge=200, le=599)


class StatusFault(FaultRule):
    """Any answer; the request is not processed. A `body` that is text is sent as it is, anything else as JSON."""

    kind: Literal["status"]
    status: int = Field(ge=200, le=599)
    body: Any = None
    headers: dict[str, str] = {}
    retry_after: int | None = Field(default=None, ge=0)


class RateLimited(FaultRule):
    """429, with `Retry-After` if one is given; the request is not processed."""

    kind: Literal["rate_limited"]
    retry_after: int | None = Field(default=None, ge=0)


class TradingMode(FaultRule):
    """The venue takes only part of what concerns orders. Other requests do not count."""

    kind: Literal["post_only", "cancel_only", "disabled"]
    retry_after: int | None = Field(default=None, ge=0)


class Restart(FaultRule):
    """The matching engine restarts when the rule first hits an order or cancel.

    All of them get 425 for `restarting_s`, then the venue is post-only for `post_only_s`, then normal again.
    """

    kind: Literal["restarting"]
    restarting_s: float = Field(default=30.0, ge=0)
    post_only_s: float = Field(default=120.0, ge=0)


class ClockSkew(FaultRule):
    """The venue's clock is `seconds` ahead: `/time` says so, and headers further off than `tolerance_s` get 401."""

    kind: Literal["clock_skew"]
    seconds: float
    tolerance_s: float = Field(default=30.0, gt=0)


class StreamFault(FaultRule):
    """A frame to a stream's client is disturbed; answers to its pings never are, and do not count.

    "freeze" withholds it and all later ones of the connection, "duplicate" sends it twice, "reorder" sends it after
    the next one, "truncate" sends its first half.
    """

    kind: Literal["freeze", "duplicate", "reorder", "truncate"]


HttpFault = (
    ConnectionFault | SlowBody | InvalidJson | HtmlError | StatusFault | RateLimited | TradingMode | Restart | ClockSkew
)
Fault = HttpFault | StreamFault

_RULES: TypeAdapter[tuple[Fault, ...]] = TypeAdapter(tuple[Annotated[Fault, Field(discriminator="kind")], ...])


class FaultPlan(BaseModel):
    """All rules of an exchange. A request passes them in their order; a stream's frame meets the first that hits."""

    model_config = ConfigDict(frozen=True)

    rules: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, *rules: Fault) -> FaultPlan:
        return cls(rules=rules)

    @property
    def http(self) -> tuple[HttpFault, ...]:
        return tuple(rule for rule in self.rules if not isinstance(rule, StreamFault))

    @property
    def streams(self) -> tuple[StreamFault, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, StreamFault))


NO_FAULTS = FaultPlan()


def load_fault_plan(path: Path) -> FaultPlan:
    """Read a JSON list of rules. Raises ConfigurationError that names the rule and the field."""
    try:
        rules = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"the faults cannot be read: {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from error
    if not isinstance(rules, list):
        raise ConfigurationError(f'{path} must hold a JSON list of rules, such as [{{"kind": "rate_limited"}}]')
    try:
        return FaultPlan(rules=_RULES.validate_python(rules))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(f"{path}: {_place(first['loc'])}: {first['msg']}") from error


def _place(location: Sequence[int | str]) -> str:
    """Where in the list: the rule's number from 1, and the field; the kind between them is left out."""
    number, *fields = location
    named = [str(field) for field in fields if field is not fields[0] or len(fields) == 1]
    return f"rule {int(number) + 1}" + (f", {'.'.join(named)}" if named else "")


class Trigger:
    """Counts what a rule is meant for and says when it hits."""

    def __init__(self, rule: FaultRule) -> None:
        self._rule = rule
        self._random = Random(rule.seed)
        self._met = 0
        self.hits = 0

    def pull(self) -> bool:
        """One more request or frame that the rule covers: whether the rule hits it."""
        rule = self._rule
        self._met += 1
        due = self._met > rule.after and (self._met - rule.after - 1) % rule.every == 0
        if not due or (rule.count is not None and self.hits >= rule.count):
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        self.hits += 1
        return True
