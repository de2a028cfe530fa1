"""Servers as hosts start them: at once, one after the other, killed, and with a desk in the background."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from polydesk.server.cli import main
from polydesk.server.doors.lease import read_card
from tests.support.processes import (
    FED,
    SOURCE_COMMAND,
    Running,
    answer_of,
    environment,
    running,
    still_alive,
)

CHEAP: dict[str, Any] = {"market_id": FED, "outcome": "Yes", "size": "20", "price": "0.01", "time_in_force": "GTC"}


def quiet(state: Path, **settings: str) -> dict[str, str]:
    return environment(state, POLYMARKET_SANDBOX_TRADERS="false", POLYMARKET_COMPUTE="inline", **settings)


@asynccontextmanager
async def hosts(env: dict[str, str], number: int) -> AsyncIterator[list[Client]]:
    """So many servers over stdio, each with its host."""
    parameters = StdioServerParameters(
        command=SOURCE_COMMAND[0], args=[*SOURCE_COMMAND[1:], "serve"], env=env, cwd=env["HOME"]
    )
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(Client(parameters, mode="legacy", read_timeout_seconds=60))
            for _ in range(number)
        ]


async def test_two_hosts_at_once_are_one_account_and_the_second_carries_on_when_the_first_is_killed(
    tmp_path: Path,
) -> None:
    async with hosts(quiet(tmp_path), 3) as (first, second, third):
        placed = await answer_of(first, "place_order", **CHEAP)
        for client in (second, third):
            seen = await answer_of(client, "get_orders")
            assert [order["attempt_id"] for order in seen["orders"]] == [placed["attempt_id"]]
        card = read_card(tmp_path / "sandbox")
        assert card is not None
        os.kill(card.pid, signal.SIGKILL)
        statuses = [await answer_of(client, "get_status") for client in (second, third)]
        assert len({status["desk"]["pid"] for status in statuses}) == 1
        assert statuses[0]["desk"]["pid"] != card.pid


def test_a_signal_to_a_server_that_was_not_called_yet_halts_what_it_will_be_part_of(tmp_path: Path) -> None:
    process = probe(tmp_path, listing=True)
    process.process.send_signal(signal.SIGUSR1)
    call_tool(process, "polymarket_get_status", number=7)
    assert '"trading":"halted"' in process.output["stdout"].replace("\\", "")
    assert process.end() == 0


@pytest.mark.takeover
async def test_a_signal_to_a_door_halts_its_desk(tmp_path: Path) -> None:
    with running([*SOURCE_COMMAND, "serve"], quiet(tmp_path), stdin=subprocess.PIPE) as door:
        async with hosts(quiet(tmp_path), 1) as (client,):
            assert (await answer_of(client, "get_status"))["trading"] == "open"
            call_tool(door, "polymarket_get_status")
            door.process.send_signal(signal.SIGUSR1)
            call_tool(door, "polymarket_get_status")
            status = await answer_of(client, "get_status")
            assert (status["trading"], status["halted_because"]) == ("halted", "a signal to the process")


def call_tool(server: Running, tool: str, number: int | None = None) -> None:
    """Call a tool without arguments over raw stdio and wait for the answer."""
    if '"id":1,"result"' not in server.output["stdout"]:
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        server.send_line({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client})
        server.wait_for(r'"id":1,"result"')
        server.send_line({"jsonrpc": "2.0", "method": "notifications/initialized"})
    number = number or server.output["stdout"].count("\n") + 1
    params = {"name": tool, "arguments": {}}
    server.send_line({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    server.wait_for(rf'"id":{number},"result"')


@pytest.fixture
def background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Settings of a folder in which whatever was started in the background is stopped in the end."""
    env = quiet(tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    yield env
    assert main(["desk", "stop", "--mode", "sandbox"]) == 0


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert main(["desk", *arguments, "--mode", "sandbox", "--json"]) == code
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


async def test_a_desk_in_the_background_outlives_every_host(
    background: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started = await asyncio.to_thread(told, capsys, "start")
    pid = started["background_pid"]
    assert (started["started"], started["desk"]["pid"], started["desk"]["background"]) == (True, pid, True)
    async with hosts(background, 1) as (client,):
        status = await answer_of(client, "get_status")
        assert status["desk"] == {"pid": pid, "doors": 1, "survives_host_exit": True}
        await answer_of(client, "place_order", **CHEAP)
    async with hosts(background, 1) as (client,):
        assert len((await answer_of(client, "get_orders"))["orders"]) == 1
    again = await asyncio.to_thread(told, capsys, "start")
    assert (again["started"], again["background_pid"]) == (False, pid)
    stopped = await asyncio.to_thread(told, capsys, "stop")
    assert (stopped["stopped"], stopped["pid"]) == (True, pid)
    assert still_alive([pid]) == []
    assert (await asyncio.to_thread(told, capsys, "status", code=1))["desk"] is None


@pytest.mark.takeover
async def test_a_desk_in_the_background_stands_by_while_a_host_holds_the_desk_and_then_takes_over(
    background: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with hosts(background, 1) as (client,):
        holder = (await answer_of(client, "get_status"))["desk"]["pid"]
        started = await asyncio.to_thread(told, capsys, "start")
        assert started["desk"]["pid"] == holder
        assert started["background_pid"] not in (None, holder)
        assert (await answer_of(client, "get_status"))["desk"]["survives_host_exit"] is True
        os.kill(holder, signal.SIGKILL)
        async with hosts(background, 1) as (next_client,):
            status = await answer_of(next_client, "get_status")
            assert status["desk"]["pid"] == started["background_pid"]


@pytest.mark.takeover
def test_a_desk_that_nobody_needs_stops_by_itself_and_says_so(tmp_path: Path) -> None:
    env = quiet(tmp_path, POLYMARKET_DESK_IDLE_MINUTES="0.01")
    with running([*SOURCE_COMMAND, "desk", "run"], env) as process:
        assert process.process.wait(30) == 0
    assert "nobody has needed the desk" in (tmp_path / "sandbox" / "desk.log").read_text()
    assert read_card(tmp_path / "sandbox") is None


def test_a_desk_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in quiet(tmp_path, POLYMARKET_MODE="paper", POLYMARKET_API_URL="http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "desk.sqlite3").write_bytes(b"this is no database" * 100)
    assert main(["desk", "start"]) == 2
    said = capsys.readouterr().err
    assert "did not start: polydesk:" in said
    assert "desk.sqlite3 cannot be used" in said


@pytest.mark.takeover
def test_a_second_desk_in_the_background_is_refused(background: dict[str, str], tmp_path: Path) -> None:
    assert main(["desk", "start", "--mode", "sandbox"]) == 0
    second = subprocess.run(
        [*SOURCE_COMMAND, "desk", "run"], env=background, capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 2
    assert "already runs in the background" in second.stderr


def probe(state: Path, *, listing: bool) -> Running:
    """A server that a host starts only to look at it."""
    env = quiet(state, TMPDIR=str(state / "temporary"))
    process = Running([*SOURCE_COMMAND, "serve"], env, stdin=subprocess.PIPE)
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "probe", "version": "1"}}
    process.send_line({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client})
    process.wait_for(r'"id":1,"result"')
    if listing:
        process.send_line({"jsonrpc": "2.0", "method": "notifications/initialized"})
        process.send_line({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}})
        process.wait_for(r'"id":2,"result"')
    return process


def left_behind(state: Path) -> list[str]:
    """Everything in the folder of the state, in which a folder for temporary files is too."""
    return sorted(str(entry.relative_to(state)) for entry in state.rglob("*"))


def check_probes(state: Path, number: int) -> None:
    (state / "temporary").mkdir()
    before = left_behind(state)
    for each in range(number):
        process = probe(state, listing=each % 2 == 1)
        if each % 3 == 1:  # the others are sent a signal
            process.close_stdin()
        process.end((signal.SIGKILL, None, signal.SIGTERM)[each % 3])
    assert left_behind(state) == before


@pytest.mark.takeover
def test_probe_children_leave_nothing_behind(tmp_path: Path) -> None:
    check_probes(tmp_path, 2)


@pytest.mark.takeover
def test_a_hundred_probe_children_leave_nothing_behind(tmp_path: Path) -> None:
    check_probes(tmp_path, 100)


async def storm(env: dict[str, str], *, doors: int, calls: int) -> None:
    """Concurrent calls through many doors: each is answered once, and no limit gives way."""
    async with hosts(env, doors) as clients:
        await asyncio.gather(*(answer_of(client, "get_status") for client in clients))

        async def one(number: int) -> str:
            client = clients[number % doors]
            if number % 4:
                return (await answer_of(client, "get_order_book", market_id=FED, outcome="Yes"))["outcome"] and "read"
            order = CHEAP | {"size": str(20 + number // 4 % 50), "client_token": f"storm-{number // 4}"}
            result = await client.call_tool("polymarket_place_order", order)
            answer = result.structured_content
            assert answer is not None
            return answer["code"] if result.is_error else "placed"

        outcomes = Counter(await asyncio.gather(*(one(number) for number in range(calls))))
        assert outcomes.total() == calls
        assert outcomes["read"] == calls - (calls + 3) // 4
        resting = (await answer_of(clients[-1], "get_portfolio"))["open_orders_total"]
        assert outcomes["placed"] == resting == 30
        assert set(outcomes) == {"read", "placed", "risk_open_orders"}


@pytest.mark.takeover
async def test_concurrent_calls_through_several_doors_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    limits = {"POLYMARKET_MAX_OPEN_ORDERS": "30", "POLYMARKET_MAX_ORDERS_PER_MINUTE": "10000"}
    await storm(quiet(tmp_path, **limits), doors=2, calls=160)


@pytest.mark.takeover
async def test_two_thousand_calls_through_twenty_doors_are_neither_lost_nor_doubled(tmp_path: Path) -> None:
    limits = {"POLYMARKET_MAX_OPEN_ORDERS": "30", "POLYMARKET_MAX_ORDERS_PER_MINUTE": "10000"}
    await storm(quiet(tmp_path, **limits), doors=20, calls=2000)


async def test_a_live_desk_needs_its_limits_in_the_background_too(tmp_path: Path) -> None:
    env = quiet(tmp_path, POLYMARKET_MODE="live", POLYMARKET_PRIVATE_KEY="0x" + "1" * 64)
    done = await asyncio.create_subprocess_exec(
        *SOURCE_COMMAND, "desk", "start", env=env, stderr=asyncio.subprocess.PIPE
    )
    _, said = await done.communicate()
    assert done.returncode == 2
    assert b"POLYMARKET_MAX_EXPOSURE_USD" in said
