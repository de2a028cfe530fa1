"""Outcomes that are sure to pay together, whatever happens, and what books ask for all of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..forecasting.edge import book_of_complement
from ..identifiers import ConditionId
from ..models import Market, OrderBook, Outcome
from ..money import round_down
from .ladders import implications

_NOTHING = Decimal(0)
_LEAST_SHARES = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Leg:
    """An outcome to buy, and its book."""

    market: Market
    outcome: Outcome
    book: OrderBook


@dataclass(frozen=True, slots=True)
class OutcomeSet:
    """Outcomes of which a share each pays at least `payout` dollars, however things end; `why` says why that is so."""

    legs: tuple[Leg, ...]
    payout: Decimal
    why: str


@dataclass(frozen=True, slots=True)
class Priced:
    """A number of sets at what the books ask: dollars a set with fees, and the worst price of each leg."""

    shares: Decimal
    cost: Decimal
    worst: tuple[Decimal, ...]
    average: tuple[Decimal, ...]


def price_sets(
    each: OutcomeSet, *, least_profit: Decimal, most_usd: Decimal, most_shares: Decimal | None = None
) -> Priced | None:
    """As many sets as the books offer at `least_profit` below the payout or better, level by level; None of none.

    The last set bought costs no more than that, so every one pays.
    """
    levels = [iter(leg.book.asks) for leg in each.legs]
    current = [next(side, None) for side in levels]
    left = [level.size if level is not None else _NOTHING for level in current]
    shares = spent = _NOTHING
    sums = [_NOTHING] * len(each.legs)
    worst: list[Decimal] = [_NOTHING] * len(each.legs)
    while True:
        prices = [level.price for level in current if level is not None]
        if len(prices) < len(each.legs) or not prices:
            break
        unit = sum(
            (
                price + leg.market.fees.taker_fee(Decimal(1), price)
                for price, leg in zip(prices, each.legs, strict=True)
            ),
            _NOTHING,
        )
        if unit > each.payout - least_profit:
            break
        take = min([*left, (most_usd - spent) / unit, *([most_shares - shares] if most_shares is not None else [])])
        if take < _LEAST_SHARES:
            break
        shares, spent = shares + take, spent + take * unit
        for number, price in enumerate(prices):
            sums[number] += take * price
            worst[number] = price
            left[number] -= take
            if not left[number]:
                current[number] = next(levels[number], None)
                following = current[number]
                left[number] = following.size if following is not None else _NOTHING
    whole = round_down(shares, 2)
    if not whole:
        return None
    return Priced(whole, spent / shares, tuple(worst), tuple(total / shares for total in sums))


def outcome_sets(markets: Sequence[Market], books: Mapping[ConditionId, OrderBook]) -> Iterator[OutcomeSet]:
    """All sets among markets whose first outcomes' books are given, by condition id."""
    quoted = [market for market in markets if market.condition_id in books]
    for market in quoted:
        first, second = _legs(market, books)
        yield OutcomeSet((first, second), Decimal(1), "one of the two outcomes pays a dollar")
    events: dict[str, list[Market]] = {}
    for market in quoted:
        if market.neg_risk:
            events.setdefault(market.event_slug, []).append(market)
    for event in events.values():
        if len(event) > 1:
            noes = tuple(_legs(market, books)[1] for market in event)
            why = f"at most one of the event's {len(event)} markets comes true, so all other Noes pay"
            yield OutcomeSet(noes, Decimal(len(event) - 1), why)
            for one, other in itertools.combinations(noes, 2):
                yield OutcomeSet((one, other), Decimal(1), "two markets of one event do not both come true")
    for narrow, wide in implications(quoted):
        legs = (_legs(wide, books)[0], _legs(narrow, books)[1])
        yield OutcomeSet(legs, Decimal(1), "the first question comes true whenever the second one does")


def _legs(market: Market, books: Mapping[ConditionId, OrderBook]) -> tuple[Leg, Leg]:
    first, second = market.outcomes
    book = books[market.condition_id]
    return Leg(market, first, book), Leg(market, second, book_of_complement(book, second.token_id))
