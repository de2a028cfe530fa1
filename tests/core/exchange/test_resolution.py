"""Markets are proposed, disputed and settled, one market of a neg-risk event wins at most, and wallets act on sets."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.gamma_objects import market_object
from polydesk.core.exchange.ledger import InsufficientFunds
from polydesk.core.exchange.position_operations import merge_positions, redeem_positions, split_position
from polydesk.core.exchange.rejections import Rejection
from polydesk.core.exchange.resolution import Resolutions
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro
from tests.core.exchange.conftest import recorded_market

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

EMPTY, RATES = "0x" + f"{11:064x}", "0x" + f"{21:064x}"
RATES_UP, RATES_SAME = "0x" + f"{22:064x}", "0x" + f"{23:064x}"


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    """The neg-risk event has three markets."""
    more = tuple(recorded_market(number, tick="0.001", neg_risk=True) for number in (22, 23))
    return dataclasses.replace(catalogue, markets=catalogue.markets + more)


@pytest.fixture
def oracle(exchange: Exchange) -> Resolutions:
    return Resolutions(exchange)


async def pass_time(exchange: Exchange, clock: ManualClock, seconds: float) -> None:
    await clock.advance(seconds)
    exchange.agenda.run_due()


def shown(exchange: Exchange, condition_id: str) -> dict[str, Any]:
    return market_object(exchange, exchange.markets.by_condition[condition_id])


async def test_a_proposal_that_nobody_disputes_settles(
    oracle: Resolutions, exchange: Exchange, floor: Floor, clock: ManualClock
) -> None:
    oracle.propose(EMPTY, 0)
    assert shown(exchange, EMPTY)["umaResolutionStatus"] == "proposed"
    assert floor.enter(floor.account("ann", dollars="5"), "BUY", "0.5", "10").status == "live"
    await pass_time(exchange, clock, 7199)
    assert not exchange.markets.by_condition[EMPTY].closed
    await pass_time(exchange, clock, 1)
    market = shown(exchange, EMPTY)
    assert (market["closed"], market["umaResolutionStatus"]) == (True, "resolved")
    assert json.loads(market["umaResolutionStatuses"]) == ["proposed", "resolved"]
    assert json.loads(market["outcomePrices"]) == ["1", "0"]


async def test_a_disputed_market_takes_no_orders_and_pays_nothing_until_it_is_settled(
    oracle: Resolutions, exchange: Exchange, alice: Client, clock: ManualClock
) -> None:
    order_id = (await alice.place("111", "BUY", "4.5", "10")).json()["orderID"]
    oracle.propose(EMPTY, 0)
    oracle.dispute(EMPTY)
    assert (await alice.call("GET", f"/data/order/{order_id}")).json()["status"] == "CANCELED"
    refused = await alice.place("111", "BUY", "4.5", "10")
    assert refused.json() == {"error": "the market is not yet ready to process new orders"}
    await pass_time(exchange, clock, 10_000)
    market = shown(exchange, EMPTY)
    assert (market["closed"], market["umaResolutionStatus"]) == (False, "disputed")
    with pytest.raises(KeyError):
        exchange.ledger.redeem(exchange.accounts.open_account(alice.wallet.address), EMPTY, at=0)
    oracle.settle(EMPTY, None)
    assert json.loads(shown(exchange, EMPTY)["umaResolutionStatuses"]) == ["proposed", "disputed", "resolved"]
    (row,) = (await alice.http.get("/data/v2/resolutions", params={"condition": EMPTY})).json()["data"]
    assert (row["status"], row["was_disputed"], row["price"]) == ("resolved", True, "0.5")


async def test_a_second_proposal_follows_a_dispute(oracle: Resolutions, exchange: Exchange, clock: ManualClock) -> None:
    oracle.propose(EMPTY, 0)
    oracle.dispute(EMPTY)
    oracle.propose(EMPTY, 1, challenge_s=100_000)
    await pass_time(exchange, clock, 10_000)
    assert not exchange.markets.by_condition[EMPTY].closed
    await pass_time(exchange, clock, 90_000)
    assert exchange.markets.by_condition[EMPTY].winner == 1


def test_what_may_not_happen_is_refused(oracle: Resolutions) -> None:
    with pytest.raises(ValueError, match="no proposal"):
        oracle.dispute(EMPTY)
    oracle.settle(EMPTY, 1)
    with pytest.raises(ValueError, match="is resolved"):
        oracle.settle(EMPTY, 0)
    with pytest.raises(ValueError, match="is resolved"):
        oracle.propose(EMPTY, 0)
    with pytest.raises(KeyError):
        oracle.settle("0x00", 0)


def test_one_market_of_a_neg_risk_event_wins_and_the_others_lose(oracle: Resolutions, exchange: Exchange) -> None:
    oracle.settle(RATES, 1)
    assert not exchange.markets.by_condition[RATES_UP].closed
    oracle.settle(RATES_UP, 0)
    assert exchange.markets.by_condition[RATES_SAME].winner == 1
    assert exchange.markets.by_condition[RATES].winner == 1


def test_a_second_winner_and_a_split_are_refused_in_a_neg_risk_event(oracle: Resolutions, exchange: Exchange) -> None:
    exchange.resolve(RATES_UP, 0)
    with pytest.raises(ValueError, match="another market of the event has won"):
        oracle.settle(RATES, 0)
    with pytest.raises(ValueError, match="cannot be split"):
        oracle.settle(RATES, None)
    oracle.settle(RATES, 1)


async def test_a_market_whose_outcome_is_known_resolves_at_its_end(catalogue: Catalogue, clock: ManualClock) -> None:
    rules = ExchangeSettings(simulated_traders=False, known_outcomes={EMPTY: 1, RATES: 0})
    async with ExchangeServer(Exchange(catalogue, rules, clock)) as server:
        exchange = server.exchange
        server.resolutions.settle(RATES, 1)
        await clock.advance(44 * 86_400)
        exchange.agenda.run_due()
        assert exchange.markets.by_condition[EMPTY].winner == 1
        assert exchange.markets.by_condition[RATES].winner == 1


async def test_news_of_markets_reach_whoever_asked_for_them(server: ExchangeServer) -> None:
    async with connect(server.ws_url + "/market") as asking, connect(server.ws_url + "/market") as plain:
        for socket, custom in ((asking, True), (plain, False)):
            await socket.send(json.dumps({"type": "market", "assets_ids": ["131"], "custom_feature_enabled": custom}))
            assert json.loads(await socket.recv())[0]["event_type"] == "book"
        event = {"id": "9", "slug": "new", "ticker": "new", "title": "New", "tags": [{"slug": "fresh"}]}
        server.exchange.markets.add_listing(recorded_market(91, rate="0.05", line=2.5), event)
        server.resolutions.settle(RATES_UP, 0)
        created = json.loads(await asking.recv())
        resolved = [json.loads(await asking.recv()) for _ in range(3)]
        await plain.send("PING")
        assert await plain.recv() == "PONG"
    assert (created["event_type"], created["clob_token_ids"], created["tags"]) == (
        "new_market",
        ["911", "912"],
        ["fresh"],
    )
    assert created["fee_schedule"] == {"exponent": "1", "rate": "0.05", "taker_only": True, "rebate_rate": "0"}
    assert (created["line"], created["order_price_min_tick_size"]) == ("2.5", "0.01")
    assert {frame["event_type"] for frame in resolved} == {"market_resolved"}
    assert [frame["winning_outcome"] for frame in resolved] == ["Yes", "No", "No"]


async def test_sets_are_split_merged_and_redeemed_in_the_public_record(
    alice: Client, floor: Floor, exchange: Exchange, oracle: Resolutions, http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    account = exchange.accounts.open_account(alice.wallet.address)
    split_position(exchange, account, EMPTY, to_micro(Decimal(10)))
    await clock.advance(10)
    merge_positions(exchange, account, EMPTY, to_micro(Decimal(4)))
    await clock.advance(10)
    oracle.settle(EMPTY, 0)
    redeem_positions(exchange, account, EMPTY)
    assert account.cash == to_micro(Decimal(1000))
    assert not floor.discrepancies()
    query = {"user": alice.wallet.address}
    rows = (await http.get("/data/v2/activity", params=query)).json()["data"]
    assert [(row["type"], row["size"], row["usdc_size"]) for row in rows] == [
        ("REDEEM", 12, 6),
        ("MERGE", 4, 4),
        ("SPLIT", 10, 10),
    ]
    assert {row["condition_id"] for row in rows} == {EMPTY}
    assert {row["outcome_index"] for row in rows} == {999}
    merges = (await http.get("/data/v2/activity", params={**query, "type": "MERGE,TRADE"})).json()["data"]
    assert [row["type"] for row in merges] == ["MERGE"]
    oldest = (await http.get("/data/v2/activity", params={**query, "sort_direction": "ASC"})).json()["data"][0]
    assert oldest["type"] == "SPLIT"
    closed = (await http.get("/data/v2/positions", params={**query, "status": "CLOSED"})).json()["data"]
    assert {row["realized_pnl"] for row in closed} == {3, -3}


def test_operations_on_sets_have_their_limits(floor: Floor, exchange: Exchange, oracle: Resolutions) -> None:
    account = floor.account("ann", dollars="5")
    with pytest.raises(InsufficientFunds):
        split_position(exchange, account, EMPTY, to_micro(Decimal(6)))
    with pytest.raises(ValueError, match="must be positive"):
        merge_positions(exchange, account, EMPTY, 0)
    with pytest.raises(InsufficientFunds):
        redeem_positions(exchange, account, EMPTY)
    split_position(exchange, account, EMPTY, to_micro(Decimal(5)))
    with pytest.raises(KeyError):
        redeem_positions(exchange, account, EMPTY)
    oracle.settle(EMPTY, 0)
    with pytest.raises(ValueError, match="takes no new sets"):
        split_position(exchange, account, EMPTY, 1)
    with pytest.raises(Rejection):
        floor.enter(account, "BUY", "0.5", "10")
