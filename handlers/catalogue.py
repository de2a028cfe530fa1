"""All tools, in the order hosts show them. The modules of a toolset are loaded when it is asked for: a start that does
not offer it does not pay for it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Collection

from .toolspec import Toolset, ToolSpec

_MODULES: tuple[tuple[str, Toolset], ...] = (
    ("markets", Toolset.MARKETS),
    ("books", Toolset.MARKETS),
    ("analysis", Toolset.RESEARCH),
    ("news", Toolset.RESEARCH),
    ("scan", Toolset.RESEARCH),
    ("forecasts", Toolset.RESEARCH),
    ("trading", Toolset.TRADING),
    ("portfolio", Toolset.PORTFOLIO),
    ("operations", Toolset.OPERATIONS),
    ("alerts", Toolset.OPERATIONS),
    ("diagnosis", Toolset.OPERATIONS),
    ("batch_trading", Toolset.ADVANCED),
    ("positions", Toolset.ADVANCED),
    ("tape", Toolset.ADVANCED),
    ("traders", Toolset.ADVANCED),
    ("sliced_orders", Toolset.STRATEGIES),
    ("strategies", Toolset.STRATEGIES),
    ("runs", Toolset.STRATEGIES),
    ("backtests", Toolset.STRATEGIES),
    ("risk", Toolset.RISK),
    ("patterns", Toolset.RISK),
    ("charts", Toolset.CHARTS),
)
"""Each module has tools of one toolset."""


def tools_of(toolsets: Collection[Toolset], *, read_only: bool = False) -> tuple[ToolSpec, ...]:
    """The tools of some toolsets, with `read_only` those of them that change nothing."""
    return tuple(
        spec
        for name, toolset in _MODULES
        if toolset in toolsets
        for spec in _tools_in(name)
        if not (read_only and spec.changes)
    )


def all_tools() -> tuple[ToolSpec, ...]:
    """The tools of every toolset."""
    return tools_of(frozenset(Toolset))


@functools.cache
def _tools_in(name: str) -> tuple[ToolSpec, ...]:
    tools: tuple[ToolSpec, ...] = importlib.import_module(f".{name}", __package__).TOOLS
    return tools
