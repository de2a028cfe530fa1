"""Public market data of the CLOB against a local venue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.errors import InputRejected, UnexpectedPayload
from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import OrderSide
from polydesk.core.money import FeeSchedule
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.transport import Transport

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue

YES, NO = TokenId("111"), TokenId("222")
CONDITION = ConditionId("0x" + "aa" * 32)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def book(token_id: str = YES, **changes: Any) -> dict[str, Any]:
    return {
        "market": CONDITION,
        "asset_id": token_id,
        "timestamp": "1790934258308",
        "hash": "5c0a",
        "bids": [{"price": "0.44", "size": "10"}, {"price": "0.45", "size": "20.5"}],
        "asks": [{"price": "0.47", "size": "7"}, {"price": "0.46", "size": "1"}, {"price": "0.465", "size": "0"}],
        "min_order_size": "5",
        "tick_size": "0.01",
        "neg_risk": True,
        "last_trade_price": "",
        **changes,
    }


@pytest.fixture
def clob(transport: Transport) -> CLOBClient:
    return CLOBClient(transport)


async def test_a_book_is_best_first_and_exact(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/book", venue.json(book()))
    found = await clob.book(YES)
    assert found is not None
    assert [(level.price, level.size) for level in found.bids] == [
        (Decimal("0.45"), Decimal("20.5")),
        (Decimal("0.44"), Decimal(10)),
    ]
    assert [level.price for level in found.asks] == [Decimal("0.46"), Decimal("0.47")]
    assert found.timestamp == datetime.fromtimestamp(1790934258.308, UTC)
    assert found.received_at == NOON
    assert (found.tick, found.min_size, found.neg_risk) == (Decimal("0.01"), Decimal(5), True)
    assert found.last_trade_price is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)], ids=["worst first", "best first", "shuffled"])
async def test_the_best_bid_and_ask_are_the_same_however_the_book_is_sent(
    venue: ScriptedVenue, clob: CLOBClient, order: tuple[int, ...]
) -> None:
    """The first level of either list is the worst one on the real wire: who takes it for the best sees 0.01/0.99."""
    bids = [{"price": price, "size": "10"} for price in ("0.01", "0.44", "0.45")]
    asks = [{"price": price, "size": "10"} for price in ("0.99", "0.47", "0.46")]
    venue.on("GET", "/book", venue.json(book(bids=[bids[at] for at in order], asks=[asks[at] for at in order])))
    found = await clob.book(YES)
    assert found is not None
    assert found.best_bid is not None
    assert found.best_ask is not None
    assert (found.best_bid.price, found.best_ask.price) == (Decimal("0.45"), Decimal("0.46"))


async def test_a_book_with_holes_has_the_usual_rules(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/book", venue.json({"market": CONDITION, "asset_id": YES, "bids": [], "asks": None}))
    found = await clob.book(YES)
    assert found is not None
    assert (found.best_bid, found.best_ask) == (None, None)
    assert (found.tick, found.min_size, found.timestamp) == (Decimal("0.01"), Decimal(5), NOON)


async def test_a_broken_level_is_named(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/book", venue.json(book(bids=[{"price": "0.4", "size": "1"}, {"price": "x", "size": "1"}])))
    with pytest.raises(UnexpectedPayload) as changed:
        await clob.book(YES)
    assert changed.value.path == "bids.1.price"


async def test_a_token_without_a_book_is_none_everywhere(venue: ScriptedVenue, clob: CLOBClient) -> None:
    missing = venue.json({"error": "No orderbook exists for the requested token id"}, 404)
    for path in ("/book", "/price", "/midpoint", "/spread", "/last-trade-price", "/tick-size", "/neg-risk"):
        venue.on("GET", path, missing)
    assert await clob.book(YES) is None
    assert await clob.price(YES, OrderSide.BUY) is None
    assert await clob.midpoint(YES) is None
    assert await clob.spread(YES) is None
    assert await clob.last_trade_price(YES) is None
    assert await clob.tick_size(YES) is None
    assert await clob.neg_risk(YES) is None
    assert await clob.market_by_token(YES) is None
    assert await clob.clob_market(CONDITION) is None
    assert await clob.listed_market(CONDITION) is None


async def test_many_books_come_in_batches_of_five_hundred(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("POST", "/books", venue.json([book(YES)]), venue.json([book(NO)]))
    tokens = [TokenId(str(number)) for number in range(501)]
    found = await clob.books([*tokens, *tokens])
    assert found.keys() == {YES, NO}
    assert [len(request.json) for request in venue.requests] == [500, 1]
    assert venue.requests[0].json[0] == {"token_id": "0"}
    assert await clob.books([]) == {}


async def test_quotes_are_numbers(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/price", venue.json({"price": "0.45"}))
    venue.on("GET", "/midpoint", venue.json({"mid": "0.455"}))
    venue.on("GET", "/spread", venue.json({"spread": "0.01"}))
    venue.on("GET", "/tick-size", venue.raw(b'{"minimum_tick_size":0.001}'))
    venue.on("GET", "/neg-risk", venue.json({"neg_risk": False}))
    venue.on("GET", "/time", venue.raw(b"1767225600"))
    venue.on("GET", "/version", venue.json({"version": 2}))
    assert await clob.price(YES, OrderSide.BUY) == Decimal("0.45")
    assert dict(venue.last.query) == {"token_id": YES, "side": "BUY"}
    assert await clob.midpoint(YES) == Decimal("0.455")
    assert await clob.spread(YES) == Decimal("0.01")
    assert await clob.tick_size(YES) == Decimal("0.001")
    assert await clob.neg_risk(YES) is False
    assert await clob.server_time() == 1767225600
    assert await clob.version() == 2


async def test_quotes_of_many_tokens(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("POST", "/prices", venue.json({YES: {"BUY": "0.45"}, NO: {"SELL": "0.55"}}))
    venue.on("POST", "/midpoints", venue.json({YES: "0.455"}))
    venue.on("POST", "/spreads", venue.json({YES: 0.01}))
    venue.on("POST", "/last-trades-prices", venue.json([{"token_id": YES, "price": "0.45", "side": "SELL"}]))
    assert await clob.prices([YES, NO], OrderSide.BUY) == {YES: Decimal("0.45")}
    assert venue.last.json == [{"token_id": YES, "side": "BUY"}, {"token_id": NO, "side": "BUY"}]
    assert await clob.midpoints([YES]) == {YES: Decimal("0.455")}
    assert await clob.spreads([YES]) == {YES: Decimal("0.01")}
    last = await clob.last_trade_prices([YES, NO])
    assert last.keys() == {YES}
    assert last[YES].side is OrderSide.SELL


@pytest.mark.parametrize("path", ["/prices", "/midpoints"])
async def test_quotes_that_are_not_an_object_are_noticed(venue: ScriptedVenue, clob: CLOBClient, path: str) -> None:
    venue.on("POST", path, venue.json([]))
    with pytest.raises(UnexpectedPayload):
        await (clob.prices([YES], OrderSide.BUY) if path == "/prices" else clob.midpoints([YES]))


async def test_a_token_that_never_traded_has_no_side(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/last-trade-price", venue.json({"price": "0.5", "side": ""}))
    last = await clob.last_trade_price(YES)
    assert last is not None
    assert last.side is None


async def test_an_interval_asks_for_buckets_the_venue_gives(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/prices-history", venue.raw(b'{"history":[{"t":1767225660,"p":0.46},{"t":1767225600,"p":0.455}]}'))
    history = await clob.price_history(YES, interval="1m")
    assert dict(venue.last.query) == {"market": YES, "interval": "1m", "fidelity": "10"}
    assert [point.price for point in history.points] == [Decimal("0.455"), Decimal("0.46")]
    await clob.price_history(YES, interval="1d")
    assert "fidelity" not in dict(venue.last.query)


async def test_a_window_drops_the_point_stamped_now(venue: ScriptedVenue, clob: CLOBClient) -> None:
    start, end = NOON - timedelta(days=2), NOON - timedelta(days=1)
    points = [{"t": int(moment.timestamp()), "p": 0.5} for moment in (start, end, NOON)]
    venue.on("GET", "/prices-history", venue.json({"history": points}))
    history = await clob.price_history(YES, start=start, end=end, fidelity_min=60)
    assert [point.at for point in history.points] == [start, end]
    assert dict(venue.last.query)["startTs"] == str(int(start.timestamp()))
    assert len((await clob.price_history(YES, start=start)).points) == 3


async def test_a_window_that_reaches_to_now_drops_the_appended_point_too(
    venue: ScriptedVenue, clob: CLOBClient
) -> None:
    times = [NOON - timedelta(hours=2), NOON - timedelta(hours=1), NOON - timedelta(seconds=5)]
    venue.on("GET", "/prices-history", venue.json({"history": [{"t": int(at.timestamp()), "p": 0.5} for at in times]}))
    history = await clob.price_history(YES, start=NOON - timedelta(hours=3), fidelity_min=60)
    assert [point.at for point in history.points] == times[:2]


async def test_a_long_window_is_asked_for_in_parts_that_join(venue: ScriptedVenue, clob: CLOBClient) -> None:
    start, end = NOON - timedelta(days=20), NOON - timedelta(days=1)
    middle = start + timedelta(days=15)
    first, second = [(start, "0.4"), (middle, "0.5"), (NOON, "0.9")], [(middle, "0.5"), (end, "0.6"), (NOON, "0.9")]
    venue.on(
        "GET",
        "/prices-history",
        *(
            venue.json({"history": [{"t": int(at.timestamp()), "p": price} for at, price in part]})
            for part in (first, second)
        ),
    )
    history = await clob.price_history(YES, start=start, end=end, fidelity_min=60)
    assert [(point.at, str(point.price)) for point in history.points] == [(start, "0.4"), (middle, "0.5"), (end, "0.6")]
    windows = [(dict(request.query)["startTs"], dict(request.query)["endTs"]) for request in venue.requests]
    assert windows == [
        (str(int(start.timestamp())), str(int(middle.timestamp()))),
        (str(int(middle.timestamp())), str(int(end.timestamp()))),
    ]


async def test_histories_of_many_tokens_go_twenty_to_a_request(venue: ScriptedVenue, clob: CLOBClient) -> None:
    tokens = [TokenId(str(number)) for number in range(21)]
    venue.on("POST", "/batch-prices-history", venue.json({"history": {"0": [{"t": 1767225600, "p": 0.5}], "20": None}}))
    found = await clob.price_histories(tokens, interval="1w")
    assert [len(request.json["markets"]) for request in venue.requests] == [20, 1]
    assert venue.last.json == {"markets": ["20"], "interval": "1w", "fidelity": 5}
    assert [len(found[token_id].points) for token_id in tokens] == [1, *[0] * 20]


async def test_a_bad_point_of_a_batch_names_its_token(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("POST", "/batch-prices-history", venue.json({"history": {"7": [{"t": 1767225600, "p": "high"}]}}))
    with pytest.raises(UnexpectedPayload) as unexpected:
        await clob.price_histories([TokenId("7")], interval="1d")
    assert unexpected.value.path == "history.7.0.p"
    venue.on("POST", "/batch-prices-history", venue.json({"history": []}))
    with pytest.raises(UnexpectedPayload):
        await clob.price_histories([TokenId("7")], interval="1h")


@pytest.mark.parametrize(
    "payload",
    [
        [{"t": 1767225600, "o": "0.4", "h": "0.6", "l": "0.3", "c": "0.5", "v": "10"}],
        {"data": [{"timestamp": 1767225600000, "open": 0.4, "high": 0.6, "low": 0.3, "close": 0.5, "volume": 10}]},
        {"history": [[1767225600, 0.4, 0.6, 0.3, 0.5, 10]]},
        {"candles": [{"time": "2026-01-01T00:00:00Z", "o": 0.4, "h": 0.6, "l": 0.3, "c": 0.5, "v": 10}]},
    ],
)
async def test_candles_are_read_in_every_likely_form(venue: ScriptedVenue, clob: CLOBClient, payload: Any) -> None:
    venue.on("GET", "/ohlc", venue.json(payload))
    (candle,) = await clob.candles(YES, size="1h", start=NOON)
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    assert prices == (Decimal("0.4"), Decimal("0.6"), Decimal("0.3"), Decimal("0.5"), Decimal(10))
    assert candle.at == datetime(2026, 1, 1, tzinfo=UTC)
    assert dict(venue.last.query)["fidelity"] == "1h"


@pytest.mark.parametrize(
    "payload", ["?", {"bars": []}, [{"t": 0, "o": 1, "h": 1, "l": 1, "c": 1}], [{"t": 1767225600}]]
)
async def test_candles_of_another_form_are_unexpected(venue: ScriptedVenue, clob: CLOBClient, payload: Any) -> None:
    venue.on("GET", "/ohlc", venue.json(payload))
    with pytest.raises(UnexpectedPayload):
        await clob.candles(YES, size="1h", start=NOON)


async def test_windows_the_venue_would_refuse_are_refused_here(venue: ScriptedVenue, clob: CLOBClient) -> None:
    for wrong in (
        {},
        {"interval": "1d", "start": NOON},
        {"end": NOON, "interval": "1d"},
        {"start": NOON, "end": NOON},
    ):
        with pytest.raises(InputRejected):
            await clob.price_history(YES, **wrong)
    assert venue.requests == []


async def test_the_compact_market_is_spelled_out(venue: ScriptedVenue, clob: CLOBClient) -> None:
    path = f"/clob-markets/{CONDITION}"
    compact = {"t": [{"t": YES, "o": "Yes"}, {"t": NO, "o": "No"}], "mts": 0.001, "mos": 5}
    venue.on("GET", path, venue.json({**compact, "nr": True, "sd": 3, "fd": {"r": 0.05, "e": 1, "to": True}}))
    found = await clob.clob_market(CONDITION)
    assert found is not None
    assert (found.condition_id, found.tick, found.neg_risk, found.taker_delay_s) == (
        CONDITION,
        Decimal("0.001"),
        True,
        3,
    )
    assert found.fees == FeeSchedule(rate=Decimal("0.05"))
    venue.on("GET", path, venue.json({**compact, "c": "0xbb"}))
    plain = await clob.clob_market(CONDITION, fresh=True)
    assert plain is not None
    assert (plain.condition_id, plain.neg_risk, plain.fees.rate) == ("0xbb", False, Decimal(0))


async def test_a_token_leads_to_its_market(venue: ScriptedVenue, clob: CLOBClient) -> None:
    venue.on("GET", "/markets-by-token/111", venue.json({"condition_id": CONDITION, "primary_token_id": "222"}))
    assert await clob.market_by_token(YES) == CONDITION


async def test_listings_come_by_page_and_end(venue: ScriptedVenue, clob: CLOBClient) -> None:
    row = {
        "condition_id": CONDITION,
        "closed": True,
        "tokens": [{"token_id": YES, "outcome": "Yes", "price": 1, "winner": True}],
        "rewards": {"rates": None},
    }
    venue.on(
        "GET",
        "/simplified-markets",
        venue.json({"data": [row], "next_cursor": "aWQ6MQ=="}),
        venue.json({"data": [], "next_cursor": "LTE="}),
    )
    venue.on("GET", f"/markets/{CONDITION}", venue.json({**row, "minimum_tick_size": 0.01, "tags": None}))
    page = await clob.listing("simplified-markets")
    assert page.markets[0].tokens[0].winner
    assert page.markets[0].tick is None
    last = await clob.listing("simplified-markets", cursor=page.next_cursor)
    assert dict(venue.last.query) == {"next_cursor": "aWQ6MQ=="}
    assert last.next_cursor is None
    listed = await clob.listed_market(CONDITION)
    assert listed is not None
    assert listed.tick == Decimal("0.01")


async def test_recorded_quotes_are_read(venue: ScriptedVenue, clob: CLOBClient, shared_data: Path) -> None:
    venue.on("GET", "/midpoint", venue.raw((shared_data / "wire/clob/midpoint_2026-03-22.json").read_bytes()))
    assert await clob.midpoint(YES) == Decimal("0.0005")
