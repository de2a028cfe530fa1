"""Every public method of the V2 client, as one call each with what its answer must be.

Runs in that client's own environment, where it is driven by `drive_v2_client.py`; the tests read the names here, so
nothing but the standard library is imported at the top.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

SLUG = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
BUILDER = "0x" + "22" * 32
UNKNOWN = "0x" + "ab" * 32

NOT_APPLICABLE: dict[str, str] = {}


@dataclass
class Scene:
    """What the calls share. `types` is the module of the client's parameter types; `log_in` makes one more client."""

    types: Any
    log_in: Callable[[int], Any]
    today: str = field(default_factory=lambda: time.strftime("%Y-%m-%d", time.gmtime()))
    condition: str = ""
    yes: str = ""
    no: str = ""
    tick: float = 0.0
    order: Any = None
    resting: list[str] = field(default_factory=list)
    taken: Any = None
    readonly: str = ""
    notified: list[Any] = field(default_factory=list)

    def best(self, client: Any) -> tuple[float, float]:
        book = client.get_order_book(self.yes)
        return float(book["bids"][-1]["price"]), float(book["asks"][-1]["price"])

    def limit(self, client: Any, *, size: float = 10, side: str = "BUY") -> Any:
        return self.types.OrderArgs(
            token_id=self.yes, price=round(self.best(client)[0] - 20 * self.tick, 4), size=size, side=side
        )


Call = Callable[[Any, Scene], None]
CALLS: dict[str, Call] = {}


def call(function: Call) -> Call:
    CALLS[function.__name__] = function
    return function


# -- keys --------------------------------------------------------------------------------------------------------------


@call
def create_or_derive_api_key(client: Any, scene: Scene) -> None:
    client.set_api_creds(client.create_or_derive_api_key())
    assert client.creds.api_key


@call
def set_api_creds(client: Any, scene: Scene) -> None:
    client.set_api_creds(client.creds)
    assert client.get_api_keys()["apiKeys"] == [client.creds.api_key]


@call
def create_api_key(client: Any, scene: Scene) -> None:
    assert client.create_api_key(nonce=5).api_key != client.creds.api_key


@call
def derive_api_key(client: Any, scene: Scene) -> None:
    assert client.derive_api_key(nonce=5).api_key in client.get_api_keys()["apiKeys"]


@call
def get_api_keys(client: Any, scene: Scene) -> None:
    assert len(client.get_api_keys()["apiKeys"]) == 2


@call
def delete_api_key(client: Any, scene: Scene) -> None:
    other = scene.log_in(6)
    assert other.delete_api_key() == "OK"
    assert other.creds.api_key not in client.get_api_keys()["apiKeys"]


@call
def create_readonly_api_key(client: Any, scene: Scene) -> None:
    scene.readonly = client.create_readonly_api_key()["apiKey"]


@call
def get_readonly_api_keys(client: Any, scene: Scene) -> None:
    assert client.get_readonly_api_keys()["readonlyApiKeys"] == [scene.readonly]


@call
def delete_readonly_api_key(client: Any, scene: Scene) -> None:
    client.delete_readonly_api_key(scene.readonly)
    assert client.get_readonly_api_keys()["readonlyApiKeys"] == []


@call
def assert_level_1_auth(client: Any, scene: Scene) -> None:
    client.assert_level_1_auth()


@call
def assert_level_2_auth(client: Any, scene: Scene) -> None:
    client.assert_level_2_auth()


@call
def get_address(client: Any, scene: Scene) -> None:
    assert len(client.get_address()) == 42


@call
def get_closed_only_mode(client: Any, scene: Scene) -> None:
    assert client.get_closed_only_mode() == {"closed_only": False}


# -- markets -----------------------------------------------------------------------------------------------------------


@call
def get_ok(client: Any, scene: Scene) -> None:
    assert client.get_ok() == "OK"


@call
def get_server_time(client: Any, scene: Scene) -> None:
    assert isinstance(client.get_server_time(), int)


@call
def get_version(client: Any, scene: Scene) -> None:
    assert client.get_version() == 2


@call
def get_markets(client: Any, scene: Scene) -> None:
    page = client.get_markets()
    market = next(market for market in page["data"] if market["market_slug"] == SLUG)
    scene.condition = market["condition_id"]
    scene.yes, scene.no = (token["token_id"] for token in market["tokens"])
    assert page["next_cursor"] == "LTE="


@call
def get_market(client: Any, scene: Scene) -> None:
    assert client.get_market(scene.condition)["market_slug"] == SLUG


@call
def get_simplified_markets(client: Any, scene: Scene) -> None:
    assert scene.condition in {market["condition_id"] for market in client.get_simplified_markets()["data"]}


@call
def get_sampling_markets(client: Any, scene: Scene) -> None:
    assert client.get_sampling_markets()["data"]


@call
def get_sampling_simplified_markets(client: Any, scene: Scene) -> None:
    assert client.get_sampling_simplified_markets()["data"]


@call
def get_clob_market_info(client: Any, scene: Scene) -> None:
    assert [token["t"] for token in client.get_clob_market_info(scene.condition)["t"]] == [scene.yes, scene.no]


@call
def get_tick_size(client: Any, scene: Scene) -> None:
    scene.tick = float(client.get_tick_size(scene.yes))
    assert scene.tick in (0.01, 0.001)


@call
def get_neg_risk(client: Any, scene: Scene) -> None:
    assert client.get_neg_risk(scene.yes) is True


@call
def get_fee_rate_bps(client: Any, scene: Scene) -> None:
    assert client.get_fee_rate_bps(scene.yes) in (0, 1000)


@call
def get_fee_exponent(client: Any, scene: Scene) -> None:
    assert client.get_fee_exponent(scene.yes) in (0, 1)


# -- books and prices --------------------------------------------------------------------------------------------------


@call
def get_order_book(client: Any, scene: Scene) -> None:
    bid, ask = scene.best(client)
    assert 0 < bid < ask < 1


@call
def get_order_book_hash(client: Any, scene: Scene) -> None:
    from py_clob_client_v2.clob_types import OrderBookSummary, OrderSummary

    book = client.get_order_book(scene.yes)
    sides = {side: [OrderSummary(**level) for level in book[side]] for side in ("bids", "asks")}
    assert client.get_order_book_hash(OrderBookSummary(**{**book, **sides})) == book["hash"]


@call
def get_order_books(client: Any, scene: Scene) -> None:
    books = client.get_order_books([scene.types.BookParams(token_id=token) for token in (scene.yes, scene.no)])
    assert [book["asset_id"] for book in books] == [scene.yes, scene.no]


@call
def get_price(client: Any, scene: Scene) -> None:
    assert float(client.get_price(scene.yes, "BUY")["price"]) == scene.best(client)[0]


@call
def get_prices(client: Any, scene: Scene) -> None:
    prices = client.get_prices([scene.types.BookParams(token_id=scene.yes, side="SELL")])
    assert float(prices[scene.yes]["SELL"]) == scene.best(client)[1]


@call
def get_midpoint(client: Any, scene: Scene) -> None:
    assert 0 < float(client.get_midpoint(scene.yes)["mid"]) < 1


@call
def get_midpoints(client: Any, scene: Scene) -> None:
    assert set(client.get_midpoints([scene.types.BookParams(token_id=scene.yes)])) == {scene.yes}


@call
def get_spread(client: Any, scene: Scene) -> None:
    assert float(client.get_spread(scene.yes)["spread"]) > 0


@call
def get_spreads(client: Any, scene: Scene) -> None:
    assert set(client.get_spreads([scene.types.BookParams(token_id=scene.no)])) == {scene.no}


@call
def get_last_trade_price(client: Any, scene: Scene) -> None:
    assert 0 < float(client.get_last_trade_price(scene.yes)["price"]) < 1


@call
def get_last_trades_prices(client: Any, scene: Scene) -> None:
    (row,) = client.get_last_trades_prices([scene.types.BookParams(token_id=scene.yes)])
    assert row["token_id"] == scene.yes


@call
def get_prices_history(client: Any, scene: Scene) -> None:
    params = scene.types.PricesHistoryParams(market=scene.yes, interval="1d", fidelity=10)
    assert client.get_prices_history(params)["history"]


@call
def calculate_market_price(client: Any, scene: Scene) -> None:
    assert client.calculate_market_price(scene.yes, "BUY", 5, "FOK") == scene.best(client)[1]


# -- orders ------------------------------------------------------------------------------------------------------------


@call
def create_order(client: Any, scene: Scene) -> None:
    scene.order = client.create_order(scene.limit(client))
    assert scene.order.signature.startswith("0x")


@call
def post_order(client: Any, scene: Scene) -> None:
    answer = client.post_order(scene.order, "GTC", post_only=True)
    assert (answer["success"], answer["status"]) == (True, "live")
    scene.resting.append(answer["orderID"])


@call
def create_and_post_order(client: Any, scene: Scene) -> None:
    args = scene.limit(client)
    args.builder_code = BUILDER
    answer = client.create_and_post_order(args)
    assert answer["status"] == "live"
    scene.resting.append(answer["orderID"])


@call
def post_orders(client: Any, scene: Scene) -> None:
    from py_clob_client_v2.clob_types import PostOrdersV2Args

    signed = [client.create_order(scene.limit(client, size=size)) for size in (6, 900_000)]
    accepted, refused = client.post_orders([PostOrdersV2Args(order=each, orderType="GTC") for each in signed])
    assert accepted["status"] == "live"
    assert "not enough balance" in refused["errorMsg"]
    scene.resting.append(accepted["orderID"])


@call
def get_order(client: Any, scene: Scene) -> None:
    assert client.get_order(scene.resting[0])["status"] == "LIVE"


@call
def get_open_orders(client: Any, scene: Scene) -> None:
    assert [order["id"] for order in client.get_open_orders()] == scene.resting


@call
def get_pre_migration_orders(client: Any, scene: Scene) -> None:
    assert client.get_pre_migration_orders() == []


@call
def is_order_scoring(client: Any, scene: Scene) -> None:
    assert set(client.is_order_scoring(scene.types.OrderScoringParams(orderId=scene.resting[0]))) == {"scoring"}


@call
def are_orders_scoring(client: Any, scene: Scene) -> None:
    assert set(client.are_orders_scoring(scene.types.OrdersScoringParams(orderIds=scene.resting))) == set(scene.resting)


@call
def post_heartbeat(client: Any, scene: Scene) -> None:
    beat = client.post_heartbeat("")
    assert client.post_heartbeat(beat["heartbeat_id"])["heartbeat_id"]


@call
def cancel_order(client: Any, scene: Scene) -> None:
    order_id = scene.resting.pop()
    answer = client.cancel_order(scene.types.OrderPayload(orderID=order_id))
    assert answer == {"canceled": [order_id], "not_canceled": {}}


@call
def cancel_orders(client: Any, scene: Scene) -> None:
    order_id = scene.resting.pop()
    answer = client.cancel_orders([order_id, UNKNOWN])
    assert (answer["canceled"], set(answer["not_canceled"])) == ([order_id], {UNKNOWN})


@call
def cancel_market_orders(client: Any, scene: Scene) -> None:
    answer = client.cancel_market_orders(scene.types.OrderMarketCancelParams(market=scene.condition))
    assert answer["canceled"] == scene.resting
    scene.resting.clear()


@call
def cancel_all(client: Any, scene: Scene) -> None:
    order_id = client.create_and_post_order(scene.limit(client))["orderID"]
    assert client.cancel_all()["canceled"] == [order_id]


@call
def create_market_order(client: Any, scene: Scene) -> None:
    args = scene.types.MarketOrderArgs(token_id=scene.yes, amount=5, side="BUY", order_type="FOK")
    answer = client.post_order(client.create_market_order(args), "FOK")
    assert (answer["status"], answer["makingAmount"]) == ("matched", "5")


@call
def create_and_post_market_order(client: Any, scene: Scene) -> None:
    args = scene.types.MarketOrderArgs(
        token_id=scene.yes, amount=20, side="BUY", order_type="FAK", builder_code=BUILDER
    )
    scene.taken = client.create_and_post_market_order(args, order_type="FAK")
    assert (scene.taken["status"], scene.taken["makingAmount"]) == ("matched", "20")
    assert scene.taken["transactionsHashes"], "the client waits for the settlement"


# -- records -----------------------------------------------------------------------------------------------------------


@call
def get_trades(client: Any, scene: Scene) -> None:
    assert scene.taken["orderID"] in {trade["taker_order_id"] for trade in client.get_trades()}


@call
def get_trades_paginated(client: Any, scene: Scene) -> None:
    page = client.get_trades_paginated(scene.types.TradeParams(market=scene.condition))
    assert len(page["trades"]) == page["count"] >= 2


@call
def get_market_trades_events(client: Any, scene: Scene) -> None:
    rows = client.get_market_trades_events(scene.condition)
    assert {row["market"]["condition_id"] for row in rows} == {scene.condition}


@call
def get_balance_allowance(client: Any, scene: Scene) -> None:
    params = scene.types.BalanceAllowanceParams(asset_type="CONDITIONAL", token_id=scene.yes)
    assert int(client.get_balance_allowance(params)["balance"]) > 0


@call
def update_balance_allowance(client: Any, scene: Scene) -> None:
    client.update_balance_allowance(scene.types.BalanceAllowanceParams(asset_type="COLLATERAL"))


@call
def get_notifications(client: Any, scene: Scene) -> None:
    scene.notified = client.get_notifications()
    assert {row["type"] for row in scene.notified} == {1, 2}


@call
def drop_notifications(client: Any, scene: Scene) -> None:
    client.drop_notifications(scene.types.DropNotificationParams(ids=[str(row["id"]) for row in scene.notified]))
    assert client.get_notifications() == []


# -- rewards and builders ----------------------------------------------------------------------------------------------


@call
def get_current_rewards(client: Any, scene: Scene) -> None:
    assert client.get_current_rewards()


@call
def get_raw_rewards_for_market(client: Any, scene: Scene) -> None:
    condition = client.get_current_rewards()[0]["condition_id"]
    assert [row["condition_id"] for row in client.get_raw_rewards_for_market(condition)] == [condition]


@call
def get_reward_percentages(client: Any, scene: Scene) -> None:
    assert isinstance(client.get_reward_percentages(), dict)


@call
def get_earnings_for_user_for_day(client: Any, scene: Scene) -> None:
    assert client.get_earnings_for_user_for_day(scene.today) == []


@call
def get_total_earnings_for_user_for_day(client: Any, scene: Scene) -> None:
    assert client.get_total_earnings_for_user_for_day(scene.today) == []


@call
def get_user_earnings_and_markets_config(client: Any, scene: Scene) -> None:
    assert client.get_user_earnings_and_markets_config(scene.today)


@call
def create_builder_api_key(client: Any, scene: Scene) -> None:
    assert set(client.create_builder_api_key()) == {"key", "secret", "passphrase"}


@call
def get_builder_api_keys(client: Any, scene: Scene) -> None:
    assert len(client.get_builder_api_keys()) == 1


@call
def revoke_builder_api_key(client: Any, scene: Scene) -> None:
    assert client.revoke_builder_api_key() == "OK"
    assert client.get_builder_api_keys()[0]["revokedAt"] is not None


@call
def get_builder_trades(client: Any, scene: Scene) -> None:
    page = client.get_builder_trades(scene.types.BuilderTradeParams(builder_code=BUILDER))
    assert [trade["takerOrderHash"] for trade in page["trades"]] == [scene.taken["orderID"]]
