"""Frames that the WebSocket services expect from a client, and the difference between two subscriptions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
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
"""What the market and user channels are sent, and answer."""

VENUE_PING = "ping"
VENUE_PONG = "pong"
"""What the sports channel is documented to send, and expects as the answer."""


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """What to ask for so that one set of ids becomes another."""

    subscribe: tuple[str, ...]
    unsubscribe: tuple[str, ...]


def reference_prices_hello(symbols: Iterable[str]) -> str:
    """The first frame to the real-time data service: prices of coins, spelled as there ("btcusdt")."""
    wanted = {"topic": "crypto_prices", "type": "update", "filters": ",".join(symbols)}
    return json.dumps({"action": "subscribe", "subscriptions": [wanted]})


def difference(current: Collection[str], wanted: Iterable[str]) -> SubscriptionChange:
    """Both lists are sorted, so equal wishes make equal frames."""
    have, want = set(current), set(wanted)
    return SubscriptionChange(tuple(sorted(want - have)), tuple(sorted(have - want)))


def rebalance(
    shards: Sequence[Collection[TokenId]], wanted: Collection[TokenId], *, limit: int = TOKENS_PER_CONNECTION
) -> list[set[TokenId]]:
    """Which connection follows which of the `wanted` tokens; the n-th set belongs to the n-th connection.

    A token stays where it is as long as the number of connections is the smallest possible, because moving it costs a
    new first book. Empty sets are connections to close; sets beyond the given ones are connections to open.
    """
    balanced = [set(shard).intersection(wanted) for shard in shards]
    needed = -(-len(wanted) // limit)
    used = sorted((index for index in range(len(balanced)) if balanced[index]), key=lambda index: len(balanced[index]))
    for index in used[: max(0, len(used) - needed)]:
        balanced[index].clear()
    homeless = sorted(set(wanted).difference(*balanced))
    for shard in [*filter(None, balanced), *(shard for shard in balanced if not shard)]:
        room = limit - len(shard)
        shard.update(homeless[:room])
        homeless = homeless[room:]
    balanced += [set(homeless[start : start + limit]) for start in range(0, len(homeless), limit)]
    return balanced


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
