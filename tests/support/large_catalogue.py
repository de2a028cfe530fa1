"""A catalogue of thousands of open markets, of which the interesting ones are known."""

from __future__ import annotations

import dataclasses
from typing import Any

from polydesk.core.exchange.catalogue import Catalogue, RecordedMarket
from tests.core.exchange.conftest import STARTS_AT, recorded_event, recorded_market

MARKETS_AN_EVENT = 10
OVERROUND, MOVED, WIDE = 7, 5, 3


def large_catalogue(events: int) -> Catalogue:
    """Events with ten open markets each.

    The bids of event 7, a neg-risk one, sum to 1.10. Of every hundred markets the sixth moved by 0.2 in a day, and of
    every 150 the fourth has a wide spread.
    """
    made: list[RecordedMarket] = []
    for number in range(events * MARKETS_AN_EVENT):
        event, place = divmod(number, MARKETS_AN_EVENT)
        neg_risk = event == OVERROUND
        bid = "0.11" if neg_risk else "0.3" if number % 150 == WIDE else "0.49"
        ask = "0.12" if neg_risk else "0.51"
        changes: dict[str, Any] = {"volume24hr": 5000 + place}
        if number % 100 == MOVED:
            changes["oneDayPriceChange"] = 0.2
        market = recorded_market(number, neg_risk=neg_risk, bids=((bid, "100"),), asks=((ask, "200"),), **changes)
        made.append(dataclasses.replace(market, event_id=str(event)))
    headed = [recorded_event(number, f"Event {number}", negRisk=number == OVERROUND) for number in range(events)]
    return Catalogue(starts_at=STARTS_AT, events=tuple(headed), markets=tuple(made), headlines=())
