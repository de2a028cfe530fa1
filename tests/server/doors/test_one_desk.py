"""Several servers of one folder are one desk: one account, one set of limits, and whoever is left carries on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import CallToolResult

import polydesk.server.doors.greeting as greeting_module
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from polydesk.server.doors.lease import DeskCard, read_card
from polydesk.server.doors.link import Link, greet
from tests.support.live_desk import LIVE_LIMITS
from tests.support.processes import ERAS, FED, KEY, Era, answer_of, error_of

CHEAP: dict[str, Any] = {
    "market_id": FED,
    "outcome": "Yes",
    "size": "20",
    "price": "0.01",
    "time_in_force": "GTC",
}


def written_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


class Desks:
    """Servers on one state folder, each with a client."""

    def __init__(self, folder: Path, opened: AsyncExitStack) -> None:
        self.folder = folder
        self._opened = opened
        self.applications: list[Application] = []

    async def client(self, era: Era = "auto", **settings: Any) -> Client:
        defaults = {
            "mode": "sandbox",
            "state_dir": self.folder,
            "compute": "inline",
            "sandbox_traders": False,
            **LIVE_LIMITS,
        }
        application = Application(load_settings(**(defaults | settings)))
        self.applications.append(application)
        self._opened.push_async_callback(application.aclose)
        return await self._opened.enter_async_context(Client(build_server(application), mode=era))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@asynccontextmanager
async def desks(folder: Path) -> AsyncIterator[Desks]:
    async with AsyncExitStack() as opened:
        yield Desks(folder, opened)


@pytest.mark.parametrize("era", ERAS)
async def test_two_hosts_trade_on_one_account_and_see_each_others_orders(folder: Path, era: Era) -> None:
    async with desks(folder) as several:
        first, second = await several.client(era), await several.client(era)
        placed = await answer_of(first, "place_order", **CHEAP)
        seen = await answer_of(second, "get_orders")
        assert [order["attempt_id"] for order in seen["orders"]] == [placed["attempt_id"]]
        again = await answer_of(second, "place_order", **CHEAP)
        assert again["already_placed"] is True
        assert [each.doorway.holds_desk for each in several.applications] == [True, False]


async def test_limits_hold_across_doors(folder: Path) -> None:
    async with desks(folder) as several:
        clients = [await several.client(max_open_orders=3) for _ in range(3)]
        await answer_of(clients[0], "get_status")
        orders = [CHEAP | {"size": str(20 + number)} for number in range(9)]
        placed = await asyncio.gather(
            *(clients[number % 3].call_tool("polymarket_place_order", order) for number, order in enumerate(orders))
        )
        assert sum(not each.is_error for each in placed) == 3
        refusals = {each.structured_content["code"] for each in placed if each.is_error}
        assert refusals == {"risk_open_orders"}


async def test_nothing_is_taken_before_the_first_call(folder: Path) -> None:
    async with desks(folder) as several:
        client = await several.client()
        await client.list_tools()
        assert written_in(folder) == []


async def test_a_read_only_door_stays_read_only_and_a_reader_may_hold_the_desk_of_a_writer(folder: Path) -> None:
    async with desks(folder) as several:
        reader = await several.client(read_only=True)
        assert (await answer_of(reader, "get_status"))["trading"] == "read-only"
        writer = await several.client()
        assert (await answer_of(writer, "get_status"))["trading"] == "open"
        assert several.applications[0].doorway.holds_desk
        await answer_of(writer, "place_order", **CHEAP)
        refused = await reader.call_tool("polymarket_place_order", CHEAP)
        assert refused.is_error
        assert len((await answer_of(reader, "get_orders"))["orders"]) == 1


async def test_toolsets_are_those_of_the_door(folder: Path) -> None:
    async with desks(folder) as several:
        narrow, wide = await several.client(toolsets=("markets", "operations")), await several.client(toolsets=("all",))
        assert (await answer_of(narrow, "get_status"))["toolsets"] == ["markets", "operations"]
        assert "strategies" in (await answer_of(wide, "get_status"))["toolsets"]
        assert (await answer_of(wide, "get_runs"))["runs"] == []


async def test_status_says_who_is_the_desk_and_that_it_ends_with_its_host(folder: Path) -> None:
    async with desks(folder) as several:
        first, second = await several.client(), await several.client()
        await answer_of(first, "get_status")
        card = read_card(folder / "sandbox")
        assert card is not None
        told = (await answer_of(second, "get_status"))["desk"]
        assert told == {"pid": card.pid, "doors": 1, "survives_host_exit": False}


async def test_each_host_is_told_by_itself_what_happened_since_it_last_looked(folder: Path) -> None:
    async with desks(folder) as several:
        first, second = await several.client(), await several.client("legacy")
        for client in (first, second):
            await answer_of(client, "get_status")
        await answer_of(first, "place_order", **(CHEAP | {"price": "0.99"}))
        told = await answer_of(second, "get_status")
        assert [news["what"] for news in told["since_last_seen"]["orders"]] != []
        assert "since_last_seen" not in await answer_of(second, "get_status")


async def test_a_door_with_other_limits_is_told_which(folder: Path) -> None:
    async with desks(folder) as several:
        first, second = await several.client(max_day_usd=100), await several.client(max_day_usd=1_000_000)
        await answer_of(first, "get_status")
        refused = await error_of(second, "get_status")
        assert refused["code"] == "configuration"
        assert "POLYMARKET_MAX_DAY_USD" in refused["message"]
        assert "1000000" not in refused["message"]


async def test_a_door_of_another_version_is_told_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desks(folder) as several:
        first, second = await several.client(), await several.client()
        await answer_of(first, "get_status")
        original = greeting_module.Greeting.of

        def newer(*given: Any, **named: Any) -> Any:
            made = original(*given, **named)
            object.__setattr__(made, "version", "99.0")
            return made

        monkeypatch.setattr(greeting_module.Greeting, "of", newer)
        refused = await error_of(second, "get_status")
        assert refused["code"] == "configuration"
        assert "99.0" in refused["message"]
        assert "polydesk desk stop" in refused["message"]


async def test_a_greeting_of_a_version_yet_to_come_is_answered_with_what_to_do(folder: Path) -> None:
    async with desks(folder) as several:
        client = await several.client()
        await answer_of(client, "get_status")
        card = read_card(folder / "sandbox")
        assert card is not None
        reader, writer = await asyncio.open_unix_connection(str(card.socket))
        writer.write(
            json.dumps({"secret": card.secret, "version": "99.0", "wish": "serve", "pid": "x"}).encode() + b"\n"
        )
        answer = json.loads(await reader.readline())
        assert "polydesk 99.0" in answer["refused"]
        writer.close()


async def test_a_stranger_who_does_not_know_the_secret_is_sent_away(folder: Path) -> None:
    async with desks(folder) as several:
        client = await several.client()
        await answer_of(client, "get_status")
        card = read_card(folder / "sandbox")
        assert card is not None
        for line in (b"", b"nonsense\n", b"[]\n", json.dumps({"secret": "guess"}).encode() + b"\n", forged(card)):
            reader, writer = await asyncio.open_unix_connection(str(card.socket))
            writer.write(line)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()


def forged(card: DeskCard) -> bytes:
    made = greeting_module.Greeting.of(load_settings(mode="sandbox"), "serve", secret="0" * 64)
    assert card.secret != made.secret
    return json.dumps(made.as_json()).encode() + b"\n"


async def test_a_question_put_by_a_desk_that_has_ended_is_a_reason_to_call_again(folder: Path) -> None:
    async with desks(folder) as several:
        first, second = await several.client(), await several.client()
        await answer_of(first, "get_status")
        await answer_of(second, "get_status")
        result = await second.session.call_tool(
            "polymarket_place_order", CHEAP, request_state=f"{'0' * 16}.sealed", allow_input_required=True
        )
        assert isinstance(result, CallToolResult)
        assert result.is_error
        assert result.structured_content is not None
        assert result.structured_content["anything_sent"] == "no"
        assert "make the same call again" in result.structured_content["message"]
        assert (await answer_of(first, "get_orders"))["orders"] == []


@pytest.mark.parametrize("at", [0, 1])
async def test_an_answer_to_a_question_that_nobody_put_is_an_error_of_the_protocol(folder: Path, at: int) -> None:
    async with desks(folder) as several:
        clients = [await several.client(), await several.client()]
        await answer_of(clients[0], "get_status")
        card = several.applications[0].doorway._card
        assert card is not None
        for state in ("made up", f"{card.mark}.made up"):
            with pytest.raises(MCPError, match="requestState"):
                await clients[at].session.call_tool("polymarket_place_order", CHEAP, request_state=state)
        assert (await answer_of(clients[0], "get_orders"))["orders"] == []


async def test_a_host_that_gives_up_in_the_handshake_of_its_door_leaves_no_connection(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desks(folder) as several:
        first, second = await several.client(), await several.client("legacy")
        await answer_of(first, "get_status")
        waiting = asyncio.Event()

        async def never(self: Link, call: Any) -> None:
            waiting.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patched:
            patched.setattr(Link, "_shake_hands", never)
            call = asyncio.create_task(second.call_tool("polymarket_get_status", {}))
            await waiting.wait()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        await answer_of(second, "get_status")
        listener = several.applications[0].doorway._listener
        assert listener is not None
        assert len(listener._visits) == 2  # its attendance and its link


@pytest.mark.parametrize("era", ERAS)
async def test_when_the_desk_is_closed_another_door_becomes_it(folder: Path, era: Era) -> None:
    async with desks(folder) as several:
        first, second, third = [await several.client(era) for _ in range(3)]
        for client in (first, second, third):
            await answer_of(client, "get_status")
        await several.applications[0].aclose()
        await answer_of(third, "get_status")
        await answer_of(second, "get_portfolio")
        holders = [each.doorway.holds_desk for each in several.applications]
        assert sorted(holders) == [False, False, True]
        assert not holders[0]


async def test_a_host_that_gives_up_while_the_desk_opens_leaves_it_whole(folder: Path) -> None:
    async with desks(folder) as several:
        first, second = await several.client(), await several.client()
        impatient = [asyncio.create_task(answer_of(client, "get_portfolio")) for client in (first, second)]
        await asyncio.sleep(0)  # so that both calls are on their way
        for call in impatient:
            call.cancel()
        await asyncio.gather(*impatient, return_exceptions=True)
        placed = await answer_of(second, "place_order", **CHEAP)
        assert [each["attempt_id"] for each in (await answer_of(first, "get_orders"))["orders"]] == [
            placed["attempt_id"]
        ]
        assert sorted(each.doorway.holds_desk for each in several.applications) == [False, True]


async def test_a_door_that_breaks_off_in_the_middle_of_a_call_is_no_concern_of_the_desk(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with desks(folder) as several:
        client = await several.client()
        await answer_of(client, "get_status")
        card = read_card(folder / "sandbox")
        assert card is not None
        settings = several.applications[0].settings
        for line in (b"", b"{", b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n' * 50):
            _, writer, _ = await greet(card, settings, "serve")
            writer.write(line)
            await writer.drain()
            writer.transport.abort()
        await answer_of(client, "get_status")
        await several.applications[0].aclose()
    assert [record for record in caplog.records if record.name.startswith("polydesk")] == []


async def test_what_a_desk_that_cannot_open_has_to_say_is_said_and_the_next_one_may_try(folder: Path) -> None:
    async with desks(folder) as several:
        broken = await several.client(mode="live", private_key=KEY, api_url="http://example.org")
        refused = await error_of(broken, "get_status")
        assert refused["code"] == "configuration"
        assert not several.applications[0].doorway.holds_desk
        assert read_card(folder / "live") is None
