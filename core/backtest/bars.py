"""Series of prices as a recording that the exchange can replay: a book around each price, under stated assumptions.

A price tells nothing of depth. Where quotes were recorded they are the book's best prices; else it stands around the
price by a stated half spread. At each side rests a stated amount, and taking it is paid for like any fill. Nothing
about capacity follows from that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..exchange.catalogue import Catalogue, RecordedMarket
from ..exchange.replay.level2 import stand_in_token
from ..exchange.replay.moments import BookMoment, Moment, ResolutionMoment
from ..exchange.replay.recording import Recording
from ..exchange.units import price_units
from ..money import ceil_to_tick, floor_to_tick, to_micro
from .price_series import PriceRow, PriceSeries

_AFTER_THE_LAST_PRICE_MS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BarAssumptions:
    """What bars do not tell. `depth_usd` rests at the best price of each side; `fee_rate` is the taker's."""

    half_spread: Decimal = Decimal("0.01")
    depth_usd: Decimal = Decimal(500)
    fee_rate: Decimal = Decimal(0)

    def told(self, series: Sequence[PriceSeries]) -> str:
        """The assumptions in one sentence."""
        quoted = {row.bid is not None or row.ask is not None for each in series for row in each.rows}
        assumed = f"half a spread of {self.half_spread} dollars"
        if quoted == {True}:
            spread = "recorded quotes"
        else:
            spread = f"recorded quotes, and {assumed} where there are none" if True in quoted else assumed
        return (
            f"bars: {spread}, {self.depth_usd} dollars at the best price of each side, taker fee rate {self.fee_rate}; "
            "nothing is said about capacity"
        )


def bar_recording(series: Sequence[PriceSeries], assumptions: BarAssumptions) -> Recording:
    """The catalogue of the series' markets and their books over time; what is known of their ends comes last."""
    markets: list[RecordedMarket] = []
    moments: list[Moment] = []
    starts_at = datetime.fromtimestamp(min(each.rows[0].at_ms for each in series) / 1000, UTC)
    for each in series:
        condition_id = condition_of(each)
        tick = _tick(each.rows)
        markets.append(_market(each, condition_id, tick, assumptions, starts_at))
        token = stand_in_token(condition_id, 0)
        moments += [
            moment for row in each.rows if (moment := _book(row, condition_id, token, tick, assumptions)) is not None
        ]
        if each.first_won is not None:
            ended_ms = each.rows[-1].at_ms + _AFTER_THE_LAST_PRICE_MS
            winner = stand_in_token(condition_id, 0 if each.first_won else 1)
            moments.append(ResolutionMoment(ended_ms, condition_id, winner))
    moments.sort(key=lambda moment: moment.at_ms)
    catalogue = Catalogue(starts_at, tuple(_event(market) for market in markets), tuple(markets), ())
    tokens = frozenset(stand_in_token(condition_of(each), 0) for each in series)
    return Recording(catalogue, tuple(moments), tokens)


def condition_of(series: PriceSeries) -> str:
    """The condition id that stands for a series' market: its own where the file had it."""
    own = series.key.lower()
    if own.startswith("0x") and len(own) == 66:
        return own
    return "0x" + hashlib.sha256(series.key.encode()).hexdigest()


def _book(
    row: PriceRow, condition_id: str, token: str, tick: Decimal, assumptions: BarAssumptions
) -> BookMoment | None:
    bid, ask = row.bid, row.ask
    if bid is None and ask is None:
        bid = floor_to_tick(row.price - assumptions.half_spread, tick) if row.price > tick else None
        ask = ceil_to_tick(row.price + assumptions.half_spread, tick) if row.price < 1 - tick else None
    if bid is not None and ask is not None and bid >= ask:
        return None  # no book is crossed: such a row tells of a moment between two
    sides = [
        {price_units(price): to_micro(round(assumptions.depth_usd / price, 2))}
        if price is not None and 0 < price < 1
        else {}
        for price in (bid, ask)
    ]
    return BookMoment(row.at_ms, condition_id, token, sides[0], sides[1])


def _tick(rows: Sequence[PriceRow]) -> Decimal:
    """The coarsest tick that the quotes are on; a price between two quotes may have a decimal more."""
    quotes = [price for row in rows for price in (row.bid, row.ask) if price is not None]
    for tick in (Decimal("0.01"), Decimal("0.001")):
        if all(price % tick == 0 for price in quotes):
            return tick if quotes else Decimal("0.001")
    return Decimal("0.0001")


def _market(
    series: PriceSeries, condition_id: str, tick: Decimal, assumptions: BarAssumptions, starts_at: datetime
) -> RecordedMarket:
    number = str(int(condition_id[2:11], 16))
    tokens = [stand_in_token(condition_id, outcome) for outcome in (0, 1)]
    gamma: dict[str, Any] = {
        "id": number,
        "conditionId": condition_id,
        "slug": f"recorded-{number}",
        "question": series.question,
        "description": "",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.5", "0.5"]',
        "clobTokenIds": json.dumps(tokens),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "negRisk": False,
        "orderPriceMinTickSize": float(tick),
        "orderMinSize": 5,
        "volume": "0",
        "volumeNum": 0,
        "liquidity": "0",
        "liquidityNum": 0,
    }
    if series.ends_at is not None:
        gamma["endDate"] = series.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    clob: dict[str, Any] = {
        "t": [{"t": token, "o": label} for token, label in zip(tokens, ("Yes", "No"), strict=True)],
        "c": condition_id,
        "mos": 5,
        "mts": float(tick),
        "nr": False,
        "ao": True,
    }
    if assumptions.fee_rate:
        rate = float(assumptions.fee_rate)
        clob["fd"] = {"r": rate, "e": 1, "to": True}
        gamma |= {"feesEnabled": True, "feeSchedule": {"rate": rate, "exponent": 1, "takerOnly": True}}
    return RecordedMarket(gamma, series.event, clob, (), (), None, (), starts_at)


def _event(market: RecordedMarket) -> dict[str, Any]:
    return {
        "id": market.event_id,
        "slug": market.event_id,
        "ticker": market.event_id,
        "title": market.gamma["question"],
        "description": "",
        "active": True,
        "closed": False,
        "archived": False,
        "negRisk": False,
        "volume": 0,
        "liquidity": 0,
        "endDate": market.gamma.get("endDate"),
        "tags": [],
    }
