"""Asking the executor for a computation, with refusals and failures in the desk's own words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ...gpu.interface import Busy, ComputeError, Executor, Progress, TaskFailed
from ..errors import InputRejected, PolymarketAPIError

DEADLINE_S = 20.0
MOST_PATHS = 10_000_000


class ComputeUnavailable(PolymarketAPIError):
    """The computation did not finish: its workers are busy, too slow or broken. Nothing was sent anywhere.

    `busy` says that the same request may well succeed a little later.
    """

    def __init__(self, message: str, *, busy: bool) -> None:
        super().__init__(message)
        self.busy = busy


async def compute(
    executor: Executor,
    task: str,
    payload: Mapping[str, Any],
    *,
    deadline_s: float = DEADLINE_S,
    most_paths: int = MOST_PATHS,
    progress: Progress | None = None,
) -> Mapping[str, Any]:
    """The answer of a task that takes `paths` and a `seed`. Raises InputRejected and ComputeUnavailable."""
    require(1 <= payload["paths"] <= most_paths, f"{payload['paths']} paths", f"1 to {most_paths} paths")
    require(payload["seed"] >= 0, f"seed {payload['seed']}", "a seed of 0 or more")
    try:
        return await executor.submit(task, payload, deadline_s=deadline_s, progress=progress)
    except TaskFailed as error:
        if error.kind == "ValueError":
            raise InputRejected(f"This cannot be computed: {error.reason}", fix="change what it names") from error
        raise ComputeUnavailable(str(error), busy=False) from error
    except ComputeError as error:
        raise ComputeUnavailable(str(error), busy=isinstance(error, Busy)) from error


def require(holds: bool, found: str, wanted: str) -> None:
    """Raises InputRejected that says what would do."""
    if not holds:
        raise InputRejected(f"{found} is not possible here", fix=wanted)


def within(value: Decimal, low: str, high: str) -> bool:
    """Whether a number is finite and lies in [low, high]; False for NaN, which compares with nothing."""
    return value.is_finite() and Decimal(low) <= value <= Decimal(high)
