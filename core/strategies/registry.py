"""Strategies by name: those of this package, and those that installed packages offer by entry point."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from ..errors import ConfigurationError, InputRejected
from .strategy import PolymarketStrategy

ENTRY_POINTS = "polydesk.strategies"
"""The group in which a package names its strategies, each as `name = "module:Class"`."""

_OWN: Mapping[str, str] = {
    "arbitrage": "arbitrage:ArbitrageStrategy",
    "ensemble": "ensemble:EnsembleStrategy",
    "market_maker": "market_maker:MarketMakerStrategy",
    "market_neutral": "market_neutral:MarketNeutralStrategy",
    "mean_reversion": "momentum:MeanReversionStrategy",
    "momentum": "momentum:MomentumStrategy",
    "news_sentiment": "news_sentiment:NewsSentimentStrategy",
    "option_ladder": "option_ladder:OptionLadderStrategy",
    "statistical_arbitrage": "statistical_arbitrage:StatisticalArbitrageStrategy",
}


def strategy_names() -> list[str]:
    """All that can be run, without loading any."""
    return sorted({*_OWN, *_offered()})


def strategy_class(name: str) -> type[PolymarketStrategy]:
    """A strategy by its name. Raises InputRejected `unknown_strategy`, ConfigurationError for one that cannot load."""
    own = _OWN.get(name)
    if own is not None:
        module, _, attribute = own.partition(":")
        loaded = getattr(importlib.import_module(f".{module}", __package__), attribute)
    elif (offered := _offered().get(name)) is not None:
        try:
            loaded = offered.load()
        except Exception as error:
            raise ConfigurationError(
                f"Strategy {name!r} of {_package_of(offered)} cannot be loaded: {error}"
            ) from error
        if not (isinstance(loaded, type) and issubclass(loaded, PolymarketStrategy)):
            raise ConfigurationError(f"Strategy {name!r} of {_package_of(offered)} is no PolymarketStrategy.")
        if loaded.declaration.name != name:
            raise ConfigurationError(
                f"Strategy {name!r} of {_package_of(offered)} calls itself {loaded.declaration.name!r}."
            )
    else:
        raise InputRejected(
            f"There is no strategy {name[:40]!r}.",
            code="unknown_strategy",
            fix=f"choose one of {', '.join(strategy_names())}",
            next_tool="polymarket_list_strategies",
        )
    strategy: type[PolymarketStrategy] = loaded
    return strategy


def origin_of(name: str) -> str:
    """The package a strategy comes from."""
    offered = _offered().get(name)
    return _package_of(offered) if offered is not None and name not in _OWN else "polydesk"


@functools.cache
def _offered() -> Mapping[str, EntryPoint]:
    """Names of this package cannot be taken by another."""
    return {each.name: each for each in entry_points(group=ENTRY_POINTS) if each.name not in _OWN}


def _package_of(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
