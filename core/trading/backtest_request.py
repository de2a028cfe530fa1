"""What a tool asks a backtest to do, and how far it has come: plain values, because it runs in another process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .run_book import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRequest:
    """Paths are those of files that were allowed; numbers are text as on a command line, exact.

    Exactly one of `data` and `rows` is given. None stands for the command's default.
    """

    strategy: str
    data: str | None = None
    rows: Sequence[Mapping[str, Any]] | None = None
    news: str | None = None
    reference: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    cash: str | None = None
    every_minutes: str | None = None
    half_spread: str | None = None
    fee_rate: str | None = None
    latency_ms: str | None = None
    seed: int = 1
    capacity: bool = False

    @property
    def fingerprint(self) -> str:
        """Equal for requests that ask for the same."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class BacktestProgress:
    """`so_far` is what the process has written down on its way, `result` its answer, `report` the page of it."""

    run: Run
    request: BacktestRequest
    so_far: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    report: str | None
