"""The kinds of object on the venue's wire: how each is recognised, and which parser of the client reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from ..errors import UnexpectedPayload
from ..identifiers import ConditionId, TokenId
from .rejections import order_error
from .wire import (
    account,
    catalogue,
    data_api,
    data_api_v1,
    data_statistics,
    market_data,
    orders,
    price_series,
    rewards,
    subjects,
    trades,
)
from .wire.fields import Shape, Text, member, number_at, read_shape
from .wire.stream_frames import parse_market_event, parse_user_event
from .wire.stream_reference_prices import parse_reference_prices

Reader = Callable[[Any, datetime], object]

_MARKET_EVENTS = (
    "book",
    "price_change",
    "last_trade_price",
    "tick_size_change",
    "best_bid_ask",
    "new_market",
    "market_resolved",
)
_ORDER_EVENTS = ("PLACEMENT", "UPDATE", "CANCELLATION")


@dataclass(frozen=True, slots=True)
class Kind:
    """`keys` are those an object of this kind has, `without` those it has not; `test` decides where keys do not.

    Kinds that are `whole` are read as they were sent, even when they look like a page of rows.
    """

    name: str
    read: Reader
    keys: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    test: Callable[[Mapping[str, Any]], bool] | None = None
    whole: bool = False

    def matches(self, item: Mapping[str, Any]) -> bool:
        return (
            all(key in item for key in self.keys)
            and not any(key in item for key in self.without)
            and (self.test is None or self.test(item))
        )


def kind_of(item: object) -> Kind | None:
    """What an object is, None when it looks like nothing the client reads."""
    if not isinstance(item, dict):
        return None
    return next((kind for kind in KINDS.values() if kind.matches(item)), None)


class _SignedOrderShape(Shape):
    """What this client sends, read back."""

    salt: int
    maker: Text
    signer: Text
    tokenId: Text
    makerAmount: Text
    takerAmount: Text
    signature: Text


def _error(payload: Any, _: datetime) -> object:
    """A refusal is read when it has a text; the text need not be a known one."""
    return order_error(str(member(payload, "error")))


def _known_event(read: Reader) -> Reader:
    """The streams pass over events they do not know; here they are what has changed."""

    def read_known(item: Any, moment: datetime) -> object:
        event = read(item, moment)
        if event is None:
            raise UnexpectedPayload("event_type: not one the client knows", path="event_type")
        return event

    return read_known


def _in_data(read: Reader) -> Reader:
    """A reader of pages, for one row."""
    return lambda item, moment: _unwrapped(lambda: read({"data": [item]}, moment), "data.0")


def _in_list(read: Reader) -> Reader:
    """A reader of lists, for one row."""
    return lambda item, moment: _unwrapped(lambda: read([item], moment), "0")


def _unwrapped(read: Callable[[], object], prefix: str) -> object:
    try:
        return read()
    except UnexpectedPayload as error:
        path = error.path.removeprefix(prefix).lstrip(".")
        raise UnexpectedPayload(error.message.removeprefix(f"{prefix}."), path=path) from error


def _number(key: str) -> Reader:
    return lambda payload, _: number_at(payload, key)


def _is_user_event(item: Mapping[str, Any]) -> bool:
    return (
        item.get("event_type") in ("order", "trade")
        or item.get("type") in _ORDER_EVENTS
        or (item.get("type") == "TRADE" and "taker_order_id" in item)
    )


_ALL = (
    Kind(
        "market_event",
        _known_event(parse_market_event),
        test=lambda item: item.get("event_type") in _MARKET_EVENTS,
    ),
    Kind("user_event", _known_event(partial(parse_user_event, owners=())), test=_is_user_event),
    Kind("open_order", orders.parse_open_order, ("original_size", "asset_id")),
    Kind("trade", partial(trades.parse_trade, owners=()), ("taker_order_id",)),
    Kind("placement", orders.parse_placement, ("orderID", "success")),
    Kind("cancel", orders.parse_cancel, ("canceled",)),
    Kind("signed_order", lambda item, _: read_shape(_SignedOrderShape, item), ("makerAmount", "salt")),
    Kind("api_key", account.parse_api_key, ("apiKey", "secret")),
    Kind("balance", account.parse_token_balance, ("balance",)),
    Kind("book", market_data.parse_book, ("bids", "asks", "asset_id")),
    Kind(
        "price_history",
        partial(market_data.parse_price_history, token_id=TokenId("")),
        ("history",),
    ),
    Kind("midpoint", _number("mid"), ("mid",)),
    Kind("spread", _number("spread"), test=lambda item: item.keys() == {"spread"}),
    Kind("last_trade_price", market_data.parse_last_trade_price, test=lambda item: item.keys() == {"price", "side"}),
    Kind("price", _number("price"), test=lambda item: item.keys() == {"price"}),
    Kind("tick_size", _number("minimum_tick_size"), test=lambda item: item.keys() == {"minimum_tick_size"}),
    Kind("base_fee", market_data.parse_base_fee, ("base_fee",)),
    Kind("clob_market", partial(market_data.parse_clob_market, condition_id=ConditionId("")), ("t", "mts")),
    Kind("reward_programme", rewards.parse_reward_programme, ("rewards_config",)),
    Kind("reward_earning", _in_list(rewards.parse_reward_earnings), ("earnings", "asset_address")),
    Kind("listed_market", market_data.parse_listed_market, ("condition_id", "tokens")),
    Kind("position_v2", _in_data(data_api.parse_positions), ("current_size", "token_id")),
    Kind("activity_v2", _in_data(data_api.parse_activity), ("usdc_size", "type")),
    Kind("trade_v2", _in_data(data_api.parse_public_trades), ("token_id", "transaction_hash", "side")),
    Kind("price_point_v2", _in_data(price_series.parse_data_price_history), ("resolution_seconds",)),
    Kind("resolution_v2", _in_data(data_statistics.parse_resolutions), ("question_id", "log_index")),
    Kind("holders_v2", _in_data(data_statistics.parse_holders), ("token_id", "holders")),
    Kind("live_volume_v2", _in_data(data_statistics.parse_live_volume), ("taker_volume_total",)),
    Kind("standing_v2", _in_data(data_statistics.parse_leaderboard), ("pnl", "volume")),
    Kind("value_v2", _in_data(data_api.parse_value), ("value", "proxy_wallet")),
    Kind("open_interest_v2", _in_data(data_statistics.parse_open_interest), ("value", "condition_id")),
    Kind("activity_v1", _in_list(data_api_v1.parse_activity_v1), ("usdcSize", "proxyWallet")),
    Kind("trade_v1", _in_list(data_api_v1.parse_trades_v1), ("transactionHash", "asset")),
    Kind("position_v1", _in_list(data_api_v1.parse_positions_v1), ("avgPrice", "asset")),
    Kind("gamma_related_tag", _in_list(subjects.parse_related_tags), ("relatedTagID",)),
    Kind("gamma_comment", _in_list(subjects.parse_comments), ("parentEntityType",)),
    Kind("gamma_series", subjects.parse_series, ("seriesType", "title")),
    Kind("gamma_event", catalogue.parse_event, ("title", "slug"), ("conditionId",)),
    Kind("gamma_market", catalogue.parse_market, ("id", "outcomes", "question")),
    Kind("gamma_tag", catalogue.parse_tag, ("label", "slug")),
    Kind(
        "gamma_search",
        catalogue.parse_search_page,
        ("events",),
        test=lambda item: "pagination" in item or "hasMore" in item,
        whole=True,
    ),
    Kind(
        "reference_price",
        _known_event(lambda item, _: parse_reference_prices(item)),
        ("topic", "payload"),
        test=lambda item: item["topic"] == "crypto_prices",
        whole=True,
    ),
    Kind("error", _error, ("error",)),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind by name, in the order in which they are tried."""
