"""Distinct types for the ids of Polymarket, so that a market cannot be passed where an outcome token is meant."""

from __future__ import annotations

import re
from typing import NewType

TokenId = NewType("TokenId", str)
"""One outcome's ERC-1155 id: a decimal uint256, as text."""

ConditionId = NewType("ConditionId", str)
"""One market on chain: 0x and 64 hex digits."""

MarketId = NewType("MarketId", str)
"""One market in Gamma: a short decimal number, as text."""

EventId = NewType("EventId", str)
"""One event in Gamma: a short decimal number, as text."""

Slug = NewType("Slug", str)

OrderId = NewType("OrderId", str)
"""The EIP-712 hash of a signed order, 0x and 64 hex digits: known before it is sent."""

TradeId = NewType("TradeId", str)

Address = NewType("Address", str)
"""A checksummed EVM address."""

_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


def is_hash32(text: str) -> bool:
    """Whether `text` has the form of a condition id or an order id."""
    return _HASH.fullmatch(text) is not None
