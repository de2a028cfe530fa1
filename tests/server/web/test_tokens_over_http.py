"""A real server, real clients of both eras with tokens: each sees and calls what its scopes allow, and nothing else."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from polydesk.server.web.tokens import TokenFile
from tests.support.certificates import self_signed
from tests.support.processes import (
    ERAS,
    FED,
    SOURCE_COMMAND,
    WAIT_S,
    Era,
    Transport,
    answer_of,
    environment,
    error_of,
    running,
    serving,
)

_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_ACCEPT = {"Accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Guarded:
    """A server that asks for tokens, and the tokens of a reader and of two traders."""

    url: str
    transport: Transport
    file: TokenFile
    reader: str
    trader: str
    other: str

    @asynccontextmanager
    async def client(self, token: str, era: Era = "auto") -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {token}"}
        if self.transport == "sse":
            async with Client(sse_client(self.url, headers=headers), mode=era) as client:
                yield client
            return
        async with (
            httpx2.AsyncClient(headers=headers, timeout=WAIT_S) as http,
            Client(streamable_http_client(self.url, http_client=http), mode=era) as client,
        ):
            yield client


@pytest.fixture(scope="module", params=[pytest.param("sse", marks=pytest.mark.takeover), "http"])
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    state = tmp_path_factory.mktemp("state")
    file = TokenFile(state / "tokens.json")
    reader = file.add("reader", ["markets:read", "trading:read"])
    trader, other = (file.add(name, ["markets:read", "trading:write"]) for name in ("trader", "other"))
    with serving(SOURCE_COMMAND, request.param, environment(state, POLYMARKET_COMPUTE="inline")) as served:
        assert served.url is not None
        yield Guarded(served.url, request.param, file, reader, trader, other)


async def test_without_a_known_token_nothing_is_answered(guarded: Guarded) -> None:
    async with httpx2.AsyncClient(timeout=WAIT_S) as http:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {guarded.reader}"}):
            call = http.build_request("GET" if guarded.transport == "sse" else "POST", guarded.url, json=_PING)
            call.headers.update(_ACCEPT | headers)
            answer = await http.send(call)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert guarded.reader not in answer.text


async def test_a_flood_of_bad_tokens_is_slowed_and_a_good_one_is_answered_beside_it(tmp_path: Path) -> None:
    token = TokenFile(tmp_path / "tokens.json").add("one", ["markets:read"])
    with serving(SOURCE_COMMAND, "http", environment(tmp_path)) as served:
        assert served.url is not None
        async with httpx2.AsyncClient(timeout=WAIT_S, headers=_ACCEPT) as http:
            answers = []
            for number in range(40):
                guess = {"Authorization": f"Bearer pd_{number}"}
                answers.append(await http.post(served.url, json=_PING, headers=guess))
            assert {each.status_code for each in answers} == {401, 429}
            assert [each.status_code for each in answers[:15]] == [401] * 15
            assert answers[-1].status_code == 429
            assert int(answers[-1].headers["retry-after"]) >= 1
            known = {"Authorization": f"Bearer {token}"}
            assert (await http.post(served.url, json=_PING, headers=known)).status_code not in (401, 429)


@pytest.mark.parametrize("era", ERAS)
async def test_a_reader_is_shown_and_calls_what_reads(guarded: Guarded, era: Era) -> None:
    async with guarded.client(guarded.reader, era) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "polymarket_search_markets" in names
        assert "polymarket_preview_order" in names
        assert not names & {"polymarket_place_order", "polymarket_analyze_market", "polymarket_get_portfolio"}
        assert (await answer_of(client, "get_market", markets=[FED]))["markets"]
        for name, arguments in (
            ("place_order", {"market_id": FED, "outcome": "Yes", "spend_usd": 5}),
            ("get_portfolio", {}),
        ):
            refused = await error_of(client, name, **arguments)
            assert (refused["code"], refused["anything_sent"]) == ("not_allowed", "no")
            assert "lacks the scope" in refused["message"]


@pytest.mark.parametrize("era", [ERAS[0], *(pytest.param(era, marks=pytest.mark.takeover) for era in ERAS[1:])])
async def test_a_draft_is_placed_by_who_previewed_it_and_by_nobody_else(guarded: Guarded, era: Era) -> None:
    async with guarded.client(guarded.trader, era) as mine, guarded.client(guarded.other, era) as theirs:
        order = {"market_id": FED, "outcome": "Yes", "spend_usd": 5}
        draft = (await answer_of(mine, "preview_order", **order))["draft_id"]
        assert (await error_of(theirs, "place_order", draft_id=draft))["code"] == "unknown_draft"
        placed = await answer_of(mine, "place_order", draft_id=draft)
        assert placed["status"] == "filled"


async def test_a_token_that_was_removed_is_refused_at_once(guarded: Guarded) -> None:
    token = guarded.file.add("passing", ["markets:read"])
    async with guarded.client(token) as client:
        assert (await client.list_tools()).tools
    guarded.file.remove("passing")
    async with httpx2.AsyncClient(timeout=WAIT_S) as http:
        call = http.build_request("GET" if guarded.transport == "sse" else "POST", guarded.url, json=_PING)
        call.headers.update({**_ACCEPT, "Authorization": f"Bearer {token}"})
        assert (await http.send(call)).status_code == 401


async def test_the_first_token_shuts_everybody_else_out_of_a_server_that_runs(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    with serving(SOURCE_COMMAND, "http", environment(tmp_path)) as served:
        assert served.url is not None
        async with httpx2.AsyncClient(timeout=WAIT_S, headers=_ACCEPT) as http:
            assert (await http.post(served.url, json=_PING)).status_code != 401
            token = file.add("one", ["markets:read"])
            assert (await http.post(served.url, json=_PING)).status_code == 401
            known = {"Authorization": f"Bearer {token}"}
            assert (await http.post(served.url, json=_PING, headers=known)).status_code != 401
            file.remove("one")
            assert (await http.post(served.url, json=_PING)).status_code == 401


async def test_a_door_tells_the_desk_whose_token_it_saw(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    one, two = (file.add(name, ["trading:write", "markets:read"]) for name in ("one", "two"))
    env = environment(tmp_path, POLYMARKET_COMPUTE="inline")
    with serving(SOURCE_COMMAND, "http", env) as first, serving(SOURCE_COMMAND, "http", env) as second:
        assert first.url is not None and second.url is not None
        desk = Guarded(first.url, "http", file, one, one, two)
        door = Guarded(second.url, "http", file, one, one, two)
        order = {"market_id": FED, "outcome": "Yes", "spend_usd": 5}
        async with desk.client(one) as at_desk, door.client(one) as at_door, door.client(two) as stranger:
            await at_desk.call_tool("polymarket_get_market", {"markets": [FED]})  # now the first is the desk
            draft = (await answer_of(at_desk, "preview_order", **order))["draft_id"]
            assert (await error_of(stranger, "place_order", draft_id=draft))["code"] == "unknown_draft"
            claim: Any = {"polydesk/token": "one"}
            forged = await stranger.call_tool("polymarket_place_order", {"draft_id": draft}, meta=claim)
            assert forged.structured_content is not None
            assert forged.structured_content["code"] == "unknown_draft"
            assert (await answer_of(at_door, "place_order", draft_id=draft))["status"] == "filled"


def test_an_address_for_others_is_not_served_in_the_open(tmp_path: Path) -> None:
    command = [*SOURCE_COMMAND, "serve", "--transport", "http", "--host", "0.0.0.0", "--port", "0"]
    with running(command, environment(tmp_path)) as process:
        assert process.end(None) == 2
        assert "polydesk tokens add" in process.stderr
        assert "PUBLIC_URL" in process.stderr


async def test_one_client_cannot_ask_without_end(tmp_path: Path) -> None:
    env = environment(tmp_path, POLYMARKET_HTTP_CALLS_PER_MINUTE="20")
    with serving(SOURCE_COMMAND, "http", env) as served:
        assert served.url is not None
        async with httpx2.AsyncClient(timeout=WAIT_S) as http:
            answers = [await http.post(served.url, json=_PING, headers=_ACCEPT) for _ in range(10)]
            assert answers[-1].status_code == 429
            assert 0 < int(answers[-1].headers["retry-after"]) <= 3
            elsewhere = {**_ACCEPT, "X-Forwarded-For": "203.0.113.9"}
            claimed = [await http.post(served.url, json=_PING, headers=elsewhere) for _ in range(3)]
        assert claimed[-1].status_code == 429, "nobody gets another allowance by saying that he is somebody else"


@pytest.mark.takeover
def test_a_connection_that_says_nothing_is_closed(tmp_path: Path) -> None:
    with serving(SOURCE_COMMAND, "http", environment(tmp_path)) as served:
        assert served.url is not None
        port = int(served.url.rsplit(":", 1)[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as silent:
            silent.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            assert silent.recv(1) == b""


@pytest.mark.takeover
def test_with_a_certificate_it_is_https(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    env = environment(tmp_path, POLYMARKET_HTTP_TLS_CERTIFICATE=str(certificate), POLYMARKET_HTTP_TLS_KEY=str(key))
    command = [*SOURCE_COMMAND, "serve", "--transport", "http", "--port", "0"]
    with running(command, env) as process:
        url = process.wait_for(r"polydesk serves (https://127\.0\.0\.1:\d+/mcp)", stream="stderr")[1]
        with httpx2.Client(verify=ssl.create_default_context(cafile=certificate), timeout=WAIT_S) as http:
            assert http.post(url, json=_PING, headers=_ACCEPT).status_code < 500
        with pytest.raises(httpx2.HTTPError):
            httpx2.post(url, json=_PING)
    assert os.path.exists(key)
