"""Every public method of the official SDK, as one call each with what its answer must be.

Runs in the SDK's own environment, where it is driven by `drive_official_sdk.py`, so it imports nothing of polydesk, and
nothing of the SDK either: the tests read the names here. A call works with the async and with the sync client.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

SLUG = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
BUILDER = "0x" + "11" * 32
EVENT_TIMEOUT_S = 15

ON_CHAIN = "sends transactions on chain through the relayer or a node, and the exchange is neither"
PERPS = "perpetuals are another venue"
COMBOS = "combos are quoted by another service"
NOT_APPLICABLE = {
    "accept_combo_quote": COMBOS,
    "approve_erc1155_for_all": ON_CHAIN,
    "approve_erc20": ON_CHAIN,
    "authorize_session_key": ON_CHAIN,
    "deposit_to_perps": PERPS,
    "execute_collateral_return_plan": COMBOS,
    "execute_transaction": ON_CHAIN,
    "fetch_perps_book": PERPS,
    "fetch_perps_builder_status": PERPS,
    "fetch_perps_fees": PERPS,
    "fetch_perps_instruments": PERPS,
    "fetch_perps_position_snapshots": PERPS,
    "fetch_perps_registration": PERPS,
    "fetch_perps_ticker": PERPS,
    "fetch_perps_tickers": PERPS,
    "fetch_rfq_status": COMBOS,
    "fetch_session_keys": ON_CHAIN,
    "is_gasless_ready": ON_CHAIN,
    "list_combo_markets": COMBOS,
    "list_perps_candles": PERPS,
    "list_perps_funding_history": PERPS,
    "list_perps_trades": PERPS,
    "merge_multiple_positions": ON_CHAIN,
    "merge_positions": ON_CHAIN,
    "open_perps_session": PERPS,
    "open_rfq_session": COMBOS,
    "plan_collateral_return": COMBOS,
    "redeem_positions": ON_CHAIN,
    "request_combo_quote": COMBOS,
    "revoke_perps_credentials": PERPS,
    "revoke_session_key": ON_CHAIN,
    "setup_gasless_wallet": ON_CHAIN,
    "setup_trading_approvals": ON_CHAIN,
    "split_position": ON_CHAIN,
    "transfer_erc20": ON_CHAIN,
    "wait_for_combo_fill": COMBOS,
    "withdraw_from_perps": PERPS,
}
ASYNC_ONLY = {"subscribe"}


@dataclass
class Scene:
    """What the calls share. `log_in` makes one more client of the same kind, with an API key of its own."""

    client: Any
    log_in: Callable[..., Awaitable[Any]]
    price_request: Callable[..., Any]
    market_spec: Callable[..., Any]
    user_spec: Callable[..., Any]
    market: Any = None
    yes: str = ""
    no: str = ""
    event_id: str = ""
    tag_id: str = ""
    tag_slug: str = ""
    resting: list[str] = field(default_factory=list)
    taken: Any = None
    builder_key: Any = None
    today: str = ""
    notified: list[int] = field(default_factory=list)

    async def best(self) -> tuple[Decimal, Decimal]:
        book = await done(self.client.get_order_book(token_id=self.yes))
        return book.bids[-1].price, book.asks[-1].price

    async def low(self) -> Decimal:
        return (await self.best())[0] - Decimal("0.02")

    async def rest(self, size: int = 10) -> str:
        order = await done(
            self.client.place_limit_order(token_id=self.yes, price=await self.low(), size=size, side="BUY")
        )
        assert (order.ok, order.status) == (True, "live"), order
        return str(order.order_id)


async def done(value: Any) -> Any:
    """The result of a call, of either client."""
    return await value if inspect.isawaitable(value) else value


async def items(paginator: Any) -> tuple[Any, ...]:
    return tuple((await done(paginator.first_page())).items)


Call = Callable[[Any, Scene], Awaitable[None]]
CALLS: dict[str, Call] = {}


def call(function: Call) -> Call:
    CALLS[function.__name__] = function
    return function


# -- who is asking -----------------------------------------------------------------------------------------------------


@call
async def create(client: Any, scene: Scene) -> None:
    assert client.credentials.key


@call
async def environment(client: Any, scene: Scene) -> None:
    assert client.environment.name == "polydesk"


@call
async def credentials(client: Any, scene: Scene) -> None:
    assert len(client.credentials.key) == 36


@call
async def signer(client: Any, scene: Scene) -> None:
    assert client.signer.lower() == client.wallet.lower()


@call
async def wallet(client: Any, scene: Scene) -> None:
    assert len(client.wallet) == 42


@call
async def wallet_type(client: Any, scene: Scene) -> None:
    assert client.wallet_type == "EOA"


@call
async def fetch_api_keys(client: Any, scene: Scene) -> None:
    assert client.credentials.key in await done(client.fetch_api_keys())


@call
async def get_closed_only_mode(client: Any, scene: Scene) -> None:
    answer = await done(client.get_closed_only_mode())
    assert not getattr(answer, "closed_only", answer)


@call
async def get_balance_allowance(client: Any, scene: Scene) -> None:
    answer = await done(client.get_balance_allowance(asset_type="COLLATERAL"))
    assert answer.balance == 1_000_000_000
    assert len(answer.allowances) == 3


@call
async def get_trading_approvals_state(client: Any, scene: Scene) -> None:
    state = await done(client.get_trading_approvals_state())
    assert not state.missing.erc20 and not state.missing.erc1155


# -- the catalogue -----------------------------------------------------------------------------------------------------


@call
async def get_market(client: Any, scene: Scene) -> None:
    market = await done(client.get_market(slug=SLUG))
    scene.market, scene.yes, scene.no = market, market.outcomes.yes.token_id, market.outcomes.no.token_id
    assert (await done(client.get_market(id=market.id))).condition_id == market.condition_id


@call
async def list_markets(client: Any, scene: Scene) -> None:
    found = await items(client.list_markets(condition_ids=[scene.market.condition_id]))
    assert [market.slug for market in found] == [SLUG]
    assert len(await items(client.list_markets(page_size=3))) == 3


@call
async def get_market_tags(client: Any, scene: Scene) -> None:
    assert await done(client.get_market_tags(scene.market.id))


@call
async def list_events(client: Any, scene: Scene) -> None:
    events = await items(client.list_events())
    event = next(event for event in events if any(market.slug == SLUG for market in event.markets))
    scene.event_id = event.id


@call
async def get_event(client: Any, scene: Scene) -> None:
    event = await done(client.get_event(id=scene.event_id))
    assert event.id == scene.event_id
    assert (await done(client.get_event(slug=event.slug))).id == event.id


@call
async def get_event_tags(client: Any, scene: Scene) -> None:
    tags = await done(client.get_event_tags(scene.event_id))
    scene.tag_id, scene.tag_slug = tags[0].id, tags[0].slug


@call
async def get_event_live_volume(client: Any, scene: Scene) -> None:
    volume = await done(client.get_event_live_volume(event_ids=int(scene.event_id)))
    assert len(volume.markets) > 1


@call
async def list_tags(client: Any, scene: Scene) -> None:
    assert scene.tag_id in {tag.id for tag in await items(client.list_tags())}


@call
async def get_tag(client: Any, scene: Scene) -> None:
    assert (await done(client.get_tag(slug=scene.tag_slug))).id == scene.tag_id


@call
async def get_related_tags(client: Any, scene: Scene) -> None:
    assert await done(client.get_related_tags(id=scene.tag_id))


@call
async def get_related_tag_resources(client: Any, scene: Scene) -> None:
    assert await done(client.get_related_tag_resources(slug=scene.tag_slug))


@call
async def list_series(client: Any, scene: Scene) -> None:
    series = await items(client.list_series())
    assert series and (await done(client.get_series(series[0].id))).slug == series[0].slug


@call
async def get_series(client: Any, scene: Scene) -> None:
    first = (await items(client.list_series()))[0]
    assert (await done(client.get_series(first.id))).id == first.id


@call
async def get_sports(client: Any, scene: Scene) -> None:
    assert isinstance(await done(client.get_sports()), tuple)


@call
async def get_sports_market_types(client: Any, scene: Scene) -> None:
    assert (await done(client.get_sports_market_types())).market_types == ()


@call
async def list_teams(client: Any, scene: Scene) -> None:
    assert await items(client.list_teams()) == ()


@call
async def list_comments(client: Any, scene: Scene) -> None:
    assert await items(client.list_comments(parent_entity_id=scene.event_id, parent_entity_type="Event")) == ()


@call
async def list_comments_by_user_address(client: Any, scene: Scene) -> None:
    assert await items(client.list_comments_by_user_address(address=client.wallet)) == ()


@call
async def get_comment_thread(client: Any, scene: Scene) -> None:
    assert await done(client.get_comment_thread("1")) == ()


@call
async def get_public_profile(client: Any, scene: Scene) -> None:
    assert (await done(client.get_public_profile(client.wallet))).wallet.lower() == client.wallet.lower()
    assert await done(client.get_public_profile("0x" + "12" * 20)) is None


@call
async def search(client: Any, scene: Scene) -> None:
    (page,) = [await done(client.search(q="fed").first_page())]
    found = page.items[0] if isinstance(page.items, tuple | list) else page.items
    assert found.events


# -- books and prices --------------------------------------------------------------------------------------------------


@call
async def get_order_book(client: Any, scene: Scene) -> None:
    book = await done(client.get_order_book(token_id=scene.yes))
    assert 0 < book.bids[-1].price < book.asks[-1].price < 1
    assert book.tick_size == scene.market.trading.minimum_tick_size


@call
async def get_order_books(client: Any, scene: Scene) -> None:
    yes, no = await done(client.get_order_books(token_ids=[scene.yes, scene.no]))
    assert yes.bids[-1].price == 1 - no.asks[-1].price


@call
async def get_price(client: Any, scene: Scene) -> None:
    bid, ask = await scene.best()
    assert await done(client.get_price(token_id=scene.yes, side="BUY")) == bid
    assert await done(client.get_price(token_id=scene.yes, side="SELL")) == ask


@call
async def get_prices(client: Any, scene: Scene) -> None:
    prices = await done(client.get_prices(requests=[scene.price_request(asset_id=scene.yes, side="BUY")]))
    assert prices[scene.yes]["BUY"] == (await scene.best())[0]


@call
async def get_midpoint(client: Any, scene: Scene) -> None:
    assert await done(client.get_midpoint(token_id=scene.yes)) == sum(await scene.best()) / 2


@call
async def get_midpoints(client: Any, scene: Scene) -> None:
    midpoints = await done(client.get_midpoints(token_ids=[scene.yes, scene.no]))
    assert midpoints[scene.yes] + midpoints[scene.no] == 1


@call
async def get_spread(client: Any, scene: Scene) -> None:
    bid, ask = await scene.best()
    assert await done(client.get_spread(token_id=scene.yes)) == ask - bid


@call
async def get_spreads(client: Any, scene: Scene) -> None:
    spreads = await done(client.get_spreads(token_ids=[scene.yes, scene.no]))
    assert spreads[scene.yes] == spreads[scene.no]


@call
async def get_last_trade_price(client: Any, scene: Scene) -> None:
    assert 0 < (await done(client.get_last_trade_price(token_id=scene.yes))).price < 1


@call
async def get_last_trade_prices(client: Any, scene: Scene) -> None:
    prices = await done(client.get_last_trade_prices(token_ids=[scene.yes]))
    assert [each.token_id for each in prices] == [scene.yes]


@call
async def estimate_market_price(client: Any, scene: Scene) -> None:
    _, ask = await scene.best()
    assert await done(client.estimate_market_price(token_id=scene.yes, side="BUY", amount=5)) == ask


@call
async def list_price_history(client: Any, scene: Scene) -> None:
    for window in ({"interval": "1d"}, {"as_of": 1_779_000_000}, {"interval": "max", "bucket_seconds": 3600}):
        points = await items(client.list_price_history(asset_id=scene.yes, **window))
        assert points and all(0 < point.price < 1 for point in points)


# -- orders ------------------------------------------------------------------------------------------------------------


@call
async def place_limit_order(client: Any, scene: Scene) -> None:
    scene.resting.append(await scene.rest())
    _, ask = await scene.best()
    try:
        answer = await done(
            client.place_limit_order(token_id=scene.yes, price=ask, size=10, side="BUY", post_only=True)
        )
    except Exception as error:
        assert "crosses book" in str(error)
    else:
        raise AssertionError(f"a post-only order that crosses was answered {answer}")


@call
async def create_limit_order(client: Any, scene: Scene) -> None:
    order = client.create_limit_order(token_id=scene.yes, price=await scene.low(), size=7, side="BUY")
    signed = await done(order)
    answer = await done(client.post_order(signed))
    assert (answer.ok, answer.status) == (True, "live")
    scene.resting.append(answer.order_id)


@call
async def post_order(client: Any, scene: Scene) -> None:
    order = client.create_limit_order(
        token_id=scene.no, price="0.001", size=20, side="BUY", expiration=4_000_000_000, builder_code=BUILDER
    )
    answer = await done(client.post_order(await done(order)))
    assert answer.ok
    scene.resting.append(answer.order_id)


@call
async def post_orders(client: Any, scene: Scene) -> None:
    low = await scene.low()
    signed = [
        await done(client.create_limit_order(token_id=scene.yes, price=low, size=size, side="BUY"))
        for size in (6, 900_000)
    ]
    accepted, refused = await done(client.post_orders(signed))
    assert (accepted.ok, refused.ok) == (True, False)
    assert "not enough balance" in refused.message
    scene.resting.append(accepted.order_id)


@call
async def get_order(client: Any, scene: Scene) -> None:
    order = await done(client.get_order(order_id=scene.resting[0]))
    assert (order.status, order.original_size, order.side) == ("LIVE", 10, "BUY")


@call
async def list_open_orders(client: Any, scene: Scene) -> None:
    listed = await items(client.list_open_orders())
    assert [order.id for order in listed] == scene.resting
    assert len(await items(client.list_open_orders(token_id=scene.no))) == 1


@call
async def get_order_scoring(client: Any, scene: Scene) -> None:
    assert await done(client.get_order_scoring(order_id=scene.resting[0])) in (True, False)


@call
async def get_orders_scoring(client: Any, scene: Scene) -> None:
    assert set(await done(client.get_orders_scoring(order_ids=scene.resting))) == set(scene.resting)


@call
async def send_order_heartbeat(client: Any, scene: Scene) -> None:
    first = await done(client.send_order_heartbeat())
    assert (await done(client.send_order_heartbeat(heartbeat_id=first.heartbeat_id))).heartbeat_id


@call
async def cancel_order(client: Any, scene: Scene) -> None:
    order_id = scene.resting.pop()
    answer = await done(client.cancel_order(order_id=order_id))
    assert (tuple(answer.canceled), dict(answer.not_canceled)) == ((order_id,), {})


@call
async def cancel_orders(client: Any, scene: Scene) -> None:
    order_id, unknown = scene.resting.pop(), "0x" + "ab" * 32
    answer = await done(client.cancel_orders(order_ids=[order_id, unknown]))
    assert tuple(answer.canceled) == (order_id,)
    assert set(answer.not_canceled) == {unknown}


@call
async def cancel_market_orders(client: Any, scene: Scene) -> None:
    answer = await done(client.cancel_market_orders(market=scene.market.condition_id))
    assert set(answer.canceled) == set(scene.resting)
    scene.resting.clear()


@call
async def cancel_all(client: Any, scene: Scene) -> None:
    order_id = await scene.rest()
    assert tuple((await done(client.cancel_all())).canceled) == (order_id,)
    assert await items(client.list_open_orders()) == ()


@call
async def create_market_order(client: Any, scene: Scene) -> None:
    signed = await done(client.create_market_order(token_id=scene.yes, side="BUY", amount=5, order_type="FOK"))
    answer = await done(client.post_order(signed))
    assert (answer.ok, answer.status, answer.making_amount) == (True, "matched", 5)


@call
async def place_market_order(client: Any, scene: Scene) -> None:
    scene.taken = await done(client.place_market_order(token_id=scene.yes, side="BUY", amount=20, builder_code=BUILDER))
    assert (scene.taken.ok, scene.taken.status, scene.taken.making_amount) == (True, "matched", 20)
    assert scene.taken.trade_ids


@call
async def wait_for_order_fill_settlement(client: Any, scene: Scene) -> None:
    hashes = await done(client.wait_for_order_fill_settlement(scene.taken))
    assert len(hashes) == len(scene.taken.trade_ids)
    sold = await done(client.place_market_order(token_id=scene.yes, side="SELL", shares=10))
    assert (sold.ok, sold.status, sold.making_amount) == (True, "matched", 10)
    await done(client.wait_for_order_fill_settlement(sold))


@call
async def subscribe(client: Any, scene: Scene) -> None:
    specs = scene.market_spec(token_ids=[scene.yes]), scene.user_spec()
    async with watched(client, specs[0]) as market_event, watched(client, specs[1]) as user_event:
        book = await market_event(lambda event: event.type == "book")
        assert book.payload.asks[-1].price == (await scene.best())[1]
        order_id = await scene.rest()
        changed = await market_event(lambda event: event.type == "price_change")
        assert await scene.low() in [each.price for each in changed.payload.price_changes]
        placed = await user_event(lambda event: event.type == "order")
        assert (placed.payload.id, placed.payload.order_event_type) == (order_id, "PLACEMENT")
        await done(client.cancel_order(order_id=order_id))
        taken = await done(client.place_market_order(token_id=scene.yes, side="BUY", amount=2))
        traded = await user_event(lambda event: event.type == "trade")
        assert (traded.payload.taker_order_id, traded.payload.status) == (taken.order_id, "MATCHED")
        mined = await user_event(lambda event: event.type == "trade" and event.payload.status == "MINED")
        assert mined.payload.id == traded.payload.id
        last = await market_event(lambda event: event.type == "last_trade_price")
        assert last.payload.size == taken.taking_amount
        await done(client.wait_for_order_fill_settlement(taken))


# -- records -----------------------------------------------------------------------------------------------------------


@call
async def list_account_trades(client: Any, scene: Scene) -> None:
    trades = await items(client.list_account_trades())
    assert scene.taken.order_id in {trade.taker_order_id for trade in trades}
    assert {trade.status for trade in trades} == {"CONFIRMED"}


@call
async def list_positions(client: Any, scene: Scene) -> None:
    (position,) = await items(client.list_positions())
    assert position.asset_id == scene.yes and position.current_size > 0


@call
async def list_trades(client: Any, scene: Scene) -> None:
    trades = await items(client.list_trades(user=client.wallet))
    assert {trade.asset_id for trade in trades} == {scene.yes}
    assert {trade.side for trade in trades} == {"BUY", "SELL"}


@call
async def list_activity(client: Any, scene: Scene) -> None:
    rows = await items(client.list_activity(user=client.wallet, activity_types=["TRADE"]))
    assert rows and {row.type for row in rows} == {"TRADE"}


@call
async def get_portfolio_value(client: Any, scene: Scene) -> None:
    assert (await done(client.get_portfolio_value(user=client.wallet))).value > 0


@call
async def get_user_stats(client: Any, scene: Scene) -> None:
    stats = await done(client.get_user_stats(user=client.wallet))
    assert (stats.traded_market_count, stats.wallet.lower()) == (1, client.wallet.lower())


@call
async def get_user_pnl(client: Any, scene: Scene) -> None:
    assert len((await done(client.get_user_pnl(user=client.wallet, interval="1w", fidelity="1d"))).points) == 1


@call
async def get_user_volume(client: Any, scene: Scene) -> None:
    volume = await done(client.get_user_volume(user=client.wallet, full_history=True))
    assert volume.trade_count >= 3 and volume.volume_usdc > 25


@call
async def get_open_interests(client: Any, scene: Scene) -> None:
    (row,) = await done(client.get_open_interests(condition_ids=scene.market.condition_id))
    assert row.condition_id == scene.market.condition_id


@call
async def list_market_holders(client: Any, scene: Scene) -> None:
    groups = await items(client.list_market_holders(condition_ids=scene.market.condition_id))
    assert client.wallet.lower() in {holder.wallet.lower() for group in groups for holder in group.holders}


@call
async def get_token_references(client: Any, scene: Scene) -> None:
    (row,) = await done(client.get_token_references(asset_ids=scene.yes))
    assert (row.condition_id, row.opposite_asset_id, row.resolved) == (scene.market.condition_id, scene.no, False)
    assert len(await done(client.get_token_references(condition_ids=scene.market.condition_id))) == 2


@call
async def get_resolutions(client: Any, scene: Scene) -> None:
    (row,) = await done(client.get_resolutions(condition_ids=scene.market.condition_id))
    assert row.condition_id == scene.market.condition_id


@call
async def list_trader_leaderboard(client: Any, scene: Scene) -> None:
    assert client.wallet.lower() in {row.wallet.lower() for row in await items(client.list_trader_leaderboard())}


@call
async def get_trader_leaderboard_standing(client: Any, scene: Scene) -> None:
    assert (await done(client.get_trader_leaderboard_standing(user=client.wallet))) is not None


@call
async def list_biggest_winners(client: Any, scene: Scene) -> None:
    assert await items(client.list_biggest_winners()) == ()


@call
async def download_accounting_snapshot(client: Any, scene: Scene) -> None:
    assert (await done(client.download_accounting_snapshot(user=client.wallet))).startswith(b"PK")


@call
async def list_combo_positions(client: Any, scene: Scene) -> None:
    assert await items(client.list_combo_positions(user=client.wallet)) == ()


@call
async def list_combo_activity(client: Any, scene: Scene) -> None:
    assert await items(client.list_combo_activity(user=client.wallet)) == ()


@call
async def get_notifications(client: Any, scene: Scene) -> None:
    notified = await done(client.get_notifications())
    assert {int(each.type) for each in notified} == {1, 2}
    scene.notified = [each.id for each in notified]


@call
async def drop_notifications(client: Any, scene: Scene) -> None:
    await done(client.drop_notifications(ids=scene.notified[1:]))
    assert [each.id for each in await done(client.get_notifications())] == scene.notified[:1]


# -- rewards -----------------------------------------------------------------------------------------------------------


@call
async def list_current_rewards(client: Any, scene: Scene) -> None:
    assert await items(client.list_current_rewards())


@call
async def list_market_rewards(client: Any, scene: Scene) -> None:
    condition_id = (await items(client.list_current_rewards()))[0].condition_id
    assert [row.condition_id for row in await items(client.list_market_rewards(condition_id=condition_id))] == [
        condition_id
    ]


@call
async def list_reward_markets(client: Any, scene: Scene) -> None:
    rows = await items(client.list_reward_markets(order_by="price", sort_direction="ASC"))
    prices = [row.tokens[0].price for row in rows]
    assert prices == sorted(prices) and prices


@call
async def get_reward_percentages(client: Any, scene: Scene) -> None:
    assert isinstance(await done(client.get_reward_percentages()), dict)


@call
async def list_user_earnings_for_day(client: Any, scene: Scene) -> None:
    assert await items(client.list_user_earnings_for_day(date=scene.today)) == ()


@call
async def get_total_earnings_for_user_for_day(client: Any, scene: Scene) -> None:
    assert await done(client.get_total_earnings_for_user_for_day(date=scene.today)) == ()


@call
async def list_user_earnings_and_markets_config(client: Any, scene: Scene) -> None:
    rows = await items(client.list_user_earnings_and_markets_config(date=scene.today))
    assert rows and all(row.earnings[0].earnings == 0 for row in rows)


@call
async def get_current_rebates(client: Any, scene: Scene) -> None:
    assert await done(client.get_current_rebates(date=scene.today, maker_address=client.wallet)) == ()


# -- builders ----------------------------------------------------------------------------------------------------------


@call
async def get_builder_fee_rates(client: Any, scene: Scene) -> None:
    rates = await done(client.get_builder_fee_rates(BUILDER))
    assert (rates.maker, rates.taker) == (0, 0)


@call
async def list_builder_trades(client: Any, scene: Scene) -> None:
    trades = await items(client.list_builder_trades(builder_code=BUILDER))
    assert scene.taken.order_id in {trade.taker_order_hash for trade in trades}


@call
async def list_builder_leaderboard(client: Any, scene: Scene) -> None:
    assert await items(client.list_builder_leaderboard()) == ()


@call
async def get_builder_volumes(client: Any, scene: Scene) -> None:
    assert await done(client.get_builder_volumes()) == ()


@call
async def create_builder_api_key(client: Any, scene: Scene) -> None:
    scene.builder_key = await done(client.create_builder_api_key())
    assert scene.builder_key.secret


@call
async def fetch_builder_api_keys(client: Any, scene: Scene) -> None:
    keys = await done(client.fetch_builder_api_keys())
    assert [(key.key, key.revoked_at) for key in keys] == [(scene.builder_key.key, None)]


@call
async def revoke_builder_api_key(client: Any, scene: Scene) -> None:
    other = await scene.log_in(nonce=1, api_key=scene.builder_key)
    await done(other.revoke_builder_api_key())
    (key,) = await done(client.fetch_builder_api_keys())
    assert key.revoked_at is not None
    await done(other.close())


# -- the end -----------------------------------------------------------------------------------------------------------


@call
async def delete_api_key(client: Any, scene: Scene) -> None:
    other = await scene.log_in(nonce=2)
    await done(other.delete_api_key())
    assert other.credentials.key not in await done(client.fetch_api_keys())
    await done(other.close())


@call
async def end_authentication(client: Any, scene: Scene) -> None:
    other = await scene.log_in(nonce=3)
    public = await done(other.end_authentication())
    assert await done(public.get_midpoint(token_id=scene.yes)) > 0
    await done(public.close())


@call
async def close(client: Any, scene: Scene) -> None:
    other = await scene.log_in(nonce=4)
    await done(other.close())


@asynccontextmanager
async def watched(client: Any, spec: Any) -> AsyncIterator[Callable[[Callable[[Any], bool]], Awaitable[Any]]]:
    """A stream, as a function that waits for the next event that fits."""
    async with await client.subscribe(spec) as events:

        async def next_event(fits: Callable[[Any], bool]) -> Any:
            async with asyncio.timeout(EVENT_TIMEOUT_S):
                async for event in events:
                    if fits(event):
                        return event
            raise AssertionError("the stream ended")

        yield next_event
