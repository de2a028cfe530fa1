"""Every transport serves the same desk to clients of both protocol eras, over real pipes and sockets."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2
import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.core.settings import load_settings
from polydesk.server.transports import serve
from polydesk.server.web.serving import check_http
from tests.support.processes import (
    ERAS,
    FED,
    SOURCE_COMMAND,
    TRANSPORTS,
    WAIT_S,
    Era,
    Served,
    Transport,
    answer_of,
    environment,
    running,
    serving,
)

_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Transport, Served]]:
    """One server for each transport, used by all tests of this module."""
    with ExitStack() as stack:
        env = environment(tmp_path_factory.mktemp("state"), POLYMARKET_COMPUTE="inline")
        yield {each: stack.enter_context(serving(SOURCE_COMMAND, each, env)) for each in TRANSPORTS}


@pytest.fixture(params=TRANSPORTS)
def served(request: pytest.FixtureRequest, servers: dict[Transport, Served]) -> Served:
    return servers[request.param]


@pytest.fixture(params=["sse", "http"])
def web(request: pytest.FixtureRequest, servers: dict[Transport, Served]) -> Served:
    return servers[request.param]


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_finds_its_tools_and_trades(served: Served, era: Era) -> None:
    async with served.connect(era) as client:
        assert client.protocol_version == {"legacy": "2025-11-25", "auto": "2026-07-28"}[era]
        assert "polymarket_place_order" in [tool.name for tool in (await client.list_tools()).tools]
        assert (await answer_of(client, "get_status"))["mode"] == "sandbox"
        placed = await answer_of(client, "place_order", market_id=FED, outcome="Yes", size=5, client_token=era)
        assert placed["status"] == "filled"


async def test_connections_over_sockets_share_one_desk(web: Served) -> None:
    async with web.connect() as first, web.connect("legacy") as second:
        placed = await answer_of(
            first, "place_order", market_id=FED, outcome="Yes", size=5, price=0.5, time_in_force="GTC"
        )
        (seen,) = (await answer_of(second, "get_orders", order_id=placed["order_id"]))["orders"]
        assert seen["status"] == "open"
        await answer_of(second, "cancel_orders", order_ids=[placed["order_id"]])


async def test_a_new_connection_finds_the_desk_that_an_earlier_one_left(web: Served) -> None:
    async with web.connect() as client:
        running_since = (await answer_of(client, "get_status"))["running_since"]
    async with web.connect() as client:
        assert (await answer_of(client, "get_status"))["running_since"] == running_since


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8000"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_a_web_page_cannot_reach_the_server_through_the_browser(
    web: Served, headers: dict[str, str], status: int
) -> None:
    async with httpx2.AsyncClient(timeout=WAIT_S) as http:
        if web.transport == "http":
            answer = await http.post(
                web.url, json=_INITIALIZE, headers={"Accept": "application/json, text/event-stream", **headers}
            )
        else:
            answer = await http.get(web.url, headers=headers)
    assert answer.status_code == status


async def test_a_request_of_ten_megabytes_is_refused_and_the_server_lives_on(web: Served) -> None:
    too_large = {**_INITIALIZE, "padding": "x" * 10_000_000}
    async with httpx2.AsyncClient(timeout=WAIT_S) as http:
        address = web.url if web.transport == "http" else await _message_address(web)
        assert (await http.post(address, json=too_large)).status_code == 413
    async with web.connect() as client:
        assert (await client.list_tools()).tools


async def _message_address(web: Served) -> str:
    """Where an SSE connection posts its messages."""
    async with httpx2.AsyncClient(timeout=WAIT_S) as http, http.stream("GET", web.url) as events:
        async for line in events.aiter_lines():
            if line.startswith("data: "):
                return web.url.removesuffix("/sse") + line.removeprefix("data: ")
    raise AssertionError("the stream named no address")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_addresses_that_other_machines_reach_are_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="reached from other machines"):
        check_http(load_settings(), host)


def test_an_unusual_loopback_address_is_guarded_too(tmp_path: Path) -> None:
    """The SDK by itself checks nothing behind an address such as 127.0.0.2."""
    command = [*SOURCE_COMMAND, "serve", "--transport", "http", "--host", "127.0.0.2", "--port", "0"]
    with running(command, environment(tmp_path)) as process:
        url = process.wait_for(r"polydesk serves (http://127\.0\.0\.2:\d+/mcp)\n", stream="stderr")[1]
        accept = {"Accept": "application/json, text/event-stream"}
        answers = [
            httpx2.post(url, json=_INITIALIZE, headers={**accept, **headers}).status_code
            for headers in ({}, {"Host": "evil.example"}, {"Origin": "http://evil.example"})
        ]
    assert answers == [200, 421, 403]


def test_a_taken_port_is_a_configuration_error(web: Served) -> None:
    taken = re.search(r":(\d+)/", web.url)
    assert taken is not None
    with pytest.raises(ConfigurationError, match="cannot listen"):
        serve(load_settings(), transport="http", host="127.0.0.1", port=int(taken[1]))


@pytest.mark.parametrize("ending", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.takeover)])
@pytest.mark.parametrize("transport", ["sse", "http"])
async def test_a_signal_ends_a_server_with_open_connections(
    tmp_path: Path, transport: Transport, ending: signal.Signals
) -> None:
    with serving(SOURCE_COMMAND, transport, environment(tmp_path)) as served:
        process = served.process
        assert process is not None
        with suppress(BaseExceptionGroup):  # the client may object to losing its stream
            async with served.connect("legacy") as client:
                await client.list_tools()
                assert await asyncio.to_thread(process.end, ending) == 0
        assert process.stderr.count("\n") == 1
