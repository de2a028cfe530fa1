"""What recorded payloads say of a later time than that of the first book, and a replay must not know yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_LATER = re.compile(
    r"uma.*|resolvedBy|automaticallyResolved|closedTime|updatedAt|updatedBy|competitive|openInterest"
    r"|bestBid|bestAsk|spread|lastTradePrice|.*PriceChange|volume.*|liquidity.*"
    r"|eventMetadata|score|elapsed|period|live|ended|finishedTimestamp"
)
"""Names of fields that change while a market is traded or once it has ended: prices, amounts, results."""

_OPEN = {"active": True, "closed": False, "archived": False}
_UNTRADED = {"volume": "0", "volumeNum": 0, "liquidity": "0", "liquidityNum": 0}


def market_before(gamma: Mapping[str, Any]) -> dict[str, Any]:
    """A market of the catalogue as it was before anything of it was traded, whenever it was recorded."""
    accepting = True if gamma.get("closed") else gamma.get("acceptingOrders", True)
    known = {name: value for name, value in gamma.items() if not _LATER.fullmatch(name)}
    return {**known, **_OPEN, **_UNTRADED, "acceptingOrders": accepting, "outcomePrices": '["0.5", "0.5"]'}


def event_before(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of the catalogue as it was before any of its markets was traded."""
    known = {name: value for name, value in event.items() if not _LATER.fullmatch(name)}
    return {**known, **_OPEN, "volume": 0, "liquidity": 0}
