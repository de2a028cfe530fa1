"""Scoring of resting orders by the reward rules, and what the routes refuse."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx2
import pytest

from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.rewards import is_scoring, reward_share

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

REWARDED, PLAIN = 14, 15
CONDITION = "0x" + f"{REWARDED:064x}"


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    """Beside the usual markets one that pays for 20 shares within 3 cents, and one that pays nothing."""
    from tests.core.exchange.conftest import recorded_market

    rewarded = recorded_market(
        REWARDED,
        rewardsMinSize=20,
        rewardsMaxSpread=3,
        clobRewards=[{"id": "7", "assetAddress": "0xC011", "rewardsDailyRate": 30, "rewardsAmount": 900}],
    )
    return replace(catalogue, markets=(*catalogue.markets, rewarded, recorded_market(PLAIN)))


def test_the_score_falls_with_the_square_of_the_distance_and_the_smaller_side_counts(floor: Floor) -> None:
    near, far = floor.account("near", dollars="1000"), floor.account("far", dollars="1000")
    for account, away in ((near, "0.01"), (far, "0.02")):
        floor.enter(account, "BUY", str(Decimal("0.50") - Decimal(away)), "30", market=REWARDED)
        floor.enter(account, "BUY", str(Decimal("0.50") - Decimal(away)), "30", market=REWARDED, outcome=1)
    listing = floor.listing(REWARDED)
    assert listing.midpoint == Decimal("0.5")
    assert round(reward_share(floor.exchange, near, listing), 20) == Decimal(4) / 5
    assert round(reward_share(floor.exchange, far, listing), 20) == Decimal(1) / 5


def test_one_side_counts_a_third_in_the_middle_and_nothing_at_the_edges(floor: Floor) -> None:
    both, one = floor.account("both", dollars="1000"), floor.account("one", dollars="1000")
    floor.enter(both, "BUY", "0.49", "30", market=REWARDED)
    floor.enter(both, "BUY", "0.49", "30", market=REWARDED, outcome=1)
    single = floor.enter(one, "BUY", "0.49", "30", market=REWARDED).order
    listing = floor.listing(REWARDED)
    assert round(reward_share(floor.exchange, one, listing), 20) == Decimal(1) / 4
    assert is_scoring(floor.exchange, single)

    floor.exchange.trading.cancel_many(list(floor.exchange.registry.orders.values()))
    floor.enter(both, "BUY", "0.94", "30", market=REWARDED)
    floor.enter(both, "BUY", "0.04", "30", market=REWARDED, outcome=1)
    edge = floor.enter(one, "BUY", "0.94", "30", market=REWARDED).order
    assert listing.midpoint == Decimal("0.95")
    assert not is_scoring(floor.exchange, edge)
    assert reward_share(floor.exchange, one, listing) == 0
    assert reward_share(floor.exchange, both, listing) == 1


def test_small_and_far_orders_and_markets_without_a_programme_do_not_score(floor: Floor) -> None:
    maker = floor.account("maker", dollars="1000")
    for market in (REWARDED, PLAIN):
        floor.enter(maker, "BUY", "0.49", "30", market=market)
        floor.enter(maker, "BUY", "0.49", "30", market=market, outcome=1)
    small = floor.enter(maker, "BUY", "0.49", "19", market=REWARDED).order
    far = floor.enter(maker, "BUY", "0.47", "30", market=REWARDED).order
    plain = floor.enter(maker, "BUY", "0.48", "30", market=PLAIN).order
    assert [is_scoring(floor.exchange, order) for order in (small, far, plain)] == [False, False, False]
    assert reward_share(floor.exchange, maker, floor.listing(PLAIN)) == 0


async def test_programmes_are_shown_with_their_rates(http: httpx2.AsyncClient) -> None:
    rows = (await http.get("/clob/rewards/markets/current")).json()["data"]
    row = next(row for row in rows if row["condition_id"] == CONDITION)
    assert (row["rewards_max_spread"], row["rewards_min_size"], row["total_daily_rate"]) == (3, 20, 30)
    (config,) = row["rewards_config"]
    assert (config["id"], config["rate_per_day"], config["total_rewards"]) == (7, 30, 900)
    (one,) = (await http.get(f"/clob/rewards/markets/{CONDITION}")).json()["data"]
    assert one["market_slug"] == "thing-14"
    assert (await http.get("/clob/rewards/markets/0x1")).json()["data"] == []
    refused = await http.get("/clob/rewards/markets/current", params={"next_cursor": "?"})
    assert (refused.status_code, refused.json()) == (400, {"error": "Invalid next_cursor"})


async def test_scores_belong_to_the_key_that_asks(alice: Client, bob: Client) -> None:
    ids = []
    for token in ("141", "142"):
        placed = await alice.place(token, "BUY", "14.7", "30")
        ids.append(placed.json()["orderID"])
    assert (await alice.call("GET", "/order-scoring", order_id=ids[0])).json() == {"scoring": True}
    assert (await alice.call("POST", "/orders-scoring", ids)).json() == dict.fromkeys(ids, True)
    assert (await bob.call("GET", "/order-scoring", order_id=ids[0])).json() == {"scoring": False}
    assert (await alice.call("GET", "/rewards/user/percentages")).json() == {CONDITION: 100}
    assert (await bob.call("GET", "/rewards/user/percentages")).json() == {}
    assert (await alice.call("GET", "/rewards/user")).json()["data"] == []
    assert (await alice.call("GET", "/rewards/user/total")).json() == []


@pytest.mark.parametrize("body", [{}, ["x"], [7], "text"])
async def test_ids_that_are_none_are_refused(alice: Client, body: object) -> None:
    answer = await alice.call("POST", "/orders-scoring", body)
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid order_id"})


@pytest.mark.parametrize(
    "path", ["/order-scoring", "/rewards/user", "/rewards/user/total", "/rewards/user/percentages"]
)
async def test_an_account_s_figures_need_its_key(http: httpx2.AsyncClient, path: str) -> None:
    assert (await http.get("/clob" + path)).status_code == 401
