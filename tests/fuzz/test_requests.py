"""A server on an address, and bytes that are no request: it answers or hangs up, and lives on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.processes import SOURCE_COMMAND, WAIT_S, Served, environment, serving

from .conftest import TRIED
from .json_values import ANY

pytestmark = pytest.mark.fuzz

_HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture(scope="module", params=["http", "sse"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    env = environment(tmp_path_factory.mktemp("state"), POLYMARKET_HTTP_CALLS_PER_MINUTE="1000000")
    with serving(SOURCE_COMMAND, request.param, env) as running:
        yield running


def test_bytes_that_are_no_request_end_with_their_connection(served: Served) -> None:
    host, port = "127.0.0.1", int(served.url.rsplit(":", 1)[1].split("/")[0])
    pieces = st.sampled_from(
        [
            *(b"GET ", b"POST ", b"/mcp", b"/sse", b" HTTP/1.1\r\n", b"Host: 127.0.0.1\r\n", b"\r\n", b"\x00"),
            *(b"Content-Length: -1\r\n", b"Content-Length: 99999999999\r\n", b"Transfer-Encoding: chunked\r\n"),
            *(b"ffff\r\n", b"Upgrade: h2c\r\n", b"A" * 70_000, b"Expect: 100-continue\r\n", b"\xff" * 50),
        ]
    )

    @given(st.lists(st.one_of(pieces, st.binary(max_size=60)), max_size=12))
    def attempt(parts: list[bytes]) -> None:
        TRIED["http bytes"] += 1
        with socket.create_connection((host, port), timeout=WAIT_S) as connection:
            try:
                connection.sendall(b"".join(parts))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
            except OSError:
                pass  # it hung up first

    attempt()
    assert served.process is not None
    assert served.process.process.poll() is None
    assert "Traceback" not in served.process.stderr


def test_json_that_is_no_call_is_answered(served: Served) -> None:
    if served.transport == "sse":
        pytest.skip("messages of SSE go to an address that a stream has named")

    @given(
        st.one_of(
            ANY,
            st.fixed_dictionaries(
                {
                    "jsonrpc": st.just("2.0"),
                    "method": st.sampled_from(["tools/call", "initialize", "ping", "tools/list"]),
                },
                optional={"id": ANY, "params": ANY},
            ),
        )
    )
    def attempt(message: object) -> None:
        TRIED["json-rpc messages"] += 1
        try:
            answer = httpx2.post(served.url, json=message, headers=_HEADERS, timeout=WAIT_S)
        except (ValueError, OverflowError):
            return  # no JSON
        assert answer.status_code < 500, answer.text

    attempt()
    assert served.process is not None
    assert "Traceback" not in served.process.stderr


def test_a_path_that_is_none_is_not_found(served: Served, tmp_path: Path) -> None:
    base = served.url.rsplit("/", 1)[0]
    for path in ("/", "/../etc/passwd", "/mcp/../../x", "/.well-known/oauth-authorization-server", "/%00"):
        TRIED["http paths"] += 1
        assert httpx2.get(base + path, timeout=WAIT_S).status_code in (400, 404, 405, 406)
