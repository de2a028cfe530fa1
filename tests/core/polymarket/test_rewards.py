"""The liquidity programme against a local venue: rates, earnings and scores as the venue documents them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import UnexpectedPayload
from polydesk.core.identifiers import Address, ConditionId, OrderId
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.credentials import ApiCredentials
from polydesk.core.polymarket.transport import Transport

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue

CONDITION = ConditionId("0x" + "aa" * 32)
DAY = date(2026, 10, 31)
EARNING = {
    "date": "2026-10-31T00:00:00Z",
    "condition_id": CONDITION,
    "asset_address": "0xC011",
    "maker_address": "0x1",
    "earnings": 1.25,
    "asset_rate": 1,
}
PROGRAMME = {
    "condition_id": CONDITION,
    "rewards_max_spread": 3.5,
    "rewards_min_size": 200,
    "rewards_config": [
        {"id": 1, "asset_address": "0xC011", "start_date": "2026-01-01", "end_date": "2500-12-31", "rate_per_day": 30},
        {"id": 2, "asset_address": "0xC011", "rate_per_day": 2.5, "total_rewards": 100},
    ],
}


@pytest.fixture
def clob(transport: Transport) -> CLOBClient:
    credentials = ApiCredentials("00000000-0000-0000-0000-00000000000A", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "phrase")
    return CLOBClient(transport, credentials=credentials, funder=Address("0x2e234DAe75C793f67A35089C9d99245E1C58470b"))


def page(*rows: Any, following: str = "LTE=") -> dict[str, Any]:
    return {"limit": 100, "count": len(rows), "next_cursor": following, "data": list(rows)}


async def test_programmes_come_from_all_pages_with_all_sponsors(venue: ScriptedVenue, clob: CLOBClient) -> None:
    other = {"condition_id": "0x" + "bb" * 32, "rewards_config": None}
    venue.on("GET", "/rewards/markets/current", venue.json(page(PROGRAMME, following="NTAw")), venue.json(page(other)))
    first, second = [programme async for programme in clob.reward_programmes()]
    assert first.rate_per_day == Decimal("32.5")
    assert first.rates[0].ends_at == datetime(2500, 12, 31, tzinfo=UTC)
    assert first.rates[1].total == Decimal(100)
    assert (second.rate_per_day, second.max_spread_cents) == (Decimal(0), Decimal(0))


@pytest.mark.parametrize("answer", [PROGRAMME, page(PROGRAMME)])
async def test_one_programme_is_a_row_or_a_page_of_one(venue: ScriptedVenue, clob: CLOBClient, answer: Any) -> None:
    venue.on("GET", f"/rewards/markets/{CONDITION}", venue.json(answer))
    programme = await clob.reward_programme(CONDITION)
    assert programme is not None
    assert programme.min_size_shares == Decimal(200)


async def test_earnings_are_exact_and_of_the_day_asked_for(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/rewards/user", venue.json(page(EARNING, following="MTAw")), venue.json(page()))
    (earning,) = await clob.reward_earnings(DAY)
    assert (earning.condition_id, earning.earnings) == (CONDITION, Decimal("1.25"))
    assert dict(venue.last.query) == {"date": "2026-10-31", "signature_type": "0", "next_cursor": "MTAw"}
    venue.on("GET", "/rewards/user/total", venue.json([{**EARNING, "condition_id": None}]))
    (total,) = await clob.reward_totals(DAY)
    assert (total.condition_id, total.earnings) == ("", Decimal("1.25"))


async def test_shares_and_scores_are_read(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/rewards/user/percentages", venue.json({CONDITION: 20}))
    assert await clob.reward_shares() == {CONDITION: Decimal(20)}
    venue.on("POST", "/orders-scoring", venue.json({"0x1": True, "0x2": None}))
    assert await clob.orders_scoring([OrderId("0x1"), OrderId("0x2"), OrderId("0x1")]) == {"0x1": True, "0x2": False}
    assert venue.last.json == ["0x1", "0x2"]


@pytest.mark.parametrize(
    ("path", "answer", "field"),
    [
        ("/order-scoring", {}, "scoring"),
        ("/rewards/user/percentages", {"0x1": "most"}, "0x1"),
        ("/rewards/user/percentages", [], ""),
        ("/rewards/user/total", [{"earnings": "lots"}], "0.earnings"),
        ("/rewards/user", page({}), "data.0.earnings"),
    ],
)
async def test_an_answer_of_another_shape_names_the_field(
    venue: ScriptedVenue, clob: CLOBClient, path: str, answer: Any, field: str
) -> None:
    venue.on("GET", path, venue.json(answer))
    with pytest.raises(UnexpectedPayload) as unexpected:
        match path:
            case "/order-scoring":
                await clob.order_scoring(OrderId("0x1"))
            case "/rewards/user/percentages":
                await clob.reward_shares()
            case "/rewards/user/total":
                await clob.reward_totals(DAY)
            case _:
                await clob.reward_earnings(DAY)
    assert unexpected.value.path == field


async def test_scores_that_are_not_an_object_are_noticed(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("POST", "/orders-scoring", venue.json([]))
    with pytest.raises(UnexpectedPayload):
        await clob.orders_scoring([OrderId("0x1")])
