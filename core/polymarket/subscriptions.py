"""Frames that the two WebSocket channels expect from a client, and the difference between two subscriptions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import InputRejected
from ..identifiers import ConditionId, TokenId
from .credentials import ApiCredentials

Operation = Literal["subscribe", "unsubscribe"]

TOKENS_PER_CONNECTION = 500
"""The venue states no limit; beyond some seven hundred tokens it has been seen to send no first books."""

PING = "PING"
PONG = "PONG"


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """What to ask for so that one set of ids becomes another."""

    subscribe: tuple[str, ...]
    unsubscribe: tuple[str, ...]


def difference(current: Collection[str], wanted: Iterable[str]) -> SubscriptionChange:
    """Both lists are sorted, so equal wishes make equal frames."""
    have, want = set(current), set(wanted)
    return SubscriptionChange(tuple(sorted(want - have)), tuple(sorted(have - want)))


def check_token_count(token_ids: Collection[TokenId]) -> None:
    """Raises InputRejected for more tokens than one connection serves well."""
    if len(token_ids) > TOKENS_PER_CONNECTION:
        raise InputRejected(
            f"{len(token_ids)} tokens on one connection",
            code="too_many_tokens",
            fix=f"at most {TOKENS_PER_CONNECTION}; open more streams",
        )


def market_hello(token_ids: Collection[TokenId], *, custom_features: bool) -> str:
    """The first frame on the market channel. `custom_features` adds best_bid_ask, new_market, market_resolved."""
    return _frame({"type": "market", "assets_ids": sorted(token_ids), "custom_feature_enabled": custom_features})


def market_update(operation: Operation, token_ids: Collection[str], *, custom_features: bool) -> str:
    return _frame({"operation": operation, "assets_ids": sorted(token_ids), "custom_feature_enabled": custom_features})


def user_hello(credentials: ApiCredentials, condition_ids: Collection[ConditionId]) -> str:
    """The first frame on the user channel. Without condition ids it subscribes to all markets. It holds secrets."""
    frame: dict[str, Any] = {
        "type": "user",
        "auth": {
            "apiKey": credentials.key,
            "secret": credentials.secret,
            "passphrase": credentials.passphrase,
        },
    }
    if condition_ids:
        frame["markets"] = sorted(condition_ids)
    return _frame(frame)


def _frame(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"))
