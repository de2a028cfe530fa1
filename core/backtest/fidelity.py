"""How faithful a recording is, and by what rule orders fill in it: said with every result."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from ..exchange.replay.moments import BookMoment, LevelMoment, Moment, TradeMoment
from ..exchange.replay.recording import Recording
from ..exchange.units import UNIT, price_units
from ..money import to_micro
from .bars import BarAssumptions

Fidelity = Literal["l2", "trades", "bars"]
"""Recorded books; trades alone, with books made up around them; or prices alone, likewise."""

_TAKERS = "what an order takes stays gone until the real level grows"
_QUEUE = "a resting order waits behind the size that was at its price first"
_OFFERED = (
    "a resting order fills only when the other side offers at its price or better, at its own price and for no more "
    "than is offered"
)

BARS_FILL = f"{_OFFERED}; that trades at its price would have reached it is not assumed"
"""What becomes of resting orders where only prices were recorded."""


def faithful(recording: Recording, assumptions: BarAssumptions) -> tuple[Recording, Fidelity, str]:
    """A recording of the venue's books or trades, as it can be replayed, with its label and its rule of filling."""
    kinds = {type(moment) for moment in recording.moments}
    if not kinds & {BookMoment, LevelMoment}:
        told = (
            f"recorded trades without books: after each trade a book stands around its price, half a spread of "
            f"{assumptions.half_spread} dollars on each side with {assumptions.depth_usd} dollars; {_TAKERS}; "
            f"{_QUEUE}, and fills when recorded trades get past that; nothing is said about capacity"
        )
        return with_books_around_trades(recording, assumptions), "trades", told
    if TradeMoment in kinds:
        return recording, "l2", f"recorded books and trades: {_TAKERS}; {_QUEUE}, and fills when trades get past that"
    return recording, "l2", f"recorded books without trades: {_TAKERS}; {_OFFERED}, as no trade tells of its queue"


def with_books_around_trades(recording: Recording, assumptions: BarAssumptions) -> Recording:
    """The same, with a book in each traded market that after each trade stands around its price."""
    firsts: dict[str, tuple[str, int]] = {}
    for market in recording.catalogue.markets:
        tick = price_units(Decimal(str(market.clob.get("mts") or market.gamma["orderPriceMinTickSize"])))
        first = str(json.loads(market.gamma["clobTokenIds"])[0])
        firsts[str(market.gamma["conditionId"])] = (first, tick)
    moments = tuple(_followed_by_books(recording, firsts, assumptions))
    return dataclasses.replace(
        recording, moments=moments, source_tokens=frozenset(first for first, _ in firsts.values())
    )


def _followed_by_books(
    recording: Recording, firsts: dict[str, tuple[str, int]], assumptions: BarAssumptions
) -> Iterator[Moment]:
    half = price_units(assumptions.half_spread)
    for moment in recording.moments:
        yield moment
        if isinstance(moment, TradeMoment) and moment.condition_id in firsts:
            token, tick = firsts[moment.condition_id]
            price = moment.price if moment.token_id == token else UNIT - moment.price
            bid, ask = (price - half) // tick * tick, -(-(price + half) // tick) * tick
            yield BookMoment(
                moment.at_ms,
                moment.condition_id,
                token,
                _level(bid, assumptions.depth_usd),
                _level(ask, assumptions.depth_usd),
            )


def _level(price: int, depth_usd: Decimal) -> dict[int, int]:
    return {price: to_micro(round(depth_usd * UNIT / price, 2))} if 0 < price < UNIT else {}
