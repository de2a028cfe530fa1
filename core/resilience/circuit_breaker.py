"""A circuit breaker: after repeated failures, calls to a host are refused for a while instead of piling up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal

from ..clock import Clock
from ..errors import CircuitOpen

State = Literal["closed", "open", "half_open"]


class CircuitBreaker:
    """Opens after `failure_threshold` failures in a row; after `reset_after_s` lets one call try.

    That call's success closes it again, its failure opens it for another `reset_after_s`.
    """

    def __init__(self, name: str, *, clock: Clock, failure_threshold: int = 5, reset_after_s: float = 30.0) -> None:
        self.name = name
        self._clock = clock
        self._failure_threshold = failure_threshold
        self._reset_after = timedelta(seconds=reset_after_s)
        self._failures = 0
        self._opened_at: datetime | None = None
        self._probing = False

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._clock.now() >= self._opened_at + self._reset_after else "open"

    @contextmanager
    def attempt(
        self, *, is_failure: Callable[[Exception], bool], says_nothing: Callable[[Exception], bool] = lambda _: False
    ) -> Iterator[None]:
        """One call. An exception that `is_failure` rejects is an answer, so it counts as a success.

        Raises CircuitOpen when the call must not be made. A cancelled call counts for nothing, and so does one whose
        exception `says_nothing` about the host, because it never got there.
        """
        probing = self._admit()
        try:
            yield
        except Exception as error:
            if is_failure(error):
                self._fail()
            elif not says_nothing(error):
                self._succeed()
            raise
        else:
            self._succeed()
        finally:
            if probing:
                self._probing = False

    def _admit(self) -> bool:
        """Let a call through, saying whether it is the probe of a half-open breaker."""
        if self._opened_at is None:
            return False
        wait_s = (self._opened_at + self._reset_after - self._clock.now()).total_seconds()
        if wait_s > 0 or self._probing:
            raise CircuitOpen(
                f"calls to {self.name} are paused after {self._failures} failures in a row",
                retry_after_s=max(wait_s, 1.0),
            )
        self._probing = True
        return True

    def _fail(self) -> None:
        self._failures += 1
        if self._opened_at is not None or self._failures >= self._failure_threshold:
            self._opened_at = self._clock.now()

    def _succeed(self) -> None:
        self._failures = 0
        self._opened_at = None
