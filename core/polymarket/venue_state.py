"""Which trading the venue takes at the moment, as its refusals and answers have told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ..clock import Clock
from ..errors import Restriction
from .request import RequestSpec

VenueCondition = Literal["normal", "restarting", "post_only", "cancel_only", "disabled"]

_CONDITIONS: dict[Restriction, VenueCondition] = {
    "restarting": "restarting",
    "post_only": "post_only",
    "cancel_only": "cancel_only",
    "trading_disabled": "disabled",
}

_BELIEVED_S: dict[VenueCondition, float] = {
    "normal": 0.0,
    "restarting": 120.0,
    "post_only": 120.0,
    "cancel_only": 600.0,
    "disabled": 600.0,
}
"""How long a refusal without Retry-After is taken to describe the venue. Post-only mode lasts two minutes after a
restart; the others end when a person says so, and nothing tells but the next order."""


@dataclass(frozen=True, slots=True)
class VenueState:
    """What the venue takes. `since` is when that was first heard, `retry_after_s` what the venue then asked to wait.

    Both are None while everything is normal.
    """

    condition: VenueCondition = "normal"
    since: datetime | None = None
    retry_after_s: float | None = None


class VenueMemory:
    """The state of one host, from what it answers. Without news a restriction is forgotten after a while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = VenueState()
        self._believed_until = clock.now()

    @property
    def state(self) -> VenueState:
        if self._state.condition != "normal" and self._clock.now() >= self._believed_until:
            self._state = VenueState()
        return self._state

    def refused(self, restriction: Restriction, *, retry_after_s: float | None) -> None:
        """The host refused a request because of a restriction. A region is about the caller, not the venue."""
        condition = _CONDITIONS.get(restriction)
        if condition is None:
            return
        now, former = self._clock.now(), self.state
        since = former.since if former.condition == condition else now
        self._state = VenueState(condition, since, retry_after_s)
        believed_s = _BELIEVED_S[condition] if retry_after_s is None else retry_after_s
        self._believed_until = now + timedelta(seconds=believed_s)

    def answered(self, spec: RequestSpec[Any]) -> None:
        """The host carried a request out, which may end what was believed: a plain order passes no restriction."""
        condition = self._state.condition
        if condition == "normal":
            return
        if _is_plain_order(spec) or (condition == "restarting" and not spec.idempotent):
            self._state = VenueState()


def _is_plain_order(spec: RequestSpec[Any]) -> bool:
    """One order that may take. A batch proves nothing: its entries are refused one by one inside a success."""
    return spec.method == "POST" and spec.path == "/order" and not (spec.body or {}).get("postOnly")
