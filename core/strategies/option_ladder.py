"""Prices thresholds and bands of a quantity from the quantity itself, as options are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ..errors import ConfigurationError
from ..forecasting.fair_value import FairValue
from ..models import Market, PricePoint, TradingSignal
from .declaration import Declaration, Need, Parameter, Parameters, largest_order
from .ladders import Rung, rung_of
from .signals import buy_sides, buying, estimate, nothing
from .strategy import ReadingStrategy
from .surroundings import Holdings, Surroundings
from .time_series import deviation

SYMBOLS = {"bitcoin": "BTC", "btc": "BTC", "ethereum": "ETH", "eth": "ETH", "solana": "SOL", "sol": "SOL", "xrp": "XRP"}
"""What questions call it, and the symbol its prices are asked for by."""

_YEAR_S = 365 * 86_400
_LEAST_RETURNS = 24
_LEAST_PAST = timedelta(days=1)
"""Less than a day of minutes tells the volatility of an afternoon or a night."""


@dataclass(frozen=True, slots=True)
class Underlying:
    """The quantity now, and the yearly deviation of its logarithm, measured over `returns` of its past."""

    spot: float
    volatility: float
    returns: int


def underlying_of(points: Sequence[PricePoint], *, now: datetime, since: timedelta) -> Underlying | None:
    """Measured on the prices of the last `since`; None of too few, of less than a day, or of prices hours old."""
    recent = [point for point in points if now - since <= point.at <= now and point.price > 0]
    if len(recent) <= _LEAST_RETURNS or now - recent[-1].at > timedelta(hours=2):
        return None
    if recent[-1].at - recent[0].at < _LEAST_PAST:
        return None
    scaled = []
    for before, after in itertools.pairwise(recent):
        years = (after.at - before.at).total_seconds() / _YEAR_S
        if years > 0:
            scaled.append(math.log(float(after.price / before.price)) / math.sqrt(years))
    volatility = deviation(scaled)
    # A price that stands still is a source that does, and would make everything certain.
    return Underlying(float(recent[-1].price), volatility, len(scaled)) if volatility > 0 else None


def was_touched(rung: Rung, points: Sequence[PricePoint], *, since: datetime | None, now: datetime) -> bool:
    """Whether the quantity has been at a level already, since a moment or as far back as is known."""
    known = [point.price for point in points if (since is None or since <= point.at) and point.at <= now]
    if not rung.touches or not known:
        return False
    return (rung.low is not None and max(known) >= rung.low) or (rung.high is not None and min(known) <= rung.high)


def probability_within(low: float | None, high: float | None, *, spot: float, volatility: float, years: float) -> float:
    """That a lognormal price without drift ends between two levels (Black, 1976, without discounting)."""
    spread = volatility * math.sqrt(years)

    def above(level: float) -> float:
        if spread <= 0:
            return float(spot > level)
        return 0.5 * math.erfc(-(math.log(spot / level) - spread * spread / 2) / spread / math.sqrt(2))

    return (above(low) if low is not None else 1.0) - (above(high) if high is not None else 0.0)


def probability_touched(level: float, *, spot: float, volatility: float, years: float) -> float:
    """That a lognormal price without drift reaches a level before the end (reflection principle, Merton, 1973)."""
    spread = volatility * math.sqrt(years)
    if spread <= 0:
        return float(spot == level)
    up = 1.0 if level >= spot else -1.0
    if (level - spot) * up <= 0:
        return 1.0
    distance = up * math.log(level / spot)
    drift = -up * spread * spread / 2

    def normal(x: float) -> float:
        return 0.5 * math.erfc(-x / math.sqrt(2))

    return normal((drift - distance) / spread) + math.exp(2 * drift * distance / spread**2) * normal(
        (-drift - distance) / spread
    )


class OptionLadderStrategy(ReadingStrategy):
    """Buys bands and thresholds that cost less than the quantity's own distribution says, and holds them to the end.

    The interval comes of a volatility that is `volatility_error` higher or lower: all of it must pay.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="option_ladder",
        summary=(
            "For markets on the price of a coin (between, above, below, reach, dip to): prices each from the coin's "
            "price of now and its measured volatility, as an option without drift, and buys what costs less even if "
            "the volatility is misjudged. Holds to the end. Knows nothing of jumps, news or the hour of the day."
        ),
        needs=frozenset({Need.BOOKS, Need.REFERENCE_PRICES}),
        parameters=(
            Parameter(
                name="volatility_days",
                meaning="days of the coin's past that its volatility is measured on",
                default=Decimal(7),
                low=Decimal(2),
                high=Decimal(90),
                unit="days",
            ),
            Parameter(
                name="volatility_error",
                meaning="how much higher or lower the volatility may really be",
                default=Decimal("0.25"),
                low=Decimal("0.05"),
                high=Decimal(1),
            ),
            Parameter(
                name="least_hours",
                meaning="markets that end sooner are left alone",
                default=Decimal(1),
                low=Decimal(0),
                high=Decimal(720),
                unit="hours",
            ),
            largest_order(25),
        ),
        every=timedelta(minutes=5),
        warm_up=_LEAST_PAST,
    )

    def __init__(self, surroundings: Surroundings, parameters: Parameters) -> None:
        super().__init__(surroundings, parameters)
        if surroundings.reference is None:
            raise ConfigurationError("option_ladder needs the prices of what its markets are about.")
        self._reference = surroundings.reference

    async def analyze_market(self, market: Market) -> TradingSignal:
        return (await self.analyze_markets([market]))[0]

    async def analyze_markets(self, markets: Sequence[Market]) -> list[TradingSignal]:
        """What it holds, and each coin's prices, are read once for all of them."""
        holdings = await self._account.holdings()
        known: dict[str, tuple[Underlying | None, Sequence[PricePoint]]] = {}
        return [await self._signal(market, holdings, known) for market in markets]

    async def _signal(
        self, market: Market, holdings: Holdings, known: dict[str, tuple[Underlying | None, Sequence[PricePoint]]]
    ) -> TradingSignal:
        now, first = self._clock.now(), market.outcomes[0]
        rung, symbol = rung_of(market), symbol_of(market)
        if rung is None or symbol is None or not rung.has_range or market.end_date is None:
            return nothing(market, first, "it is not about a coin's price at a time", now=now)
        if market.end_date - now < timedelta(hours=float(self._parameters["least_hours"])):
            return nothing(market, first, "it ends too soon", now=now)
        if symbol not in known:
            days = timedelta(days=float(self._parameters["volatility_days"]))
            prices = await self._reference.prices(symbol)
            known[symbol] = underlying_of(prices, now=now, since=days), prices
        underlying, points = known[symbol]
        if underlying is None:
            return nothing(market, first, f"there are too few recent prices of {symbol}", now=now)
        if was_touched(rung, points, since=market.start_date, now=now):
            return nothing(market, first, f"{symbol} has been there already: it is decided, if not yet told", now=now)
        years = (market.end_date - now).total_seconds() / _YEAR_S
        fair = fair_value_of(rung, underlying, years=years, error=float(self._parameters["volatility_error"]))
        book = await self._quotes.book(first.token_id)
        if book is None:
            return nothing(market, first, "it has no book", fair=fair, now=now)
        told = (
            f"{symbol} at {underlying.spot:,.0f} with {underlying.volatility:.0%} a year over {underlying.returns} "
            f"returns makes it worth {fair.value} ({fair.low} to {fair.high})"
        )
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
                    reason=told,
                    now=now,
                )
                for outcome, side, worth in buy_sides(market, book, fair)
            ),
            key=lambda signal: signal.edge * signal.size,
        )


def symbol_of(market: Market) -> str | None:
    """The coin a question is about."""
    words = market.question.casefold().replace("?", " ").replace(",", " ").split()
    return next((SYMBOLS[word] for word in words if word in SYMBOLS), None)


def fair_value_of(rung: Rung, underlying: Underlying, *, years: float, error: float) -> FairValue:
    """A rung's probability, and the range of it over volatilities `error` higher and lower."""
    low = float(rung.low) if rung.low is not None else None
    high = float(rung.high) if rung.high is not None else None

    def at(volatility: float) -> float:
        if rung.touches:
            level = low if low is not None else high
            assert level is not None  # a rung that touches has a level
            return probability_touched(level, spot=underlying.spot, volatility=volatility, years=years)
        return probability_within(low, high, spot=underlying.spot, volatility=volatility, years=years)

    values = [at(underlying.volatility * factor) for factor in (1 - error, 1.0, 1 + error)]
    return estimate(values[1], min(values), max(values))
