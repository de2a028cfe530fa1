"""The liquidity programme: which resting orders score, and how a market's rewards are shared.

An order scores ((v - s) / v)^2 per share, where v is the largest distance from the midpoint that the programme pays for
and s the order's own. Bids and asks are summed apart; what counts is the smaller sum, or a third of the larger one
while the midpoint lies between 0.10 and 0.90.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..money import MICRO, to_micro
from .book import Order
from .ledger import Account
from .listing import Listing
from .units import UNIT
from .venue import Exchange

_TWO_SIDED_BELOW, _TWO_SIDED_ABOVE = Decimal("0.10"), Decimal("0.90")
_ONE_SIDED_PART = 3


@dataclass(frozen=True, slots=True)
class Programme:
    """`max_spread` in dollars from the midpoint, `min_size` in millionths of a share, `rates` as recorded."""

    max_spread: Decimal
    min_size: int
    rates: tuple[dict[str, Any], ...]


def programme_of(listing: Listing) -> Programme | None:
    """What a market pays for resting orders, None when it pays nothing."""
    gamma, compact = listing.recorded.gamma, listing.recorded.clob.get("r")
    rates = tuple(gamma.get("clobRewards") or ())
    if not compact and not rates:
        return None
    compact = compact or {}
    cents = Decimal(str(compact.get("ma", gamma.get("rewardsMaxSpread", 0)) or 0))
    shares = Decimal(str(compact.get("mi", gamma.get("rewardsMinSize", 0)) or 0))
    return Programme(cents / 100, to_micro(shares), rates)


def is_scoring(exchange: Exchange, order: Order) -> bool:
    """Whether a resting order earns now: it scores itself, and its account's two sides together do."""
    listing = exchange.markets.by_condition[order.condition_id]
    programme, midpoint = programme_of(listing), listing.midpoint
    if programme is None or midpoint is None or listing.closed or not _score(order, programme, midpoint):
        return False
    return _account_score(_orders_of(exchange, order.account, listing), programme, midpoint) > 0


def reward_share(exchange: Exchange, account: Account, listing: Listing) -> Decimal:
    """The part of a market's rewards that an account's resting orders earn now, from 0 to 1."""
    programme, midpoint = programme_of(listing), listing.midpoint
    if programme is None or midpoint is None or listing.closed:
        return Decimal(0)
    own = _account_score(_orders_of(exchange, account, listing), programme, midpoint)
    if not own:
        return Decimal(0)
    total = sum(
        _account_score(_orders_of(exchange, other, listing), programme, midpoint)
        for other in exchange.ledger.accounts.values()
    )
    return own / total


def reward_shares(listing: Listing, orders: Iterable[Order]) -> dict[str, Decimal]:
    """The part of a market's rewards that each account (by address) earns now; `orders` are all that rest there."""
    programme, midpoint = programme_of(listing), listing.midpoint
    if programme is None or midpoint is None or listing.closed:
        return {}
    by_account: defaultdict[str, list[Order]] = defaultdict(list)
    for order in orders:
        by_account[order.account.address].append(order)
    scores = {address: _account_score(own, programme, midpoint) for address, own in by_account.items()}
    total = sum(scores.values())
    return {address: score / total for address, score in scores.items() if score}


def _orders_of(exchange: Exchange, account: Account, listing: Listing) -> list[Order]:
    return [order for order in exchange.registry.open_orders(account) if order.condition_id == listing.condition_id]


def _account_score(orders: Iterable[Order], programme: Programme, midpoint: Decimal) -> Decimal:
    sides = {True: Decimal(0), False: Decimal(0)}
    for order in orders:
        sides[order.is_bid] += _score(order, programme, midpoint)
    smaller, larger = sorted(sides.values())
    if _TWO_SIDED_BELOW <= midpoint <= _TWO_SIDED_ABOVE:
        return max(smaller, larger / _ONE_SIDED_PART)
    return smaller


def _score(order: Order, programme: Programme, midpoint: Decimal) -> Decimal:
    """Of one order; 0 for one too small or too far away."""
    distance = abs(Decimal(order.book_price) / UNIT - midpoint)
    if not order.open_size or order.open_size < programme.min_size or distance >= programme.max_spread:
        return Decimal(0)
    nearness = (programme.max_spread - distance) / programme.max_spread
    return nearness**2 * order.open_size / MICRO
