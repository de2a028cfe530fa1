"""Faults happen to what their rules say, when their rules say, and only then."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect

from polydesk.core.clock import ManualClock
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.book import Order
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.faults import (
    ConnectionFault,
    Fault,
    FaultPlan,
    FaultRule,
    HtmlError,
    RateLimited,
    SlowBody,
    StatusFault,
    StreamFault,
    Trigger,
    load_fault_plan,
)
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

EVERY_KIND: list[dict[str, Any]] = [
    {"kind": "reset_before_read", "route": "/clob/order", "method": "POST", "after": 2, "count": 1},
    {"kind": "reset_after_read", "probability": 0.1, "seed": 4},
    {"kind": "slow_body", "delay_s": 0.5, "pieces": 3},
    {"kind": "invalid_json"},
    {"kind": "html_error", "status": 503},
    {"kind": "status", "status": 418, "body": {"error": "x"}, "headers": {"X-A": "b"}, "retry_after": 3},
    {"kind": "restarting", "restarting_s": 10, "post_only_s": 20},
    {"kind": "post_only", "retry_after": 79},
    {"kind": "cancel_only"},
    {"kind": "disabled"},
    {"kind": "rate_limited", "retry_after": 5, "every": 3},
    {"kind": "rate_limited"},
    {"kind": "clock_skew", "seconds": -90},
    {"kind": "freeze", "route": "/ws/market", "after": 5},
    {"kind": "duplicate", "every": 2},
    {"kind": "reorder"},
    {"kind": "truncate"},
]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "faults.json"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_may_name_every_kind(written: Callable[[str], Path]) -> None:
    plan = load_fault_plan(written(json.dumps(EVERY_KIND)))
    assert [rule.kind for rule in plan.rules] == [rule["kind"] for rule in EVERY_KIND]
    assert len(plan.streams) == 4
    assert len(plan.http) + len(plan.streams) == len(EVERY_KIND)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("{}", "must hold a JSON list"),
        ("[3]", "rule 1: "),
        ("[{}]", "rule 1: .*'kind'"),
        ('[{"kind": "earthquake"}]', "rule 1: .*earthquake.*reset_before_read"),
        ('[{"kind": "status"}]', "rule 1, status: Field required"),
        ('[{"kind": "invalid_json"}, {"kind": "slow_body", "delay_s": -1}]', "rule 2, delay_s: .*greater than 0"),
        ('[{"kind": "freeze", "delay": 1}]', "rule 1, delay: Extra inputs"),
        ('[{"kind": "freeze", "probability": 2}]', "rule 1, probability: "),
        ('[{"kind": "freeze", "method": "PATCH"}]', "rule 1, method: "),
    ],
)
def test_a_mistake_in_a_file_is_named(written: Callable[[str], Path], text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        load_fault_plan(written(text))


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_fault_plan(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("rule", "hits"),
    [
        (FaultRule(), [1, 2, 3, 4, 5, 6, 7, 8]),
        (FaultRule(after=3), [4, 5, 6, 7, 8]),
        (FaultRule(every=3), [1, 4, 7]),
        (FaultRule(after=1, every=2, count=2), [2, 4]),
        (FaultRule(count=1), [1]),
    ],
)
def test_counts_say_when(rule: FaultRule, hits: list[int]) -> None:
    trigger = Trigger(rule)
    assert [number for number in range(1, 9) if trigger.pull()] == hits
    assert trigger.hits == len(hits)


def test_chance_is_drawn_from_the_seed() -> None:
    def hits(seed: int) -> list[bool]:
        trigger = Trigger(FaultRule(probability=0.3, seed=seed))
        return [trigger.pull() for _ in range(500)]

    assert hits(1) == hits(1) != hits(2)
    assert 100 < sum(hits(1)) < 200


def test_a_rule_covers_paths_by_pattern_and_one_method_or_all() -> None:
    rule = FaultRule(route="/clob/*", method="POST")
    assert rule.covers("POST", "/clob/order")
    assert not rule.covers("GET", "/clob/order")
    assert not rule.covers("POST", "/gamma/events")
    assert FaultRule().covers("DELETE", "/clob/order")


OpenExchange = Callable[..., Awaitable[tuple[ExchangeServer, httpx2.AsyncClient]]]


@pytest.fixture
async def serve(catalogue: Catalogue, clock: ManualClock) -> AsyncIterator[OpenExchange]:
    async with AsyncExitStack() as opened:

        async def start(*faults: Fault) -> tuple[ExchangeServer, httpx2.AsyncClient]:
            settings = ExchangeSettings(simulated_traders=False, faults=FaultPlan.of(*faults))
            server = await opened.enter_async_context(ExchangeServer(Exchange(catalogue, settings, clock)))
            client = await opened.enter_async_context(httpx2.AsyncClient(base_url=server.base_url, timeout=5))
            return server, client

        yield start


@pytest.mark.parametrize("kind", ["reset_before_read", "reset_after_read"])
async def test_a_reset_really_cuts_the_connection_and_no_other(serve: OpenExchange, kind: Any) -> None:
    server, client = await serve(ConnectionFault(kind=kind, route="/clob/time", count=1))
    async with httpx2.AsyncClient(base_url=server.base_url) as other:
        assert (await other.get("/clob/ok")).status_code == 200
        with pytest.raises(httpx2.ReadError):
            await client.get("/clob/time")
        assert (await client.get("/clob/time")).status_code == 200
        assert (await other.get("/clob/ok")).status_code == 200


async def test_an_answer_is_what_the_rule_says(serve: OpenExchange) -> None:
    rule = StatusFault(
        kind="status", status=503, body={"error": "x"}, headers={"X-Seen": "yes"}, retry_after=4, route="/gamma/*"
    )
    _, client = await serve(rule, StatusFault(kind="status", status=400, body="plain", route="/data/*"))
    answer = await client.get("/gamma/tags")
    assert (answer.status_code, answer.json()) == (503, {"error": "x"})
    assert (answer.headers["retry-after"], answer.headers["x-seen"]) == ("4", "yes")
    assert (await client.get("/data/trades")).text == "plain"
    assert (await client.get("/clob/ok")).json() == "OK"


async def test_a_proxys_page_is_html(serve: OpenExchange) -> None:
    _, client = await serve(HtmlError(kind="html_error"))
    answer = await client.get("/clob/ok")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert answer.text.startswith("<html>")


async def test_a_slow_body_arrives_whole_and_piece_by_piece(serve: OpenExchange, clock: ManualClock) -> None:
    _, client = await serve(SlowBody(kind="slow_body", delay_s=10, pieces=4, count=1))
    reading = asyncio.create_task(client.get("/gamma/events?limit=5"))
    began = clock.now()
    async with asyncio.timeout(10):
        while not reading.done():
            await clock.advance(1)
            await asyncio.wait([reading], timeout=0.005)
    assert (clock.now() - began).total_seconds() >= 40
    assert reading.result().json() == (await client.get("/gamma/events?limit=5")).json()


async def test_rules_are_asked_in_their_order(serve: OpenExchange) -> None:
    _, client = await serve(
        RateLimited(kind="rate_limited", route="/clob/*", every=2), HtmlError(kind="html_error", route="/clob/*")
    )
    assert [(await client.get("/clob/ok")).status_code for _ in range(4)] == [429, 502, 429, 502]


async def test_an_exchange_without_faults_has_no_part_for_them(serve: OpenExchange) -> None:
    server, _ = await serve()
    assert server.application.user_middleware == []


TOKEN = "131"


async def subscribed(server: ExchangeServer) -> ClientConnection:
    stream = await connect(f"{server.ws_url}/market")
    await stream.send(json.dumps({"type": "market", "assets_ids": [TOKEN]}))
    return stream


async def frames(stream: ClientConnection, count: int) -> list[str]:
    async with asyncio.timeout(5):
        return [str(await stream.recv()) for _ in range(count)]


async def until_pong(stream: ClientConnection) -> list[str]:
    """What arrives before the answer to a ping that is sent now."""
    await stream.send("PING")
    heard: list[str] = []
    async with asyncio.timeout(5):
        while (frame := str(await stream.recv())) != "PONG":
            heard.append(frame)
    return heard


def change(server: ExchangeServer, cents: int) -> None:
    """A new bid in the watched book, at a price of its own."""
    exchange = server.exchange
    listing = exchange.markets.by_token[TOKEN]
    account = exchange.accounts.open_account("somebody")
    exchange.ledger.deposit(account, 10**9)
    exchange.trading.enter(
        Order(
            id=f"0x{cents:064x}",
            account=account,
            condition_id=listing.condition_id,
            token_id=TOKEN,
            outcome=0,
            side="BUY",
            price=cents * 100,
            size=10_000_000,
            order_type="GTC",
            created_at_ms=exchange.now_ms,
        ),
        post_only=False,
    )


def prices(heard: list[str]) -> list[str]:
    """The prices that level changes of the watched token name, in order of arrival."""
    found = []
    for frame in heard:
        message = json.loads(frame)
        if isinstance(message, dict) and message["event_type"] == "price_change":
            found += [row["price"] for row in message["price_changes"] if row["asset_id"] == TOKEN]
    return found


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("duplicate", ["0.41", "0.41", "0.42", "0.43"]),
        ("reorder", ["0.42", "0.41", "0.43"]),
        ("freeze", []),
    ],
)
async def test_frames_are_disturbed_as_told(serve: OpenExchange, kind: Any, expected: list[str]) -> None:
    """The first frame is the opening book; the fault hits the first change."""
    server, _ = await serve(StreamFault(kind=kind, route="/ws/market", after=1, count=1))
    stream = await subscribed(server)
    try:
        await frames(stream, 1)
        for cents in (41, 42, 43):
            change(server, cents)
        heard = await until_pong(stream)
        assert prices(heard) == expected
    finally:
        await stream.close()


async def test_a_truncated_frame_is_no_json(serve: OpenExchange) -> None:
    server, _ = await serve(StreamFault(kind="truncate", after=1, count=1))
    stream = await subscribed(server)
    try:
        await frames(stream, 1)
        change(server, 41)
        change(server, 42)
        spoilt, whole = await until_pong(stream)
        with pytest.raises(ValueError, match=r"."):
            json.loads(spoilt)
        assert prices([whole]) == ["0.42"]
    finally:
        await stream.close()


async def test_a_frozen_stream_still_answers_pings_and_a_new_one_is_alive(serve: OpenExchange) -> None:
    server, _ = await serve(StreamFault(kind="freeze", after=1, count=1))
    stream = await subscribed(server)
    await frames(stream, 1)
    for cents in (41, 42):
        change(server, cents)
        assert await until_pong(stream) == []
    again = await subscribed(server)
    try:
        await frames(again, 1)
        change(server, 43)
        assert prices(await until_pong(again)) == ["0.43"]
        assert await until_pong(stream) == []
    finally:
        await stream.close()
        await again.close()


async def test_chance_hits_its_share_of_requests(serve: OpenExchange) -> None:
    _, client = await serve(RateLimited(kind="rate_limited", probability=0.5, seed=9))
    answers = Counter([(await client.get("/clob/ok")).status_code for _ in range(60)])
    assert 15 < answers[429] < 45
