"""Trades the gap between two markets that return to each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ..identifiers import ConditionId
from ..models import Market, OrderBook, Outcome, TradingSignal
from .cointegration import Tie, tie_between
from .declaration import Declaration, Need, Parameter, largest_order
from .signals import buy_sides, buying, estimate, exit_cost, nothing, selling
from .strategy import ReadingStrategy
from .surroundings import Holdings
from .time_series import log_odds, on_grid, probability

_MOST_STEPS = 400
_MOST_OF_AN_EVENT = 8
_KEPT_ON = 0.7


@dataclass(frozen=True, slots=True)
class _Quoted:
    market: Market
    book: OrderBook
    levels: list[float]


class StatisticalArbitrageStrategy(ReadingStrategy):
    """For pairs of one event that are cointegrated: buys the cheap one and the No of the dear one when the gap is wide.

    Each side stands on its own fair value: where the other one's price says that it should be, the gap gone. Both are
    sold when the gap has closed or the pair is tied no more.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="statistical_arbitrage",
        summary=(
            "Looks for pairs of markets of one event whose prices have returned to each other (Engle and Granger's "
            "test, no chance in twenty), and when their gap is wide buys Yes of the cheap one and No of the dear one. "
            "Sells both when the gap has closed, or when the pair has come apart: then at a loss."
        ),
        needs=frozenset({Need.BOOKS, Need.HISTORY}),
        parameters=(
            Parameter(
                name="step_minutes",
                meaning="distance of the prices that are compared",
                default=Decimal(60),
                low=Decimal(1),
                high=Decimal(1440),
                unit="minutes",
            ),
            Parameter(
                name="least_steps",
                meaning="steps of the past without which no pair is trusted",
                default=Decimal(72),
                low=Decimal(30),
                high=Decimal(400),
                whole=True,
            ),
            Parameter(
                name="enter_z",
                meaning="gap, in its standard deviations, from which the pair is traded",
                default=Decimal("2.5"),
                low=Decimal(1),
                high=Decimal(6),
            ),
            Parameter(
                name="leave_z",
                meaning="gap at which the pair is sold again",
                default=Decimal("0.5"),
                low=Decimal(0),
                high=Decimal(3),
            ),
            largest_order(50),
        ),
        every=timedelta(minutes=10),
        warm_up=timedelta(days=3),
        most_markets=60,
    )

    async def analyze_market(self, market: Market) -> TradingSignal:
        """A market alone has no gap to anything: pairs are looked for among the markets given to analyze_markets."""
        return (await self.analyze_markets([market]))[0]

    async def analyze_markets(self, markets: Sequence[Market]) -> list[TradingSignal]:
        """The widest gap of each market is what its signal is about."""
        now, holdings = self._clock.now(), await self._account.holdings()
        quoted = [found for market in markets if (found := await self._quoted(market, now)) is not None]
        ties: dict[ConditionId, Tie | None] = {}
        for one, other in _pairs(quoted):
            steps = min(len(one.levels), len(other.levels))
            if steps < int(self._parameters["least_steps"]):
                continue
            for x, y in ((one, other), (other, one)):
                tie = tie_between(x.levels[-steps:], y.levels[-steps:])
                if tie is None:
                    continue
                known = ties.setdefault(y.market.condition_id, None)
                # One that holds goes before one that has weakened, which only what is held is kept on.
                if _still_tied(tie) and (known is None or (tie.holds, abs(tie.z)) > (known.holds, abs(known.z))):
                    ties[y.market.condition_id] = tie
        by_market = {each.market.condition_id: each for each in quoted}
        return [
            self._signal(each, ties.get(market.condition_id), holdings, compared=market.condition_id in ties, now=now)
            if (each := by_market.get(market.condition_id)) is not None
            else nothing(market, market.outcomes[0], "no book with two sides, or no history", now=now)
            for market in markets
        ]

    async def _quoted(self, market: Market, now: datetime) -> _Quoted | None:
        token = market.outcomes[0].token_id
        book = await self._quotes.book(token)
        if book is None or book.midpoint is None:
            return None
        step = timedelta(minutes=float(self._parameters["step_minutes"]))
        levels = on_grid(await self._quotes.history(token), step=step, now=now, most=_MOST_STEPS)
        # The price of now, not the last recorded one, is what would be traded at.
        return _Quoted(market, book, [*levels[:-1], log_odds(float(book.midpoint))]) if levels else None

    def _signal(
        self, each: _Quoted, tie: Tie | None, holdings: Holdings, *, compared: bool, now: datetime
    ) -> TradingSignal:
        """`compared` is False where no other market could be read: that says nothing about what is held."""
        market, book = each.market, each.book
        fair, z, told = None, 0.0, "no market of its event is tied to this one"
        if tie is not None:
            z = tie.z
            error = tie.deviation / 2
            level = each.levels[-1] - tie.gap
            fair = estimate(probability(level), probability(level - error), probability(level + error))
            told = (
                f"its gap to another market of the event is {z:+.1f} deviations and has come back by half in "
                f"{tie.half_life:.1f} steps (test {tie.statistic:.1f}, critical {tie.critical:.1f})"
            )
        leave = float(self._parameters["leave_z"])
        # Yes was bought below the other market's price and No above it: beyond the middle the gap has closed too.
        for (outcome, side), closed in zip(_sides(market, book), (z >= -leave, z <= leave), strict=True):
            held = holdings.of(outcome.token_id)
            if held.sellable >= Decimal("0.01") and compared and closed:
                return selling(market, outcome, side, shares=held.sellable, fair=None, reason=told, now=now)
        if fair is None or tie is None or not tie.holds or abs(z) < float(self._parameters["enter_z"]):
            return nothing(market, market.outcomes[0], told, fair=fair, now=now)
        outcome, side, worth = buy_sides(market, book, fair)[0 if z < 0 else 1]
        return buying(
            market,
            outcome,
            side,
            worth,
            bankroll=holdings.cash,
            held_usd=holdings.of(outcome.token_id).cost,
            largest_order_usd=self._parameters["largest_order_usd"],
            exit_cost=exit_cost(market, side),
            reason=told,
            now=now,
        )


def _still_tied(tie: Tie) -> bool:
    """Whether what was bought on a tie is kept: near the bound of chance it holds in one look and not in the next."""
    return tie.slope > 0 and tie.statistic < tie.critical * _KEPT_ON


def _sides(market: Market, book: OrderBook) -> list[tuple[Outcome, OrderBook]]:
    middle = float(book.midpoint or Decimal("0.5"))
    return [(outcome, side) for outcome, side, _ in buy_sides(market, book, estimate(middle, middle, middle))]


def _pairs(quoted: Sequence[_Quoted]) -> list[tuple[_Quoted, _Quoted]]:
    """Pairs within an event, of its markets that are least certain: there is most to move."""
    events: dict[str, list[_Quoted]] = {}
    for each in quoted:
        events.setdefault(each.market.event_slug, []).append(each)
    return [
        pair
        for event in events.values()
        for pair in itertools.combinations(sorted(event, key=lambda each: abs(each.levels[-1]))[:_MOST_OF_AN_EVENT], 2)
    ]
