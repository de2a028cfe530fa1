"""Baskets that do not depend on where all markets go: the cheap half bought, the dear half sold, for equal dollars."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ..identifiers import ConditionId
from ..models import Market, OrderBook, TradingSignal
from ..money import round_down
from .declaration import Declaration, Need, Parameter, largest_order
from .signals import buy_sides, buying, estimate, exit_cost, nothing, selling
from .strategy import ReadingStrategy
from .surroundings import Holdings
from .time_series import Slope, log_odds, on_grid, probability, slope_through_origin
from .trend import KEPT_ON

_MOST_WINDOWS = 60
_INTERVAL_Z = 1.645
_NOTHING = Decimal(0)
_LEAST_ORDER_USD = Decimal(1)


@dataclass(frozen=True, slots=True)
class _Quoted:
    market: Market
    book: OrderBook
    moves: list[float]

    @property
    def level(self) -> float:
        return log_odds(float(self.book.midpoint or Decimal("0.5")))


class MarketNeutralStrategy(ReadingStrategy):
    """Trades moves relative to those of all markets, where the whole panel's past says how those go on or turn back.

    The dollars that gain when everything rises equal those that gain when everything falls: the larger side is cut.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="market_neutral",
        summary=(
            "Measures over all its markets together whether a move beyond the others' goes on or turns back in the "
            "next window, and buys Yes of those that should rise against the rest and No of those that should fall, "
            "for equal dollars, so that a move of all of them cancels. Only where the measurement is far beyond "
            "chance and beyond costs. Sells after the next window."
        ),
        needs=frozenset({Need.BOOKS, Need.HISTORY}),
        parameters=(
            Parameter(
                name="window_hours",
                meaning="length of a move, and of the one it is to foretell",
                default=Decimal(12),
                low=Decimal("0.05"),
                high=Decimal(168),
                unit="hours",
            ),
            Parameter(
                name="least_markets",
                meaning="markets with prices in every window without which nothing is said",
                default=Decimal(6),
                low=Decimal(4),
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
            largest_order(25),
        ),
        every=timedelta(minutes=30),
        warm_up=timedelta(days=3),
    )

    async def analyze_market(self, market: Market) -> TradingSignal:
        """A market alone cannot be compared with others: the panel is what is given to analyze_markets."""
        return (await self.analyze_markets([market]))[0]

    async def analyze_markets(self, markets: Sequence[Market]) -> list[TradingSignal]:
        now, holdings = self._clock.now(), await self._account.holdings()
        panel = [found for market in markets if (found := await self._quoted(market, now)) is not None]
        windows = min((len(each.moves) for each in panel), default=0)
        tendency = None
        if len(panel) >= int(self._parameters["least_markets"]) and windows >= 3:
            tendency = _tendency(panel, windows)
        signals = {
            each.market.condition_id: self._signal(each, _relative(panel, each), tendency, holdings, now)
            for each in panel
        }
        balanced = _balanced(signals, markets)
        return [
            balanced.get(
                market.condition_id,
                nothing(market, market.outcomes[0], "no book with two sides, or no history", now=now),
            )
            for market in markets
        ]

    async def _quoted(self, market: Market, now: datetime) -> _Quoted | None:
        token = market.outcomes[0].token_id
        book = await self._quotes.book(token)
        if book is None or book.midpoint is None:
            return None
        window = timedelta(hours=float(self._parameters["window_hours"]))
        levels = on_grid(await self._quotes.history(token), step=window, now=now, most=_MOST_WINDOWS)
        moves = [later - earlier for earlier, later in itertools.pairwise(levels)]
        return _Quoted(market, book, moves) if moves else None

    def _signal(
        self, each: _Quoted, relative: float, tendency: Slope | None, holdings: Holdings, now: datetime
    ) -> TradingSignal:
        market, book = each.market, each.book
        measured, asked = tendency is not None, float(self._parameters["significance"])
        # What was bought is kept on less than it took to buy it: else every look near the bound buys or sells again.
        kept = tendency is not None and abs(tendency.t) >= asked * KEPT_ON
        leaning = tendency.slope * relative if tendency is not None and kept else 0.0
        tendency = tendency if tendency is not None and abs(tendency.t) >= asked else None
        step = tendency.slope * relative if tendency is not None else 0.0
        error = tendency.error * abs(relative) * _INTERVAL_Z if tendency is not None else 0.0
        fair = estimate(
            probability(each.level + step),
            probability(each.level + step - error),
            probability(each.level + step + error),
        )
        for number, (outcome, side, worth) in enumerate(buy_sides(market, book, fair)):
            held = holdings.of(outcome.token_id)
            favoured = leaning > 0 if number == 0 else leaning < 0
            if held.sellable >= Decimal("0.01") and measured and not favoured:
                reason = "what it was bought against has come, or is foretold no more"
                return selling(market, outcome, side, shares=held.sellable, fair=worth, reason=reason, now=now)
        if tendency is None or not step:
            reason = "over all markets, moves beyond the others' foretell nothing"
            return nothing(market, market.outcomes[0], reason, fair=fair, now=now)
        outcome, side, worth = buy_sides(market, book, fair)[0 if step > 0 else 1]
        turns = "go on" if tendency.slope > 0 else "turn back"
        return buying(
            market,
            outcome,
            side,
            worth,
            bankroll=holdings.cash,
            held_usd=holdings.of(outcome.token_id).cost,
            largest_order_usd=self._parameters["largest_order_usd"],
            exit_cost=exit_cost(market, side),
            reason=(
                f"it moved {relative:+.2f} in log-odds beyond the others, and such moves {turns} by "
                f"{abs(tendency.slope):.0%} (t = {tendency.t:.1f} over {tendency.pairs} moves)"
            ),
            now=now,
        )


def _tendency(panel: Sequence[_Quoted], windows: int) -> Slope | None:
    """How far moves beyond the others' have gone on in the next window, over all markets and windows."""
    x: list[float] = []
    y: list[float] = []
    for number in range(-windows, -1):
        before = [each.moves[number] for each in panel]
        after = [each.moves[number + 1] for each in panel]
        middle_before, middle_after = math.fsum(before) / len(panel), math.fsum(after) / len(panel)
        x += [move - middle_before for move in before]
        y += [move - middle_after for move in after]
    return slope_through_origin(x, y)


def _relative(panel: Sequence[_Quoted], each: _Quoted) -> float:
    """A market's last move beyond the average of all."""
    return each.moves[-1] - math.fsum(other.moves[-1] for other in panel) / len(panel)


def _balanced(
    signals: Mapping[ConditionId, TradingSignal], markets: Sequence[Market]
) -> dict[ConditionId, TradingSignal]:
    """The purchases, of which the larger side is cut until both sides cost the same; sales stay as they are."""
    firsts = {market.outcomes[0].token_id for market in markets}
    bought = [signal for signal in signals.values() if signal.verdict == "buy"]
    rising = sum((each.size * each.price for each in bought if each.token_id in firsts), _NOTHING)
    falling = sum((each.size * each.price for each in bought if each.token_id not in firsts), _NOTHING)
    balanced = dict(signals)
    for signal in bought:
        share = min(rising, falling) / (rising if signal.token_id in firsts else falling)
        size = round_down(signal.size * share, 2)
        if size * signal.price >= _LEAST_ORDER_USD:
            balanced[signal.market_id] = dataclasses.replace(signal, size=size)
            continue
        reason = f"{signal.reason}; but nothing stands against it, and the basket would depend on all markets"
        balanced[signal.market_id] = dataclasses.replace(signal, verdict="no_edge", size=_NOTHING, reason=reason)
    return balanced
