"""What the exchange sends has the fields and the JSON types of what the venue was recorded to send.

Each row plays one situation and compares with one recording, field by field. Where they differ the table says why; a
difference without a reason fails, and so does a reason without a difference.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import pytest_asyncio
from eth_account import Account as EthAccount
from websockets.asyncio.client import ClientConnection, connect

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.units import price_text
from polydesk.core.exchange.venue import Exchange
from tests.core.exchange.conftest import KEY, OTHER_KEY, Client, recorded_market

if TYPE_CHECKING:
    from polydesk.core.exchange.listing import Listing

FED = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
Sent = dict[str, Any]


# -- the situations ----------------------------------------------------------------------------------------------------


async def frames_until(socket: ClientConnection, wanted: Callable[[Any], bool]) -> list[Any]:
    """Frames up to the first wanted one."""
    frames = []
    while True:
        frames.append(json.loads(await socket.recv()))
        if wanted(frames[-1]):
            return frames


def of_kind(kind: str) -> Callable[[Any], bool]:
    return lambda frame: isinstance(frame, dict) and frame["event_type"] == kind


class Session:
    """A client that trades on the recorded Federal Reserve market while both streams are open."""

    def __init__(self, exchange: Exchange, server: ExchangeServer, client: Client, other: Client) -> None:
        self.exchange, self.server, self.client, self.other = exchange, server, client, other
        self.listing: Listing = next(each for each in exchange.markets.listings if each.recorded.gamma["slug"] == FED)
        self.yes, self.no = self.listing.tokens
        self.sent: Sent = {}

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.client.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def play(self) -> Sent:
        async with AsyncExitStack() as opened:
            market = await opened.enter_async_context(connect(self.server.ws_url + "/market"))
            user = await opened.enter_async_context(connect(self.server.ws_url + "/user"))
            await self._subscribe(market, user)
            await self._trade(market, user)
            await self._read()
            await self._change(market)
        return self.sent

    async def _subscribe(self, market: ClientConnection, user: ClientConnection) -> None:
        watched = {"type": "market", "assets_ids": [self.yes, self.no], "custom_feature_enabled": True}
        await market.send(json.dumps(watched))
        self.sent["first frame"] = json.loads(await market.recv())
        names = {"apiKey": "apiKey", "secret": "secret", "passphrase": "passphrase"}
        auth = {name: self.client.credentials[key] for name, key in names.items()}
        await user.send(json.dumps({"type": "user", "auth": auth}))
        await user.send("PING")
        assert await user.recv() == "PONG"

    async def _trade(self, market: ClientConnection, user: ClientConnection) -> None:
        sent, client = self.sent, self.client
        bid, ask = self.listing.book.best_for(0)
        assert bid is not None and ask is not None
        low, high = price_text(bid - 20), price_text(ask)
        resting = (await client.place(self.yes, "BUY", _dollars(low, 10), "10", neg_risk=True)).json()
        sent["order answer: live"] = resting
        (sent["order event: placement"],) = await frames_until(user, of_kind("order"))
        sent["price change"] = (await frames_until(market, of_kind("price_change")))[-1]
        sent["open order"] = await self._private("GET", f"/data/order/{resting['orderID']}")
        sent["open orders"] = await self._private("GET", "/data/orders")
        sent["cancel answer"] = await self._private("DELETE", "/order", {"orderID": resting["orderID"]})
        sent["cancel answer: too late"] = await self._private("DELETE", "/order", {"orderID": resting["orderID"]})
        (sent["order event: cancellation"],) = await frames_until(user, of_kind("order"))
        await client.place(self.yes, "BUY", _dollars(low, 5000), "5000", neg_risk=True, order_type="FOK")
        killed = await client.place(self.yes, "BUY", _dollars(low, 10), "10", neg_risk=True, order_type="FOK")
        assert killed.status_code == 400
        sent["order event: killed"] = (await frames_until(user, of_kind("order")))[-1]

        await self.other.place(self.yes, "SELL", "10", _dollars(high, 10), neg_risk=True)
        sent["order answer: matched"] = (
            await client.place(self.yes, "BUY", _dollars(high, 10), "10", neg_risk=True)
        ).json()
        frames = await frames_until(user, lambda frame: frame.get("status") == "CONFIRMED")
        sent["trade event"] = frames[-1]
        sent["order event: matched"] = [frame for frame in frames if frame["event_type"] == "order"][-1]
        frames = await frames_until(market, of_kind("last_trade_price"))
        sent["last trade"] = frames[-1]
        sent["kinds after a trade"] = [frame["event_type"] for frame in frames[-4:]]
        sent["refreshed book"] = frames[-2]
        change = frames[-4]["price_changes"]
        assert {frame["hash"] for frame in frames[-3:-1]} == {each["hash"] for each in change}
        sent["trades"] = await self._private("GET", "/data/trades")
        await client.place(self.no, "BUY", "1", "20", neg_risk=True)
        batch = [
            client.order_body(self.yes, "BUY", _dollars(low, size), str(size), neg_risk=True) for size in (10, 9**6)
        ]
        sent["batch answer"] = await self._private("POST", "/orders", batch)

    async def _change(self, market: ClientConnection) -> None:
        sent, exchange = self.sent, self.exchange
        await self._private("DELETE", "/cancel-all")
        exchange.trading.cancel_market(self.listing.condition_id)
        sent["best bid and ask"] = (await frames_until(market, of_kind("best_bid_ask")))[-1]
        exchange.trading.set_tick(self.listing, 100)
        sent["tick change"] = (await frames_until(market, of_kind("tick_size_change")))[-1]
        exchange.markets.add_listing(recorded_market(91), {"id": "9", "tags": [{"label": "Stocks", "slug": "stocks"}]})
        sent["new market"] = (await frames_until(market, of_kind("new_market")))[-1]
        other = next(each for each in exchange.markets.listings if each.gamma_id == "91")
        self.server.resolutions.settle(other.condition_id, 0)
        sent["market resolved"] = (await frames_until(market, of_kind("market_resolved")))[-1]
        sent["resolutions"] = (await self.get("/data/v2/resolutions", condition=other.condition_id))["data"]

    async def _read(self) -> None:
        sent, client = self.sent, self.client
        event = str(self.exchange.markets.event_of(self.listing)["slug"])
        user = client.wallet.address
        btc = next(
            each for each in self.exchange.markets.listings if each.gamma_id not in ("91",) and not each.neg_risk
        )
        sent["event"] = await self.get(f"/gamma/events/slug/{event}")
        sent["market"] = await self.get(f"/gamma/markets/slug/{FED}")
        sent["search"] = await self.get("/gamma/public-search", q="fed")
        sent["tags"] = await self.get("/gamma/tags")
        sent["book"] = await self.get("/clob/book", token_id=btc.tokens[0])
        sent["books"] = (await client.http.post("/clob/books", json=[{"token_id": btc.tokens[0]}])).json()
        sent["compact market"] = await self.get(f"/clob/clob-markets/{self.listing.condition_id}")
        sent["listed market"] = await self.get(f"/clob/markets/{self.listing.condition_id}")
        sent["midpoint"] = await self.get("/clob/midpoint", token_id=btc.tokens[0])
        sent["last price"] = await self.get("/clob/last-trade-price", token_id=self.yes)
        sent["price history"] = await self.get("/clob/prices-history", market=self.yes, interval="1d", fidelity="10")
        sent["balance"] = await self._private("GET", "/balance-allowance", asset_type="COLLATERAL")
        sent["positions"] = await self.get("/data/v2/positions", user=user, limit="1")
        sent["activity"] = await self.get("/data/v2/activity", user=user, limit="1")
        sent["public trades"] = await self.get("/data/v2/trades", user=user, limit="1")
        sent["value"] = (await self.get("/data/v2/value", user=user))["data"]
        sent["open interest"] = (await self.get("/data/v2/oi", condition=self.listing.condition_id))["data"]
        sent["data history"] = await self.get("/data/v2/prices-history", token_id=self.yes, interval="1d")

        await self._read_first_version(user)

    async def _read_first_version(self, user: str) -> None:
        condition, event_id = self.listing.condition_id, self.listing.recorded.event_id
        for name, path, query in (
            ("positions, v1", "/positions", {"user": user}),
            ("trades, v1", "/trades", {"user": user}),
            ("activity, v1", "/activity", {"user": user}),
            ("value, v1", "/value", {"user": user}),
            ("holders, v1", "/holders", {"market": condition}),
            ("open interest, v1", "/oi", {"market": condition}),
            ("volume, v1", "/live-volume", {"id": event_id}),
            ("leaderboard, v1", "/v1/leaderboard", {}),
        ):
            self.sent[name] = await self.get("/data" + path, **query)

    async def _private(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        answer = await self.client.call(method, path, body, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


def _dollars(price: str, shares: int) -> str:
    return str(Decimal(price) * shares)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent() -> AsyncIterator[Sent]:
    """Everything the exchange sent in one session."""
    catalogue = load_catalogue()
    rules = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    clock = ManualClock(catalogue.starts_at)
    exchange = Exchange(catalogue, rules, clock)
    async with ExchangeServer(exchange) as server, httpx2.AsyncClient(base_url=server.base_url) as http:
        clients = [Client(http, clock, EthAccount.from_key(key)) for key in (KEY, OTHER_KEY)]
        for client in clients:
            await client.log_in()
        yield await Session(exchange, server, *clients).play()


# -- the comparison ----------------------------------------------------------------------------------------------------


def kind(value: Any) -> str:
    """The JSON type."""
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return "null" if value is None else names[type(value)]


def differences(recorded: Any, sent: Any, path: str = "") -> dict[str, str]:
    """What differs by path: "missing" here, "extra" here, or the two types. Of lists the first elements count.

    What was recorded as null may be anything; objects that are keyed by ids are compared by their first values.
    """
    if recorded is None:
        return {}
    if kind(recorded) != kind(sent):
        return {path: f"{kind(recorded)} was recorded, {kind(sent)} is sent"}
    if isinstance(recorded, list):
        return differences(recorded[0], sent[0], f"{path}[]") if recorded and sent else {}
    if not isinstance(recorded, dict):
        return {}
    if any(name.startswith("0x") for name in (*recorded, *sent)):
        pairs = zip(recorded.values(), sent.values(), strict=False)
        return {name: text for one, other in pairs for name, text in differences(one, other, f"{path}.<id>").items()}
    found = {f"{path}.{name}": "missing" for name in recorded.keys() - sent.keys()}
    found |= {f"{path}.{name}": "extra" for name in sent.keys() - recorded.keys()}
    for name in recorded.keys() & sent.keys():
        found |= differences(recorded[name], sent[name], f"{path}.{name}")
    return found


@dataclass(frozen=True)
class Row:
    """A situation of the session, the file that has the same one recorded, and the reasons of what differs."""

    situation: str
    file: str
    reasons: Mapping[str, str] = field(default_factory=dict)
    pick: Callable[[Any], Any] = lambda recorded: recorded


def line(event_type: str) -> Callable[[Any], Any]:
    """The first frame of a kind in a capture."""
    return lambda frames: next(
        frame for frame in frames if isinstance(frame, dict) and frame["event_type"] == event_type
    )


def from_paths(outline: Any) -> Any:
    """An empty sample from a recorded outline, whose rows are like `$[].name:str`."""
    empty = {"str": "", "number": 0, "bool": True, "null": None}

    def built(prefix: str) -> Any:
        own = {row[len(prefix) + 1 :] for row in outline["shape"] if row.startswith(prefix + ":")}
        if "array" in own:
            return [built(prefix + "[]")]
        if "object" not in own:
            return None if len(own) > 1 else empty[own.pop()]
        below = [row[len(prefix) + 1 :] for row in outline["shape"] if row.startswith(prefix + ".")]
        return {name: built(f"{prefix}.{name}") for name in {re.split(r"[.:\[]", row)[0] for row in below}}

    return built("$")


def read(path: Path) -> Any:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    if ".ndjson" in path.name or ".jsonl" in path.name:
        return [json.loads(row) for row in text.splitlines()]
    return json.loads(text)


CAPTURE = "ws_market/capture_2026-09-27.ndjson"
SHAPES = "clob_auth_shapes_synthetic_values"
TRIMMED = "whoever wrote the sample left it out; recorded ones of the kind have it"
LATER = "it came to the venue after this recording"
DOCUMENTED = "this recording lacks it, the documentation and the official client have it"
BOTH = "the venue's documentation has one spelling, its captures have the other; both are sent"
ONE_BY_ONE = "a market by itself carries its event, one within an event does not"
REQUIRED = "the sample shows the fields that its reader uses; the official client requires all"
TRADE_EXTRAS = dict.fromkeys((".data[].err_msg", ".data[].match_time_nano"), DOCUMENTED)
ROWS = [
    Row("first frame", CAPTURE, pick=lambda frames: frames[0]),
    Row("price change", CAPTURE, pick=line("price_change")),
    Row("refreshed book", CAPTURE, pick=line("book")),
    Row("last trade", CAPTURE, pick=line("last_trade_price")),
    Row("first frame", "ws_market/book_snapshot_2026-08-13.json", pick=lambda book: [book]),
    Row("best bid and ask", "ws_market/ws_market_best_bid_ask_msg.json"),
    Row("tick change", "ws_market/ws_market_tick_size_msg.json"),
    Row("tick change", "ws_market/tick_size_change_nautilus_2024_2025.json"),
    Row(
        "new market",
        "ws_market/ws_market_new_market_msg.json",
        dict.fromkeys((".fee_schedule", ".taker_base_fee", ".fees_enabled"), LATER),
    ),
    Row(
        "market resolved",
        "ws_market/ws_market_resolved_msg.json",
        dict.fromkeys((".question", ".slug", ".description", ".outcomes", ".event_message"), DOCUMENTED),
    ),
    Row("order event: placement", "ws_user/order_placement_nautilus_2024_2025.json"),
    Row("order event: cancellation", "ws_user/order_cancel_nautilus_2024_2025.json"),
    Row("order event: killed", "ws_user/order_fok_killed_2026-08-08.json"),
    Row("order event: matched", "ws_user/ws_user_order_matched_synthetic_values.json", {".event_type": TRIMMED}),
    Row("trade event", "ws_user/user_trade3_nautilus_2024_2025.json", {".matchtime": BOTH}),
    Row(
        "trade event",
        "ws_user/ws_user_trade_synthetic_values.json",
        {
            ".matchtime": BOTH,
            ".event_type": TRIMMED,
            ".transaction_hash": TRIMMED,
            ".maker_orders[].side": "the official client requires it",
        },
    ),
    Row("event", "gamma/event_negrisk_fed_decision_june_2026-05-17.json"),
    Row(
        "market",
        "gamma/event_negrisk_fed_decision_june_2026-05-17.json",
        {".events": ONE_BY_ONE},
        pick=lambda event: next(market for market in event["markets"] if market["slug"] == FED),
    ),
    Row("search", "gamma/public_search_fed_2026-05-17.json"),
    Row("tags", "gamma/tags_2026-03-09.json", {"[].forceShow": "some tags have it, as in the recorded event"}),
    Row("book", "clob/book_2026-07-25.json"),
    Row("books", "clob/books_fed_june_10tokens_2026-05-17.json"),
    Row("compact market", "clob/clob_markets_compact_v2_fed_june_2026-05-17.json", pick=lambda markets: markets[0]),
    Row(
        "listed market",
        f"{SHAPES}/market_sanitized_2026-08-08_nautilus.json",
        {".game_start_time": "a game has one and a rate decision has none"},
    ),
    Row("listed market", "clob/market_closed_accepting_false.json"),
    Row("midpoint", "clob/midpoint_2026-03-22.json"),
    Row("last price", "clob/last_trade_price_2026-03-22.json"),
    Row("price history", "clob/price_history_2026-03-22.json"),
    Row("open order", f"{SHAPES}/http_open_order.json"),
    Row("open orders", f"{SHAPES}/http_open_orders_page.json", {".limit": TRIMMED, ".count": TRIMMED}),
    Row("trades", f"{SHAPES}/data_trades_page_docs_2026.json", TRADE_EXTRAS),
    Row("trades", f"{SHAPES}/http_trades_page.json", {".limit": TRIMMED, ".count": TRIMMED, **TRADE_EXTRAS}),
    Row("cancel answer", f"{SHAPES}/http_cancel_response_ok.json"),
    Row("cancel answer: too late", f"{SHAPES}/http_cancel_response_failed.json"),
    Row(
        "order answer: live",
        f"{SHAPES}/http_order_response_ok.json",
        dict.fromkeys((".status", ".makingAmount", ".takingAmount", ".transactionsHashes", ".tradeIDs"), REQUIRED),
    ),
    Row("order answer: matched", f"{SHAPES}/post_order_response_matched_docs_2026.json"),
    Row("order answer: matched", f"{SHAPES}/post_order_response_matched_real_2025-12.json", {".tradeIDs": LATER}),
    Row(
        "batch answer",
        f"{SHAPES}/post_orders_batch_response_nautilus.json",
        dict.fromkeys(("[].status", "[].makingAmount", "[].takingAmount", "[].transactionsHashes"), REQUIRED),
    ),
    Row(
        "balance",
        f"{SHAPES}/http_balance_allowance_collateral.json",
        dict.fromkeys((".allowance", ".allowances"), "one allowance became one for each contract"),
    ),
    Row("positions", "data_api_v2/positions_envelope_2026-10-07_polyoxide.json"),
    Row("activity", "data_api_v2/activity_envelope_2026-09-14_polyoxide.json", {".data[].is_combo": DOCUMENTED}),
    Row("public trades", "data_api_v2/trades_envelope_2026-09-14_polyoxide.json"),
    *(
        Row(f"{name}, v1", f"shapes_2026-06-30/data__{file}.json", pick=from_paths)
        for name, file in (
            ("positions", "positions"),
            ("trades", "trades"),
            ("activity", "activity"),
            ("value", "value"),
            ("holders", "holders"),
            ("open interest", "oi"),
            ("volume", "live-volume"),
            ("leaderboard", "v1_leaderboard"),
        )
    ),
    Row("value", "data_api_v2/value_oi_2026-09-08_pysdk.json", pick=lambda rows: rows["value"]),
    Row("open interest", "data_api_v2/value_oi_2026-09-08_pysdk.json", pick=lambda rows: rows["oi"]),
    Row("data history", "data_api_v2/prices_history_envelope_2026-09-13_polyoxide.json"),
    Row("resolutions", "data_api_v2/resolutions_rows_2026-09-08_pysdk.json"),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.situation}, {row.file}") for row in ROWS])
async def test_fields_and_types_are_those_recorded(row: Row, sent: Sent, shared_data: Path) -> None:
    recorded = row.pick(read(shared_data / "wire" / row.file))
    found = differences(recorded, sent[row.situation])
    assert found == {path: found.get(path, "no difference") for path in row.reasons}, found


async def test_books_are_refreshed_between_the_change_and_the_trade(sent: Sent) -> None:
    assert sent["kinds after a trade"] == ["price_change", "book", "book", "last_trade_price"]
