"""A catalogue of thousands of open markets, of which the interesting ones are known."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from polydesk.core.exchange.catalogue import Catalogue, RecordedMarket
from tests.core.exchange.conftest import STARTS_AT, recorded_event, recorded_market

MARKETS_AN_EVENT = 10


def large_catalogue(events: int, *, overround_in: int = 7, calm: bool = True) -> Catalogue:
    """`events` with ten open markets each. The bids of event `overround_in`, a neg-risk one, sum to 1.10; every 100th
    market moved by 0.2 in a day, every 150th has a wide spread."""
    made: list[RecordedMarket] = []
    for number in range(events * MARKETS_AN_EVENT):
        event, place = divmod(number, MARKETS_AN_EVENT)
        neg_risk = event == overround_in
        bid = "0.11" if neg_risk else "0.3" if number % 150 == 3 else "0.49"
        ask = "0.12" if neg_risk else "0.51"
        changes: dict[str, Any] = {"volume24hr": 5000 + place, "bestBid": float(bid), "bestAsk": float(ask)}
        if number % 100 == 5:
            changes["oneDayPriceChange"] = 0.2
        market = recorded_market(number, neg_risk=neg_risk, bids=((bid, "100"),), asks=((ask, "200"),), **changes)
        made.append(dataclasses.replace(market, event_id=str(event)))
    return Catalogue(
        starts_at=STARTS_AT,
        events=tuple(recorded_event(number, f"Event {number}", negRisk=number == overround_in) for number in range(events)),
        markets=tuple(made),
        headlines=(),
    )


def tick(value: str) -> Decimal:
    return Decimal(value)
