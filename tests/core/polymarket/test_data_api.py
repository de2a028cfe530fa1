"""Public records of wallets against a local venue."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import RateLimitError, UnexpectedPayload
from polydesk.core.identifiers import Address, ConditionId, TokenId
from polydesk.core.models import OrderSide
from polydesk.core.polymarket.data_api import DataClient
from polydesk.core.polymarket.transport import Transport

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue

USER = Address("0x379a410a36c101e3b8dfb6c90d1176eb0def4b1a")
CONDITION = ConditionId("0x" + "aa" * 32)


@pytest.fixture
def data(transport: Transport) -> DataClient:
    return DataClient(transport)


def position(token_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "token_id": token_id,
        "condition_id": CONDITION,
        "current_size": 28.09,
        "avg_price": 0.6699,
        "entry_cost_usdc": 18.8202,
        "entry_fees_usdc": 0.31053,
        "current_price": 0.715,
        "current_value": 20.0843,
        "realized_pnl": 0.0,
        "unrealized_pnl": 1.264,
        "status": "OPEN",
        "negative_risk": True,
        "title": "Rain?",
        "outcome": "No",
        "slug": "rain",
        "event_slug": "",
        **changes,
    }


async def test_positions_come_exactly_and_from_all_pages(venue: ScriptedVenue, data: DataClient) -> None:
    venue.on(
        "GET",
        "/v2/positions",
        venue.json({"data": [position("1")], "pagination": {"has_more": True, "next_cursor": "abc"}}),
        venue.json({"data": [position("2", current_price=None)], "pagination": {"has_more": False}}),
    )
    found = await data.positions(USER, status="OPEN", condition_id=CONDITION)
    assert [held.token_id for held in found] == ["1", "2"]
    assert (found[0].size, found[0].cost, found[0].fees) == (Decimal("28.09"), Decimal("18.8202"), Decimal("0.31053"))
    assert found[0].neg_risk
    assert found[1].current_price is None
    assert dict(venue.requests[0].query) == {
        "user": USER,
        "status": "OPEN",
        "condition_id": CONDITION,
        "limit": "500",
    }
    assert dict(venue.requests[1].query)["cursor"] == "abc"


async def test_positions_are_never_cached(venue: ScriptedVenue, data: DataClient) -> None:
    venue.on("GET", "/v2/positions", venue.json({"data": []}))
    assert await data.positions(USER) == ()
    assert await data.positions(USER) == ()
    assert len(venue.requests) == 2


async def test_pages_of_another_shape_are_noticed(venue: ScriptedVenue, data: DataClient) -> None:
    payloads: list[Any] = [{"data": [], "pagination": [1]}, {"data": {}}, []]
    for payload in payloads:
        venue.on("GET", "/v2/positions", venue.json(payload))
        with pytest.raises(UnexpectedPayload):
            await data.positions(USER)


async def test_the_tape_is_read_page_by_page(venue: ScriptedVenue, data: DataClient) -> None:
    row = {
        "proxy_wallet": USER,
        "token_id": "1",
        "condition_id": CONDITION,
        "side": "SELL",
        "size": 5.0,
        "price": 9e-6,
        "timestamp": 1789381477,
        "outcome": "Yes",
        "outcome_index": 999,
        "transaction_hash": "0x1",
    }
    venue.on("GET", "/v2/trades", venue.json({"data": [row], "pagination": {"has_more": True, "next_cursor": "next"}}))
    page = await data.trades(user=USER, side=OrderSide.SELL, taker_only=False, start=1, end=2, limit=1)
    assert page.next_cursor == "next"
    (traded,) = page.items
    assert traded.price == Decimal("0.000009")
    assert traded.timestamp == datetime.fromtimestamp(1789381477, UTC)
    assert dict(venue.last.query)["taker_only"] == "false"


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ({"data": {"proxy_wallet": USER, "value": 684953.8942}}, "684953.8942"),
        ({"data": None}, "0"),
        ({"data": []}, "0"),
        ({"data": [{"value": "12.5"}]}, "12.5"),
    ],
)
async def test_the_value_of_a_wallet_is_dollars(
    venue: ScriptedVenue, data: DataClient, payload: dict[str, Any], value: str
) -> None:
    venue.on("GET", "/v2/value", venue.json(payload))
    assert await data.value(USER) == Decimal(value)


async def test_the_rate_limit_of_the_data_api_is_recognised(venue: ScriptedVenue, data: DataClient) -> None:
    body = {"error": "rate limited", "code": "rate_limited", "retryable": True}
    venue.on("GET", "/v2/value", venue.json(body, 429, headers={"retry-after": "2"}))
    with pytest.raises(RateLimitError) as limited:
        await data.value(USER)
    assert limited.value.retry_after_s == 2


async def test_what_the_venue_does_not_know_is_none_and_not_a_number(venue: ScriptedVenue, data: DataClient) -> None:
    holder = {"proxy_wallet": "0x1", "amount": 9e-6, "outcome_index": 999}
    larger = {"proxy_wallet": "0x2", "token_id": "7", "amount": "3", "outcome_index": 1}
    venue.on("GET", "/v2/holders", venue.json({"data": [{"token_id": "7", "holders": [holder, larger]}]}))
    first, second = (await data.holders([CONDITION]))[TokenId("7")]
    assert (first.user, first.shares, first.outcome_index) == ("0x2", Decimal(3), 1)
    assert (second.token_id, second.shares, second.outcome_index) == ("7", Decimal("0.000009"), None)

    record = {"status": "posed", "proposed_price": "69", "price": "69", "last_update_timestamp": "1772065618"}
    venue.on("GET", "/v2/resolutions", venue.json({"data": record}))
    (resolution,) = await data.resolutions(CONDITION)
    assert (resolution.proposed_price, resolution.price) == (None, None)
    assert resolution.updated_at == datetime.fromtimestamp(1772065618, UTC)

    venue.on("GET", "/v2/leaderboard", venue.json({"data": [{"user_id": "0x1", "rank_pnl": None, "pnl": -1.5}]}))
    standing = await data.standing(USER)
    assert standing is not None
    assert (standing.rank, standing.volume_rank, standing.profit) == (None, None, Decimal("-1.5"))


async def test_activity_without_a_market_has_empty_ids(venue: ScriptedVenue, data: DataClient) -> None:
    deposit = {"type": "DEPOSIT", "timestamp": 1789381477, "condition_id": "", "side": "", "usdc_size": 250}
    venue.on("GET", "/v2/activity", venue.json({"data": [deposit], "pagination": {"has_more": False}}))
    start = datetime(2026, 9, 1, tzinfo=UTC)
    (done,) = (await data.activity(USER, kinds=("DEPOSIT", "REDEEM"), start=start)).items
    assert (done.kind, done.condition_id, done.side, done.dollars) == ("DEPOSIT", "", None, Decimal(250))
    assert [value for key, value in venue.last.query if key == "type"] == ["DEPOSIT", "REDEEM"]
    assert dict(venue.last.query)["start"] == str(int(start.timestamp()))
