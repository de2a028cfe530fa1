"""What an outcome is worth: the market's price as the prior, corrected in log-odds by what is known besides."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from ..models import Market, OrderBook, Outcome, PriceHistory
from ..news.stance import NewsReading
from .calibration import Calibration, group_of, log_odds_of, probability_of, shipped_calibration
from .news_shift import NewsShift, news_shift
from .siblings import Quoted, coherence, sibling_quotes

Basis = Literal["strategy", "market", "market_and_news", "caller"]
Part = Literal["price", "history", "calibration", "siblings", "news", "caller"]

CALLERS_MARGIN = Decimal("0.03")
"""What a caller's own probability is allowed to be wrong by before it counts as an edge."""

WIDE_SPREAD = Decimal("0.04")
"""From this spread on a midpoint says little, and the price's past is heard too."""

INTERVAL_Z = 1.645
"""Standard deviations to each side of a 90 % interval."""

_HORIZON = timedelta(hours=1)
"""A quote is asked to hold for about an hour of the market's usual movement."""

_UNMEASURED_VOLATILITY = 0.05
"""Dollars a day assumed where the history is too short to measure."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One part of a fair value: what it adds to the log-odds, with its standard deviation, and why in a few words."""

    part: Part
    log_odds: float
    deviation: float
    why: str


@dataclass(frozen=True, slots=True)
class FairValue:
    """Probability of the outcome, in [`low`, `high`] with about 90 % confidence, and the parts it is the sum of.

    The contributions' log-odds sum to the value's, up to rounding. `market` holds what the market says, corrected as
    its prices have come true; `market_and_news` was moved by judged news; `caller` is what the caller believes.
    """

    value: Decimal
    low: Decimal
    high: Decimal
    basis: Basis
    contributions: tuple[Contribution, ...] = ()
    news: NewsShift | None = None

    def complement(self) -> FairValue:
        """The same belief about the other outcome."""
        return dataclasses.replace(
            self,
            value=1 - self.value,
            low=1 - self.high,
            high=1 - self.low,
            contributions=tuple(dataclasses.replace(each, log_odds=-each.log_odds) for each in self.contributions),
        )


def fair_value(
    market: Market,
    outcome: Outcome,
    book: OrderBook,
    *,
    now: datetime,
    daily_volatility: float | None = None,
    history: PriceHistory | None = None,
    siblings: Sequence[Market] = (),
    readings: Sequence[NewsReading] = (),
    believed: Decimal | None = None,
    calibration: Calibration | None = None,
) -> FairValue | None:
    """The fair value of `outcome`, whose book and history are given; None when a side of the book is empty and the
    caller believes nothing.

    `daily_volatility` is in dollars, `siblings` are the markets of a neg-risk event, `readings` news judged towards
    this outcome. With a probability of the caller's own (`believed`) that is the value, with three points to each side,
    because how sure a caller is cannot be measured here. `calibration` is the shipped one unless given.

    Corrections that did not beat the market price out of sample move the value and widen the interval, but never lift
    its low end above, or press its high end below, where it is without them: alone they make no edge.
    """
    prior = _prior(book, history, daily_volatility, now=now)
    if believed is not None:
        return _callers(believed, prior)
    if prior is None:
        return None
    fitted = calibration or shipped_calibration()
    price = math.fsum(each.log_odds for each in prior)
    corrections = [
        _calibrated(price, market, outcome, fitted, now=now),
        *_coherent(price, market, outcome, book, siblings),
    ]
    shift = news_shift(readings, now=now, price=probability_of(price), history=history)
    news = [_by_news(shift)] if shift.items else []
    with_all = _interval([*prior, *corrections, *news])
    bounds = [with_all] if fitted.measured.better else [with_all, _interval([*prior, *news])]
    return FairValue(
        value=_exact(with_all[1]),
        low=_exact(min(each[0] for each in bounds)),
        high=_exact(max(each[2] for each in bounds)),
        basis="market_and_news" if news else "market",
        contributions=(*prior, *corrections, *news),
        news=shift if readings else None,
    )


def _prior(
    book: OrderBook, history: PriceHistory | None, daily_volatility: float | None, *, now: datetime
) -> list[Contribution] | None:
    """The micro-price, with half the spread and an hour's usual movement (more for a book read longer ago) as what it
    may be wrong by; where the spread is wide, an average with the last recorded price by the inverse of variances.

    A quote may lie anywhere in its spread (variance spread^2 / 12), a past price has wandered since.
    """
    centre, spread, mid = book.micro_price, book.spread, book.midpoint
    if centre is None or spread is None or mid is None:
        return None
    volatility = _UNMEASURED_VOLATILITY if daily_volatility is None else daily_volatility
    at = float(centre)
    # A price cannot move further than between 0 and 1: its deviation is at most sqrt(p (1 - p)).
    volatility = min(volatility, math.sqrt(at * (1 - at)))
    blended, why = at, ""
    last = history.points[-1] if history is not None and history.points else None
    if spread >= WIDE_SPREAD and last is not None and last.at <= now:
        wandered = volatility**2 * ((now - last.at) / _DAY) + float(book.tick) ** 2
        width = float(spread) ** 2 / 12
        share = width / (width + wandered)
        inside = min(max(float(last.price), float(mid - spread / 2)), float(mid + spread / 2))
        blended = at + share * (inside - at)
        why = f"spread {spread}: {share:.0%} weight on the last recorded price {last.price}"
    stood = _HORIZON + max(now - book.received_at, timedelta(0))
    half_width = float(spread) / 2 + INTERVAL_Z * volatility * math.sqrt(stood / _DAY)
    inside = probability_of(log_odds_of(blended))
    deviation = half_width / INTERVAL_Z / (inside * (1 - inside))
    parts = [Contribution("price", log_odds_of(at), deviation, f"micro-price {round(centre, 4)}")]
    if why:
        parts.append(Contribution("history", log_odds_of(blended) - log_odds_of(at), 0.0, why))
    return parts


def _calibrated(
    price: float, market: Market, outcome: Outcome, calibration: Calibration, *, now: datetime
) -> Contribution:
    labels = {each.label.casefold() for each in market.outcomes}
    is_yes = 0.0 if labels != {"yes", "no"} else 1.0 if outcome.label.casefold() == "yes" else -1.0
    group = group_of((market.category, *market.tags, market.question))
    days = None if market.end_date is None else (market.end_date - now) / _DAY
    correction = calibration.correct(price, group=group, days=days if days and days > 0 else None, is_yes=is_yes)
    return Contribution("calibration", correction.log_odds, correction.deviation, f"how {group} prices came true")


def _coherent(
    price: float, market: Market, outcome: Outcome, book: OrderBook, siblings: Sequence[Market]
) -> list[Contribution]:
    if not market.neg_risk or book.spread is None:
        return []
    # The sum is of Yes outcomes; what it takes from Yes it gives to No.
    first = outcome.token_id == market.outcomes[0].token_id
    own = Quoted(probability_of(price if first else -price), float(book.spread) / 2)
    others = sibling_quotes(siblings, besides=market)
    found = coherence(own, others)
    if not others:
        return []
    log_odds = found.log_odds if first else -found.log_odds
    why = f"{found.markets} outcomes that exclude each other sum to {found.total:.3f}"
    return [Contribution("siblings", log_odds, 0.0, why)]


def _by_news(shift: NewsShift) -> Contribution:
    repeated = f", {shift.repeated} repeated left out" if shift.repeated else ""
    why = f"items counted {len(shift.items)} (by your stance {shift.by_caller}{repeated})"
    return Contribution("news", shift.log_odds, shift.deviation, why)


def _callers(believed: Decimal, prior: list[Contribution] | None) -> FairValue:
    """The caller's probability, and how far it is from the market's."""
    low, high = max(believed - CALLERS_MARGIN, Decimal(0)), min(believed + CALLERS_MARGIN, Decimal(1))
    price = math.fsum(each.log_odds for each in prior or ())
    own = Contribution("caller", log_odds_of(float(believed)) - price, 0.0, "your probability")
    return FairValue(round(believed, 4), round(low, 4), round(high, 4), "caller", (*(prior or ()), own))


def _interval(parts: Sequence[Contribution]) -> tuple[float, float, float]:
    """Low end, value and high end of the sum of independent parts."""
    total = math.fsum(each.log_odds for each in parts)
    width = INTERVAL_Z * math.sqrt(math.fsum(each.deviation**2 for each in parts))
    return probability_of(total - width), probability_of(total), probability_of(total + width)


def _exact(probability: float) -> Decimal:
    return Decimal(str(round(probability, 4)))
