"""The tasks that workers know by name. Importing this module loads numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy

from . import devices
from .monte_carlo.bet_sizing import size_bets
from .monte_carlo.book_paths import book_paths
from .monte_carlo.engines import fastest_engine
from .monte_carlo.market_risk import market_risk
from .monte_carlo.portfolio_risk import portfolio_risk
from .patterns.find_patterns import find_patterns

Report = Callable[[float], None]
"""Tells the finished fraction, 0 to 1. Raises TaskStopped once nobody waits for the answer."""

Task = Callable[[Mapping[str, Any], Report], dict[str, Any]]

ENGINE = f"numpy {numpy.__version__}"
DEVICE = "cpu"


def describe() -> dict[str, Any]:
    """The engines of simulations, beside numpy. A CUDA device joins in for much work."""
    engines = [ENGINE]
    if (fastest := fastest_engine()) != "numpy":
        engines.append(fastest)
    if not devices.cuda_expected():
        return {"engine": ", ".join(engines)}
    return {"engine": ", ".join([*engines, "torch on CUDA"]), "device": "cuda:0"}


def engine(payload: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """What computes here. Takes nothing; the cheapest round trip there is."""
    return {"engine": ENGINE, "device": DEVICE}


TASKS: Mapping[str, Task] = {
    "book_paths": book_paths,
    "engine": engine,
    "find_patterns": find_patterns,
    "market_risk": market_risk,
    "portfolio_risk": portfolio_risk,
    "size_bets": size_bets,
}
