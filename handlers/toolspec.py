"""How a tool is declared: a function, the toolset it belongs to, and what it may change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..core.errors import ConfigurationError


class Toolset(StrEnum):
    """Groups of tools that are switched on together at start-up."""

    MARKETS = "markets"
    RESEARCH = "research"
    TRADING = "trading"
    PORTFOLIO = "portfolio"
    OPERATIONS = "operations"
    ADVANCED = "advanced"
    STRATEGIES = "strategies"
    RISK = "risk"
    CHARTS = "charts"


DEFAULT_TOOLSETS = frozenset(Toolset) - {Toolset.ADVANCED, Toolset.STRATEGIES, Toolset.RISK, Toolset.CHARTS}


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool. `title` and the function's docstring may contain `{MODE}`, filled in when the server starts.

    `changes` is False for tools that only read; the other flags are the protocol's hints to the host.
    """

    name: str
    toolset: Toolset
    title: str
    function: Callable[..., Awaitable[Any]]
    changes: bool = False
    destructive: bool = False
    idempotent: bool = True
    open_world: bool = True


def parse_toolsets(names: Iterable[str]) -> frozenset[Toolset]:
    """The toolsets meant by names from configuration; `default` and `all` stand for several.

    Raises ConfigurationError for a name that does not exist.
    """
    chosen: set[Toolset] = set()
    for name in names:
        if name in ("default", "all"):
            chosen |= DEFAULT_TOOLSETS if name == "default" else frozenset(Toolset)
            continue
        try:
            chosen.add(Toolset(name))
        except ValueError:
            known = ", ".join(["default", "all", *Toolset])
            raise ConfigurationError(f"There is no toolset {name!r}; choose from {known}.") from None
    return frozenset(chosen)
