"""How a market's moves have gone on or turned back, measured on its own past, and trades on the next one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ..forecasting.fair_value import FairValue
from ..models import Market, OrderBook, PriceHistory, TradingSignal
from .declaration import Parameter, largest_order
from .signals import buy_sides, buying, estimate, exit_cost, nothing, selling
from .strategy import ReadingStrategy
from .surroundings import Holdings
from .time_series import Slope, on_grid, probability, slope_through_origin

_MOST_WINDOWS = 200
_INTERVAL_Z = 1.645

KEPT_ON = 0.5
"""The part of the significance asked for at the purchase on which a position is kept."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """How far the move of the last window has gone on in the next one, and the move of the window that ends now.

    `continued` below 0 says that moves turned back. Moves are in log-odds.
    """

    continued: Slope
    move: float
    level: float

    def fair_value(self) -> FairValue:
        """Where the price goes in the next window by that, with its 90 % interval (the slope's alone)."""
        step = self.continued.slope * self.move
        error = abs(self.continued.error * self.move) * _INTERVAL_Z
        return estimate(
            probability(self.level + step),
            probability(self.level + step - error),
            probability(self.level + step + error),
        )


def continuation_of(history: PriceHistory, *, window: timedelta, now: datetime) -> Continuation | None:
    """Measured on windows that do not overlap, back from now; None of too short a history."""
    levels = on_grid(history, step=window, now=now, most=_MOST_WINDOWS)
    moves = [later - earlier for earlier, later in itertools.pairwise(levels)]
    continued = slope_through_origin(moves[:-1], moves[1:])
    return Continuation(continued, moves[-1], levels[-1]) if continued is not None else None


TREND_PARAMETERS = (
    Parameter(
        name="window_hours",
        meaning="length of a move, and of the one it is to foretell",
        default=Decimal(6),
        low=Decimal("0.05"),
        high=Decimal(168),
        unit="hours",
    ),
    Parameter(
        name="least_windows",
        meaning="windows of the past without which nothing is said",
        default=Decimal(20),
        low=Decimal(10),
        high=Decimal(200),
        whole=True,
    ),
    Parameter(
        name="significance",
        meaning="standard errors that the measured tendency must be from none",
        default=Decimal(4),
        low=Decimal(2),
        high=Decimal(10),
    ),
    largest_order(50),
)


class TrendStrategy(ReadingStrategy):
    """Trades the next window's move where past ones foretell it beyond doubt and beyond the costs of going in and out.

    `tendency` is 1 for moves that go on, -1 for moves that turn back; the other kind is left alone.
    """

    tendency: ClassVar[int]
    told: ClassVar[str]

    async def analyze_market(self, market: Market) -> TradingSignal:
        """Buy what the tendency favours, sell what it has ceased to favour, or neither."""
        return await self._signal(market, await self._account.holdings())

    async def analyze_markets(self, markets: Sequence[Market]) -> list[TradingSignal]:
        """What it holds is read once for all of them."""
        holdings = await self._account.holdings()
        return [await self._signal(market, holdings) for market in markets]

    async def _signal(self, market: Market, holdings: Holdings) -> TradingSignal:
        now, first = self._clock.now(), market.outcomes[0]
        book = await self._quotes.book(first.token_id)
        if book is None or book.midpoint is None or book.spread is None:
            return nothing(market, first, "the book has only one side, or none", now=now)
        history = await self._quotes.history(first.token_id)
        window = timedelta(hours=float(self._parameters["window_hours"]))
        found = continuation_of(history, window=window, now=now)
        entering = float(self._parameters["significance"])
        fair = found.fair_value() if found is not None and self._is_trusted(found, entering) else None
        # What was bought is kept on less than it took to buy it: else every look near the bound buys or sells again.
        kept = found.fair_value() if found is not None and self._is_trusted(found, entering * KEPT_ON) else None
        leaves = self._leaving(market, book, holdings, kept, now)
        if leaves is not None:
            return leaves
        if found is None or fair is None:
            reason = f"its past does not show that moves {self.told}"
            return nothing(market, first, reason, now=now)
        return max(
            (
                buying(
                    market,
                    outcome,
                    side,
                    worth,
                    bankroll=holdings.cash,
                    held_usd=holdings.of(outcome.token_id).cost,
                    largest_order_usd=self._parameters["largest_order_usd"],
                    exit_cost=exit_cost(market, side),
                    reason=_reason(found, window, self.told),
                    now=now,
                )
                for outcome, side, worth in buy_sides(market, book, fair)
            ),
            key=lambda signal: signal.edge * signal.size,
        )

    def _is_trusted(self, found: Continuation, significance: float) -> bool:
        enough = found.continued.pairs >= int(self._parameters["least_windows"]) - 1
        return enough and self.tendency * found.continued.t >= significance

    def _leaving(
        self, market: Market, book: OrderBook, holdings: Holdings, fair: FairValue | None, now: datetime
    ) -> TradingSignal | None:
        """The sale of an outcome that is held and of which no rise is foretold any more."""
        midpoint = book.midpoint or Decimal(0)
        for outcome, side, worth in buy_sides(market, book, fair or estimate(*(float(midpoint),) * 3)):
            held = holdings.of(outcome.token_id)
            if held.sellable >= Decimal("0.01") and (fair is None or worth.value <= (side.midpoint or Decimal(0))):
                reason = f"no rise is foretold any more: moves {self.told} no longer, or this one has turned"
                return selling(market, outcome, side, shares=held.sellable, fair=worth, reason=reason, now=now)
        return None


def _reason(found: Continuation, window: timedelta, told: str) -> str:
    share, hours = abs(found.continued.slope), window.total_seconds() / 3600
    sure = "every time" if math.isinf(found.continued.t) else f"t = {found.continued.t:.1f}"
    return (
        f"over {found.continued.pairs} pairs of {hours:g} h windows moves {told} by {share:.0%} ({sure}); "
        f"the last one was {found.move:+.2f} in log-odds"
    )
