"""Momentum and mean reversion: the same measurement of a market's own past, read the two ways."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from .declaration import Declaration, Need
from .trend import TREND_PARAMETERS, TrendStrategy

_NEEDS = frozenset({Need.BOOKS, Need.HISTORY})
_WARM_UP = timedelta(days=5)


class MomentumStrategy(TrendStrategy):
    """Goes with a move where this market's moves have gone on."""

    tendency = 1
    told = "go on"
    declaration: ClassVar[Declaration] = Declaration(
        name="momentum",
        summary=(
            "Measures on a market's own past whether a move over one window foretells the next, and goes with it only "
            "where that is far beyond chance and beyond what going in and out costs. Sells when the move ends. On "
            "prices that wander without memory it does nothing."
        ),
        needs=_NEEDS,
        parameters=TREND_PARAMETERS,
        every=timedelta(minutes=10),
        warm_up=_WARM_UP,
    )


class MeanReversionStrategy(TrendStrategy):
    """Goes against a move where this market's moves have turned back."""

    tendency = -1
    told = "turn back"
    declaration: ClassVar[Declaration] = Declaration(
        name="mean_reversion",
        summary=(
            "Measures on a market's own past whether a move over one window is taken back in the next, and goes "
            "against it only where that is far beyond chance and beyond what going in and out costs. Sells when the "
            "price is back. On prices that wander without memory it does nothing."
        ),
        needs=_NEEDS,
        parameters=TREND_PARAMETERS,
        every=timedelta(minutes=10),
        warm_up=_WARM_UP,
    )
