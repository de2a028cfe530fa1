"""The benchmarks by name. Each module has `run() -> Result`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import cast

MODULES = {
    "server_start": "benchmarks.server_start",
    "tool_call": "benchmarks.tool_call",
    "doors": "benchmarks.doors",
    "monitoring": "benchmarks.monitoring",
    "http_clients": "benchmarks.http_clients",
    "cached_read": "benchmarks.cached_read",
    "signing": "benchmarks.signing",
    "order_path": "benchmarks.order_path",
    "matching": "benchmarks.matching",
    "exchange_server": "benchmarks.exchange_server",
    "monte_carlo": "benchmarks.monte_carlo",
    "paths": "benchmarks.paths",
    "patterns": "benchmarks.patterns",
    "pool": "benchmarks.pool",
    "sentiment": "benchmarks.sentiment",
    "stance": "benchmarks.stance",
    "forecast": "benchmarks.forecast",
    "news_matching": "benchmarks.news_matching",
    "gpu": "benchmarks.gpu",
    "backtest": "benchmarks.backtest",
    "order_book_stream": "benchmarks.order_book_stream",
    "stream_soak": "benchmarks.stream_soak",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one run measured. `ratios` compare ours with something else under the same conditions."""

    about: str
    ratios: dict[str, float]
    measured: dict[str, float] = field(default_factory=dict)


def run(name: str) -> Result:
    """Run one. Raises KeyError for an unknown name."""
    return cast(Result, importlib.import_module(MODULES[name]).run())
