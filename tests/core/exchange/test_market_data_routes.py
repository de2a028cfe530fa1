"""Books, quotes and price history, as anybody can read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.payloads import book_hash
from polydesk.core.exchange.settings import ExchangeSettings

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

EMPTY_YES, FEE_YES, RATES_YES, BUSY_YES, BUSY_NO, CLOSED_YES = "111", "121", "211", "131", "132", "311"
BUSY_CONDITION = "0x" + f"{13:064x}"
UNKNOWN_INTERVAL = "the 'interval' value is unknown. Known values: '1m', '1w', '1d', '6h', '1h'"
NO_BOOK = {"error": "No orderbook exists for the requested token id"}


async def get(http: httpx2.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get("/clob" + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_service_tells_that_it_lives_its_time_and_version(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    assert await get(http, "/") == await get(http, "/ok") == "OK"
    assert await get(http, "/time") == int(clock.now().timestamp())
    assert await get(http, "/version") == {"version": 2}


def test_the_book_hash_is_the_published_one() -> None:
    book = {
        "market": "0xaabbcc",
        "asset_id": "100",
        "timestamp": "123456789",
        "bids": [{"price": "0.3", "size": "100"}, {"price": "0.4", "size": "100"}],
        "asks": [{"price": "0.6", "size": "100"}, {"price": "0.7", "size": "100"}],
        "min_order_size": "100",
        "tick_size": "0.01",
        "neg_risk": False,
        "last_trade_price": "0.5",
    }
    assert book_hash(book) == "0458ea5755c9f73d64a14636fa5c36ed460ec394"


async def test_a_book_has_its_best_prices_last(http: httpx2.AsyncClient, clock: ManualClock) -> None:
    book = await get(http, "/book", token_id=BUSY_YES)
    assert book["hash"] == book_hash(book)
    assert {name: book[name] for name in book if name != "hash"} == {
        "market": BUSY_CONDITION,
        "asset_id": BUSY_YES,
        "timestamp": str(int(clock.now().timestamp() * 1000)),
        "bids": [
            {"price": "0.4", "size": "1000"},
            {"price": "0.48", "size": "200.5"},
            {"price": "0.49", "size": "100"},
        ],
        "asks": [
            {"price": "0.6", "size": "1000"},
            {"price": "0.52", "size": "150"},
            {"price": "0.51", "size": "100"},
        ],
        "min_order_size": "5",
        "tick_size": "0.01",
        "neg_risk": False,
        "last_trade_price": "0.5",
    }


async def test_the_other_outcomes_book_is_the_mirror(http: httpx2.AsyncClient) -> None:
    book = await get(http, "/book", token_id=BUSY_NO)
    assert [(level["price"], level["size"]) for level in book["bids"]] == [
        ("0.4", "1000"),
        ("0.48", "150"),
        ("0.49", "100"),
    ]
    assert book["asks"][-1] == {"price": "0.51", "size": "100"}


async def test_an_empty_book_has_empty_sides_and_no_last_price(http: httpx2.AsyncClient) -> None:
    book = await get(http, "/book", token_id=EMPTY_YES)
    assert (book["bids"], book["asks"], book["last_trade_price"]) == ([], [], "")


async def test_quotes_are_strings_and_buy_means_the_bid(http: httpx2.AsyncClient) -> None:
    assert await get(http, "/price", token_id=BUSY_YES, side="BUY") == {"price": "0.49"}
    assert await get(http, "/price", token_id=BUSY_YES, side="sell") == {"price": "0.51"}
    assert await get(http, "/midpoint", token_id=BUSY_YES) == {"mid": "0.5"}
    assert await get(http, "/spread", token_id=BUSY_NO) == {"spread": "0.02"}


async def test_quotes_of_an_empty_side_are_the_bounds(http: httpx2.AsyncClient) -> None:
    assert await get(http, "/price", token_id=EMPTY_YES, side="BUY") == {"price": "0"}
    assert await get(http, "/price", token_id=EMPTY_YES, side="SELL") == {"price": "1"}


class TestWhereAnEmptySideIsNoBook:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return ExchangeSettings(simulated_traders=False, empty_side_quotes="not_found")

    async def test_quotes_are_not_found(self, http: httpx2.AsyncClient) -> None:
        answer = await http.get("/clob/midpoint", params={"token_id": EMPTY_YES})
        assert (answer.status_code, answer.json()) == (404, NO_BOOK)


async def test_the_last_trade_is_told_from_the_tokens_own_side(http: httpx2.AsyncClient, floor: Floor) -> None:
    assert await get(http, "/last-trade-price", token_id=EMPTY_YES) == {"price": "0.5", "side": ""}
    floor.enter(floor.account("ann", dollars="100"), "BUY", "0.52", "10", market=13)
    assert await get(http, "/last-trade-price", token_id=BUSY_YES) == {"price": "0.51", "side": "BUY"}
    assert await get(http, "/last-trade-price", token_id=BUSY_NO) == {"price": "0.49", "side": "SELL"}
    assert await get(http, "/last-trade-price", token_id="999") == {"price": "0.5", "side": ""}


@pytest.mark.parametrize("path", ["/tick-size", "/neg-risk", "/fee-rate"])
async def test_rules_of_a_token_come_by_query_and_by_path(http: httpx2.AsyncClient, path: str) -> None:
    expected = {
        "/tick-size": ({"minimum_tick_size": 0.01}, {"minimum_tick_size": 0.001}),
        "/neg-risk": ({"neg_risk": False}, {"neg_risk": True}),
        "/fee-rate": ({"base_fee": 1000}, {"base_fee": 0}),
    }[path]
    for token, body in zip((FEE_YES, RATES_YES), expected, strict=True):
        assert await get(http, path, token_id=token) == await get(http, f"{path}/{token}") == body
    missing = await http.get(f"/clob{path}/999")
    text = "fee rate not found for market" if path == "/fee-rate" else "market not found"
    assert (missing.status_code, missing.json()) == (404, {"error": text})
    assert (await http.get(f"/clob{path}")).json() == {"error": "Invalid token id"}


@pytest.mark.parametrize("path", ["/book", "/price", "/midpoint", "/spread"])
async def test_unknown_closed_and_malformed_tokens(http: httpx2.AsyncClient, path: str) -> None:
    for token in ("999", CLOSED_YES):
        answer = await http.get(f"/clob{path}", params={"token_id": token, "side": "BUY"})
        assert (answer.status_code, answer.json()) == (404, NO_BOOK)
    for query in ({}, {"token_id": "0x12"}):
        answer = await http.get(f"/clob{path}", params=query)
        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid token id"})


async def test_a_price_needs_a_side(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/clob/price", params={"token_id": BUSY_YES, "side": "MID"})
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid side"})


async def test_batches_answer_by_token_and_leave_out_the_unknown(http: httpx2.AsyncClient) -> None:
    items = [{"token_id": BUSY_YES, "side": "BUY"}, {"token_id": BUSY_NO}, {"token_id": "999"}]

    async def post(path: str) -> Any:
        return (await http.post(f"/clob{path}", json=items)).json()

    assert [book["asset_id"] for book in await post("/books")] == [BUSY_YES, BUSY_NO]
    assert await post("/prices") == {BUSY_YES: {"BUY": "0.49"}, BUSY_NO: {"SELL": "0.51"}}
    assert await post("/midpoints") == {BUSY_YES: "0.5", BUSY_NO: "0.5"}
    assert await post("/spreads") == {BUSY_YES: "0.02", BUSY_NO: "0.02"}
    assert await post("/last-trades-prices") == [
        {"token_id": BUSY_YES, "price": "0.5", "side": "BUY"},
        {"token_id": BUSY_NO, "price": "0.5", "side": "SELL"},
    ]
    wrong = await http.post("/clob/prices", json=[{"token_id": BUSY_YES, "side": "MID"}])
    assert wrong.json() == {"error": "Invalid side"}


@pytest.mark.parametrize("path", ["/books", "/prices", "/midpoints", "/spreads", "/last-trades-prices"])
async def test_malformed_batches_and_their_get_forms_are_refused(http: httpx2.AsyncClient, path: str) -> None:
    for content in (b"", b"{}", b"[]", b"[1]", b'[{"token_id":1}]'):
        answer = await http.post(f"/clob{path}", content=content)
        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid payload"})
    answer = await http.get(f"/clob{path}", params={"token_ids": BUSY_YES})
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid payload"})
    answer = await http.post(f"/clob{path}", json=[{"token_id": BUSY_YES}] * 501)
    assert answer.json() == {"error": "Payload exceeds the limit"}


@pytest.mark.parametrize("path", ["/nowhere", "/book/5", "/order"])
async def test_other_paths_and_methods_are_not_found(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get(f"/clob{path}")
    assert (answer.status_code, answer.json()) == (404, {"error": "not found"})


async def test_history_is_the_recorded_midpoint_carried_forward_to_now(
    http: httpx2.AsyncClient, clock: ManualClock
) -> None:
    now = int(clock.now().timestamp())
    answer = await get(http, "/prices-history", market=BUSY_YES, interval="6h", fidelity="60")
    assert answer["history"] == [
        *({"t": now - 3600 * hours, "p": 0.4} for hours in range(6, 1, -1)),
        {"t": now - 3600, "p": 0.45},
        {"t": now, "p": 0.5},
    ]
    mirrored = await get(http, "/prices-history", market=BUSY_NO, interval="1h", fidelity="60")
    assert [point["p"] for point in mirrored["history"]] == [0.55, 0.5]


async def test_history_goes_on_with_the_exchanges_own_midpoints(
    http: httpx2.AsyncClient, clock: ManualClock, floor: Floor
) -> None:
    await clock.advance(90)
    floor.enter(floor.account("ann", dollars="100"), "BUY", "0.5", "10", market=13)
    await clock.advance(45)
    now = int(clock.now().timestamp())
    answer = await get(http, "/prices-history", market=BUSY_YES, startTs=str(now - 135), endTs=str(now))
    assert answer["history"] == [
        {"t": now - 135, "p": 0.5},
        {"t": now - 75, "p": 0.5},
        {"t": now - 15, "p": 0.505},
        {"t": now, "p": 0.505},
    ]


async def test_a_past_window_still_ends_with_a_point_of_now(http: httpx2.AsyncClient, clock: ManualClock) -> None:
    now = int(clock.now().timestamp())
    answer = await get(
        http, "/prices-history", market=BUSY_YES, startTs=str(now - 7200), endTs=str(now - 7000), fidelity="1"
    )
    assert answer["history"][-1] == {"t": now, "p": 0.5}
    assert answer["history"][0] == {"t": now - 7200, "p": 0.4}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "the 'market' (asset id) is mandatory"),
        ({"market": BUSY_YES}, UNKNOWN_INTERVAL),
        (
            {"market": BUSY_YES, "interval": "2d"},
            UNKNOWN_INTERVAL,
        ),
        (
            {"market": BUSY_YES, "endTs": "5"},
            UNKNOWN_INTERVAL,
        ),
        ({"market": BUSY_YES, "interval": "1m"}, "minimum 'fidelity' for '1m' range is 10"),
        ({"market": BUSY_YES, "interval": "1w", "fidelity": "4"}, "minimum 'fidelity' for '1w' range is 5"),
        (
            {"market": BUSY_YES, "interval": "1m", "fidelity": "5", "startTs": "1", "endTs": "2"},
            "minimum 'fidelity' for '1m' range is 10",
        ),
        ({"market": BUSY_YES, "startTs": "0", "endTs": "1296001"}, "'startTs' and 'endTs' interval is too long"),
        ({"market": BUSY_YES, "startTs": "now"}, "'startTs' is not a number"),
        ({"market": BUSY_YES, "interval": "1h", "fidelity": "0"}, "minimum 'fidelity' for '1h' range is 1"),
    ],
)
async def test_history_filters_are_checked(http: httpx2.AsyncClient, query: dict[str, str], text: str) -> None:
    answer = await http.get("/clob/prices-history", params=query)
    assert (answer.status_code, answer.json()) == (400, {"error": f"invalid filters: {text}"})


async def test_history_of_unknown_and_resolved_tokens_is_empty(http: httpx2.AsyncClient) -> None:
    for token in ("999", CLOSED_YES):
        assert await get(http, "/prices-history", market=token, interval="max") == {"history": []}


async def test_several_histories_come_in_one_answer(http: httpx2.AsyncClient) -> None:
    body = {"markets": [BUSY_YES, "999"], "interval": "1d", "fidelity": 60}
    answer = (await http.post("/clob/batch-prices-history", json=body)).json()
    assert len(answer["history"][BUSY_YES]) > 20
    assert answer["history"]["999"] == []
    for wrong, text in (
        ({}, "Invalid payload"),
        ([], "Invalid payload"),
        ({"markets": [5]}, "Invalid payload"),
        ({"markets": ["1"] * 21}, "Payload exceeds the limit"),
    ):
        answer = await http.post("/clob/batch-prices-history", json=wrong)
        assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_a_market_is_listed_in_full(http: httpx2.AsyncClient) -> None:
    market = await get(http, f"/markets/{BUSY_CONDITION}")
    assert market["tokens"] == [
        {"token_id": BUSY_YES, "outcome": "Yes", "price": 0.5, "winner": False},
        {"token_id": BUSY_NO, "outcome": "No", "price": 0.5, "winner": False},
    ]
    assert market["rewards"]["rates"] == [{"asset_address": "0xC011", "rewards_daily_rate": 30}]
    assert (market["minimum_order_size"], market["minimum_tick_size"]) == (5, 0.01)
    assert market["tags"] == ["Topic 1"]
    assert (market["closed"], market["enable_order_book"]) == (False, True)


async def test_listings_are_pages_with_closed_markets(http: httpx2.AsyncClient) -> None:
    full = await get(http, "/markets")
    assert (full["limit"], full["count"], full["next_cursor"]) == (1000, 5, "LTE=")
    closed = full["data"][-1]
    assert (closed["closed"], closed["tokens"][0]["winner"], closed["enable_order_book"]) == (True, True, False)
    simplified = await get(http, "/simplified-markets")
    assert set(simplified["data"][0]) == {
        "condition_id",
        "rewards",
        "tokens",
        "active",
        "closed",
        "archived",
        "accepting_orders",
    }
    for path in ("/sampling-markets", "/sampling-simplified-markets"):
        assert [row["condition_id"] for row in (await get(http, path))["data"]] == [BUSY_CONDITION]
    assert (await get(http, "/markets", next_cursor="OTk="))["data"] == []
    beyond = await http.get("/clob/markets", params={"next_cursor": "LTE="})
    assert beyond.json() == {"error": "next item should be greater than or equal to 0"}


async def test_the_compact_market_is_the_recorded_one(http: httpx2.AsyncClient) -> None:
    compact = await get(http, f"/clob-markets/0x{21:064x}")
    assert (compact["nr"], compact["mts"], compact["t"][1]) == (True, 0.001, {"t": "212", "o": "No"})
    assert "nr" not in await get(http, f"/clob-markets/{BUSY_CONDITION}")


async def test_a_market_is_found_by_either_token(http: httpx2.AsyncClient) -> None:
    for token in (BUSY_YES, BUSY_NO):
        assert await get(http, f"/markets-by-token/{token}") == {
            "condition_id": BUSY_CONDITION,
            "primary_token_id": BUSY_YES,
            "secondary_token_id": BUSY_NO,
        }


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/markets/0x12", 400, "Invalid market"),
        ("/clob-markets/0x" + "9" * 64, 404, "market not found"),
        ("/markets/0x" + "9" * 64, 404, "market not found"),
        ("/markets-by-token/5", 404, "market not found"),
    ],
)
async def test_unknown_markets(http: httpx2.AsyncClient, path: str, status: int, text: str) -> None:
    answer = await http.get("/clob" + path)
    assert (answer.status_code, answer.json()) == (status, {"error": text})
