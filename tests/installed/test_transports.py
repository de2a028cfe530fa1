"""The installed command over every transport and protocol era, driven by the official client."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx2
import pytest

from tests.support.processes import (
    ERAS,
    FED,
    TRANSPORTS,
    WAIT_S,
    Era,
    Transport,
    answer_of,
    environment,
    error_of,
    running,
    serving,
    still_alive,
)

pytestmark = pytest.mark.installed

_ACCEPT = {"Accept": "application/json, text/event-stream"}
_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_agent_goes_from_question_to_order(
    command: tuple[str, ...], tmp_path: Path, transport: Transport, era: Era
) -> None:
    with serving(command, transport, environment(tmp_path)) as served:
        async with served.connect(era) as client:
            assert client.protocol_version == {"legacy": "2025-11-25", "auto": "2026-07-28"}[era]
            assert client.server_info is not None
            assert client.server_info.name == "polydesk"
            assert "SANDBOX" in (client.instructions or "")
            assert len((await client.list_tools()).tools) >= 12
            assert (await answer_of(client, "get_status"))["mode"] == "sandbox"
            found = await answer_of(client, "search_markets", query="fed june no change")
            assert FED in [each["market"] for each in found["markets"]]
            analysis = await answer_of(client, "analyze_market", market_id=FED, outcome="Yes")
            assert analysis["verdict"]
            placed = await answer_of(client, "place_order", market_id=FED, outcome=0, size=5)
            assert placed["status"] == "filled"
            assert (await error_of(client, "place_order", market_id=FED, outcome=0))["anything_sent"] == "no"


async def test_ten_sse_connections_see_the_order_of_one(command: tuple[str, ...], tmp_path: Path) -> None:
    with serving(command, "sse", environment(tmp_path)) as served:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(served.connect(ERAS[number % 2])) for number in range(10)]
            placed = await answer_of(
                clients[0], "place_order", market_id=FED, outcome="Yes", size=5, price=0.5, time_in_force="GTC"
            )
            seen = await asyncio.gather(
                *(answer_of(each, "get_orders", order_id=placed["order_id"]) for each in clients)
            )
            assert [each["orders"][0]["status"] for each in seen] == ["open"] * 10


@pytest.mark.parametrize("transport", ["sse", "http"])
async def test_the_browser_is_no_way_in(command: tuple[str, ...], tmp_path: Path, transport: Transport) -> None:
    with serving(command, transport, environment(tmp_path)) as served:
        async with httpx2.AsyncClient(timeout=WAIT_S, headers=_ACCEPT) as http:
            for headers, status in (({"Host": "evil.example"}, 421), ({"Origin": "http://evil.example"}, 403)):
                method = "POST" if transport == "http" else "GET"
                body = _INITIALIZE if transport == "http" else None
                answer = await http.request(method, served.url, json=body, headers=headers)
                assert answer.status_code == status


async def test_a_request_of_ten_megabytes_is_refused_over_http(command: tuple[str, ...], tmp_path: Path) -> None:
    with serving(command, "http", environment(tmp_path)) as served:
        async with httpx2.AsyncClient(timeout=WAIT_S, headers=_ACCEPT) as http:
            answer = await http.post(served.url, json={**_INITIALIZE, "padding": "x" * 10_000_000})
        assert answer.status_code == 413
        async with served.connect() as client:
            assert (await answer_of(client, "get_status"))["mode"] == "sandbox"


async def test_an_argument_of_ten_megabytes_is_refused_over_stdio(command: tuple[str, ...], tmp_path: Path) -> None:
    with serving(command, "stdio", environment(tmp_path)) as served:
        async with served.connect() as client:
            refusal = await error_of(client, "search_markets", query="x" * 10_000_000)
            assert refusal["code"] == "invalid_arguments"
            assert (await answer_of(client, "get_status"))["mode"] == "sandbox"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("transport", ["sse", "http"])
async def test_a_signal_ends_a_server_with_open_connections(
    command: tuple[str, ...], tmp_path: Path, transport: Transport, ending: signal.Signals
) -> None:
    with serving(command, transport, environment(tmp_path)) as served:
        process = served.process
        assert process is not None
        with suppress(BaseExceptionGroup):  # the client may object to losing its stream
            async with served.connect("legacy") as client:
                await answer_of(client, "analyze_market", market_id=FED, outcome="Yes")
                workers = process.descendants()
                assert await asyncio.to_thread(process.end, ending) == 0
        assert workers
        assert still_alive(workers) == []


def test_stdio_survives_noise_and_ends_with_its_input(command: tuple[str, ...], tmp_path: Path) -> None:
    with running([*command, "serve"], environment(tmp_path), stdin=subprocess.PIPE) as process:
        process.send_line(b"not JSON at all")
        process.send_line(_INITIALIZE)
        process.wait_for(r'"id":1,"result"')
        process.send_line({"jsonrpc": "2.0", "method": "notifications/initialized"})
        call = {"name": "polymarket_analyze_market", "arguments": {"market_id": FED, "outcome": "Yes"}}
        process.send_line({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call})
        process.wait_for(r'"id":2,"result"')
        workers = process.descendants()
        process.close_stdin()
        assert process.end(None) == 0
        assert process.stderr == ""
        assert workers
        assert still_alive(workers) == []


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_stdio(command: tuple[str, ...], tmp_path: Path, ending: signal.Signals) -> None:
    with running([*command, "serve"], environment(tmp_path), stdin=subprocess.PIPE) as process:
        process.send_line(_INITIALIZE)
        process.wait_for(r'"id":1,"result"')
        assert process.end(ending) == 0
        assert process.stderr == ""
