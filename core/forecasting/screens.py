"""Reasons to look at a market, each judged on what the catalogue says of it alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from ..identifiers import ConditionId
from ..models import Event, Market
from .calibration import log_odds_of

ScreenName = Literal["news_edge", "sums", "momentum", "wide_spread", "closing_soon", "new"]

SOON = timedelta(hours=24)
RECENT = timedelta(hours=48)
LEAST_MOVE = Decimal("0.08")
LEAST_SPREAD = Decimal("0.04")
_OPEN_QUESTION = (Decimal("0.03"), Decimal("0.97"))
"""Outside these prices a market is as good as decided."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A market that a screen found, why in one line, and how it ranks among that screen's (higher first)."""

    screen: ScreenName
    market: Market
    rank: float
    why: str


@dataclass(frozen=True, slots=True)
class SetOffer:
    """One share of each of several outcomes that exclude each other, in dollars: what buying them all costs with taker
    fees at the best prices, and the least they pay together. `sets` are how many can be had at these prices."""

    outcome: Literal["Yes", "No"]
    markets: int
    total: Decimal
    cost: Decimal
    pays: Decimal
    sets: Decimal | None

    @property
    def profit(self) -> Decimal:
        return self.pays - self.cost


def middle(market: Market) -> Decimal | None:
    """The catalogue's midpoint of the first outcome, else its last price."""
    if market.best_bid is not None and market.best_ask is not None:
        return (market.best_bid + market.best_ask) / 2
    return market.outcomes[0].price if market.outcomes else None


def momentum(market: Market, now: datetime) -> Hit | None:
    """The price moved by eight cents or more in a day; ranked by the move in log-odds."""
    change, price = market.one_day_change, middle(market)
    if change is None or price is None or abs(change) < LEAST_MOVE:
        return None
    before = price - change
    rank = abs(log_odds_of(float(price)) - log_odds_of(float(before)))
    return Hit("momentum", market, rank, f"{change:+.3f} in a day, to {price:.3f}; ${market.volume_24h:,.0f} traded")


def wide_spread(market: Market, now: datetime) -> Hit | None:
    """Four cents or more between bid and ask although it is traded; ranked by spread times volume."""
    if market.best_bid is None or market.best_ask is None:
        return None
    spread = market.best_ask - market.best_bid
    if spread < LEAST_SPREAD or not market.volume_24h:
        return None
    why = f"spread {spread:.3f} ({market.best_bid} / {market.best_ask}) at ${market.volume_24h:,.0f} traded in 24 h"
    return Hit("wide_spread", market, float(spread * market.volume_24h), why)


def closing_soon(market: Market, now: datetime) -> Hit | None:
    """Said to end within a day and not yet as good as decided; ranked by volume."""
    price = middle(market)
    if market.end_date is None or price is None or not now < market.end_date <= now + SOON:
        return None
    if not _OPEN_QUESTION[0] <= price <= _OPEN_QUESTION[1]:
        return None
    hours = (market.end_date - now).total_seconds() / 3600
    why = f"ends in {hours:.1f} h at {price:.3f}; ${market.volume_24h:,.0f} traded in 24 h"
    return Hit("closing_soon", market, float(market.volume_24h), why)


def new(market: Market, now: datetime) -> Hit | None:
    """Opened within two days; ranked by volume."""
    if market.start_date is None or not now - RECENT <= market.start_date <= now:
        return None
    hours = (now - market.start_date).total_seconds() / 3600
    price = middle(market)
    at = "unpriced" if price is None else f"at {price:.3f}"
    return Hit(
        "new", market, float(market.volume_24h), f"opened {hours:.0f} h ago, {at}; ${market.volume_24h:,.0f} traded"
    )


MARKET_SCREENS: Mapping[ScreenName, Callable[[Market, datetime], Hit | None]] = {
    "momentum": momentum,
    "wide_spread": wide_spread,
    "closing_soon": closing_soon,
    "new": new,
}


@dataclass(frozen=True, slots=True)
class Best:
    """The best prices of a first outcome and the shares there; None where nobody quotes or the size is not known."""

    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None


def set_offer(event: Event, quotes: Mapping[ConditionId, Best]) -> SetOffer | None:
    """The set of outcomes that pays more than it costs, by `quotes` of the open markets; None if none does.

    Every No of those that are bid for: of n outcomes that exclude each other n - 1 at least pay. Every Yes pays only
    where one of them must win, so all that are not decided must be offered and none may have won.
    """
    open_markets = [market for market in event.markets if market.tradable and market.condition_id in quotes]
    bid_for = [(market, quotes[market.condition_id]) for market in open_markets]
    offers = []
    noes = [(market, 1 - best.bid, best.bid_size) for market, best in bid_for if best.bid is not None]
    if len(noes) > 1:
        bids = sum((1 - price for _, price, _ in noes), Decimal(0))
        offers.append(_offer("No", noes, total=bids, pays=Decimal(len(noes) - 1)))
    yeses = [(market, best.ask, best.ask_size) for market, best in bid_for if best.ask is not None]
    undecided = [market for market in event.markets if not market.closed]
    won = any(market.resolution.winner == "Yes" for market in event.markets)
    if len(yeses) > 1 and len(yeses) == len(undecided) and not won:
        asks = sum((price for _, price, _ in yeses), Decimal(0))
        offers.append(_offer("Yes", yeses, total=asks, pays=Decimal(1)))
    best = max(offers, key=lambda offer: offer.profit, default=None)
    return best if best is not None and best.profit > 0 else None


def _offer(
    outcome: Literal["Yes", "No"], legs: list[tuple[Market, Decimal, Decimal | None]], *, total: Decimal, pays: Decimal
) -> SetOffer:
    cost = sum((price + _fee(market, price) for market, price, _ in legs), Decimal(0))
    sizes = [size for _, _, size in legs if size is not None]
    return SetOffer(outcome, len(legs), total, cost, pays, min(sizes) if len(sizes) == len(legs) else None)


def _fee(market: Market, price: Decimal) -> Decimal:
    return market.fees.rate * (price * (1 - price)) ** market.fees.exponent


def set_hit(event: Event, offer: SetOffer) -> Hit:
    """The hit of an event whose outcomes are priced to sum wrongly, under its most traded market; ranked by profit."""
    market = max((each for each in event.markets if each.tradable), key=lambda each: each.volume_24h)
    side, certain = ("bids", "") if offer.outcome == "No" else ("asks", " if one of them must win")
    sets = Decimal(0) if offer.sets is None else offer.sets
    why = (
        f"{side} of {offer.markets} outcomes sum to {offer.total:.3f}: {offer.outcome} of each costs {offer.cost:.3f} "
        f"with fees and pays {offer.pays}{certain}; {sets:,.0f} sets at these prices"
    )
    return Hit("sums", market, float(offer.profit) * math.log1p(float(sets)), why)
