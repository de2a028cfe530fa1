"""The venue's time: this machine's clock, corrected by what `/time` showed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..clock import Clock
from ..errors import UnexpectedPayload
from .request import RequestSpec

_RESOLUTION_S = 0.5
"""`/time` answers whole seconds, rounded down: the true time lies half a second further on, give or take as much."""

_NEGLIGIBLE_S = 1.5
_LONGEST_ROUND_TRIP_S = 5.0


def _seconds(payload: Any, _: datetime) -> int:
    try:
        return int(payload)
    except (TypeError, ValueError) as error:
        raise UnexpectedPayload("the venue's time is not a number") from error


TIME_SPEC: RequestSpec[int] = RequestSpec(service="clob", method="GET", path="/time", parse=_seconds)


class VenueClock:
    """A clock that runs `skew_s` seconds ahead of another one.

    Signatures carry the venue's time, so that a machine whose clock is wrong can still trade. Until a measurement,
    and where the difference is within what a measurement can tell, the skew is zero.
    """

    def __init__(self, clock: Clock, *, keep_s: float, pause_s: float = 10.0) -> None:
        self._clock = clock
        self._keep = timedelta(seconds=keep_s)
        self._pause = timedelta(seconds=pause_s)
        self._skew = timedelta()
        self._measured_at: datetime | None = None
        self._tried_at: datetime | None = None

    @property
    def skew_s(self) -> float:
        """Seconds that the venue is ahead of this machine; negative when it is behind."""
        return self._skew.total_seconds()

    @property
    def measured_at(self) -> datetime | None:
        """When the skew was last measured, by this machine's clock."""
        return self._measured_at

    def now(self) -> datetime:
        return self._clock.now() + self._skew

    def own_time(self) -> datetime:
        """What this machine's clock says."""
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def is_due(self, *, in_doubt: bool = False) -> bool:
        """Whether to measure: never done, done too long ago, or `in_doubt`; but not again right after a try."""
        now = self._clock.now()
        if self._tried_at is not None and now - self._tried_at < self._pause:
            return False
        return in_doubt or self._measured_at is None or now - self._measured_at >= self._keep

    def trying(self) -> None:
        """A measurement begins; it may fail."""
        self._tried_at = self._clock.now()

    def measured(self, venue_time_s: int, *, sent_at: datetime, received_at: datetime) -> float:
        """Take in the venue's unix seconds, asked for and answered at two moments; by how much the skew changed.

        An answer that took long says too little and changes nothing.
        """
        round_trip = received_at - sent_at
        if round_trip > timedelta(seconds=_LONGEST_ROUND_TRIP_S):
            return 0.0
        halfway = sent_at + round_trip / 2
        skew_s = venue_time_s + _RESOLUTION_S - halfway.timestamp()
        if abs(skew_s) <= _NEGLIGIBLE_S:
            skew_s = 0.0
        former, self._skew = self._skew, timedelta(seconds=skew_s)
        self._measured_at = received_at
        return abs(skew_s - former.total_seconds())
