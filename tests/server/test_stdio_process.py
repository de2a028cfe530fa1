"""What a host may do to the stdio process, and how every process ends."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import FED, SOURCE_COMMAND, Running, environment, running, still_alive


def request(number: int, method: str, **parameters: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}


def call(number: int, tool: str, **arguments: Any) -> dict[str, Any]:
    return request(number, "tools/call", name=f"polymarket_{tool}", arguments=arguments)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A stdio server after the handshake."""
    with running([*SOURCE_COMMAND, "serve"], environment(tmp_path), stdin=subprocess.PIPE) as process:
        client = {"name": "test", "version": "1"}
        process.send_line(request(1, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client))
        process.wait_for(r'"id":1,"result"')
        process.send_line({"jsonrpc": "2.0", "method": "notifications/initialized"})
        yield process


@pytest.mark.parametrize("line", [b"this is not JSON", b"\xff\xfe{", b"[]", b'{"jsonrpc":"1.0"}', b""])
def test_a_malformed_line_does_not_end_the_server(server: Running, line: bytes) -> None:
    server.send_line(line)
    server.send_line(request(2, "tools/list"))
    server.wait_for(r'"id":2,"result"')


@pytest.mark.takeover
def test_an_argument_of_ten_megabytes_is_refused_and_the_server_lives_on(server: Running) -> None:
    server.send_line(call(2, "search_markets", query="x" * 10_000_000))
    refusal = server.wait_for(r'.*"id":2.*\n')[0]
    assert "at most 200 characters" in refusal
    assert len(refusal) < 2000
    server.send_line(request(3, "tools/list"))
    server.wait_for(r'"id":3,"result"')


@pytest.mark.parametrize("ending", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.takeover), None])
def test_it_ends_cleanly_and_takes_its_worker_along(server: Running, ending: int | None) -> None:
    """None stands for the host closing stdin."""
    server.send_line(call(2, "analyze_market", market_id=FED, outcome="Yes"))
    server.wait_for(r'"id":2,"result"')
    workers = server.descendants()
    assert workers
    if ending is None:
        server.close_stdin()
    assert server.end(ending) == 0
    assert server.stderr == ""
    assert still_alive(workers) == []


def test_ending_it_before_the_first_call_is_clean_too(server: Running) -> None:
    server.close_stdin()
    assert server.end(None) == 0
    assert server.stderr == ""
