"""A live order needs a yes: through the host's dialog, by a person at a terminal, or acknowledged by the model."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.server.cli import main
from tests.support.asked_user import User
from tests.support.live_desk import live_client
from tests.support.processes import ERAS, FED, WAIT_S, Era, answer_of, error_of

Terminal = Callable[[str], None]
Connect = Callable[..., AbstractAsyncContextManager[Client]]
ORDER: dict[str, Any] = {"market_id": FED, "outcome": "Yes", "size": 10, "price": 0.5, "time_in_force": "GTC"}


@pytest.fixture
async def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Clients of one live desk on an exchange of this process."""
    catalogue = load_catalogue()
    exchange = Exchange(catalogue, ExchangeSettings(simulated_traders=False), ShiftedClock(catalogue.starts_at))
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    async with ExchangeServer(exchange) as venue:
        yield functools.partial(live_client, venue)


async def orders(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await answer_of(client, "get_orders"))["orders"]
    return found


async def until_status(client: Client, status: str) -> None:
    """Poll, as an agent would, until the only order has this status."""
    async with asyncio.timeout(WAIT_S):
        while True:
            if [each["status"] for each in await orders(client)] == [status]:
                return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("era", ERAS)
async def test_an_order_the_user_accepts_is_placed(connect: Connect, era: Era) -> None:
    user = User("accept")
    async with connect(era, user=user) as client:
        placed = await answer_of(client, "place_order", **ORDER)
        assert placed["mode"] == "live"
        assert [each["order_id"] for each in await orders(client)] == [placed["order_id"]]
    (question,) = user.questions
    assert "BUY 10 shares of Yes at 0.5" in question
    assert "real money" in question


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("user", [User("decline"), User("cancel"), User("accept", agree=False)])
async def test_an_order_the_user_does_not_accept_is_not_sent(connect: Connect, era: Era, user: User) -> None:
    async with connect(era, user=user) as client:
        refusal = await error_of(client, "place_order", **ORDER)
        assert refusal["code"] == "not_confirmed"
        assert refusal["anything_sent"] == "no"
        assert [each["status"] for each in await orders(client)] == ["refused"]
    assert user.questions


async def test_without_a_dialog_the_order_waits_until_a_person_approves(connect: Connect, terminal: Terminal) -> None:
    async with connect() as client:
        code = await waiting_code(client)
        assert (await answer_of(client, "get_status"))["awaiting_person"] == [code]
        terminal("yes\n")
        assert main(["approve", code]) == 0
        await until_status(client, "open")


@pytest.mark.parametrize("typed", ["no\n", "y\n", "\n"])
async def test_anything_but_yes_at_the_terminal_declines(connect: Connect, terminal: Terminal, typed: str) -> None:
    async with connect() as client:
        code = await waiting_code(client)
        terminal(typed)
        assert main(["approve", code]) == 0
        await until_status(client, "refused")


async def test_declining_needs_no_terminal(connect: Connect) -> None:
    async with connect() as client:
        assert main(["approve", await waiting_code(client), "--decline"]) == 0
        await until_status(client, "refused")


async def test_a_script_cannot_approve(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    async with connect() as client:
        code = await waiting_code(client)
        assert main(["approve", code, "--json"]) == 1
        assert "person at a terminal" in json.loads(capsys.readouterr().out)["message"]
        assert [each["status"] for each in await orders(client)] == ["awaiting_person"]


async def test_waiting_orders_are_listed_for_the_person(connect: Connect, capsys: pytest.CaptureFixture[str]) -> None:
    async with connect() as client:
        code = await waiting_code(client)
        assert main(["approve", "--json"]) == 0
        (waiting,) = json.loads(capsys.readouterr().out)
        assert waiting["code"] == code
        assert main(["approve"]) == 0
        assert capsys.readouterr().out.startswith(f"{code}  until ")


async def test_with_confirmation_by_a_person_the_dialog_is_not_used(connect: Connect) -> None:
    user = User("accept")
    async with connect(user=user, confirmation="person") as client:
        await waiting_code(client)
    assert user.questions == []


async def test_the_model_may_acknowledge_a_small_order_with_its_worst_cost(connect: Connect) -> None:
    async with connect(confirmation="acknowledge", ack_max_usd="10") as client:
        refusal = await error_of(client, "place_order", **ORDER)
        assert (refusal["code"], refusal["next_tool"]) == ("acknowledgement_needed", "polymarket_preview_order")
        draft = await answer_of(client, "preview_order", **ORDER)
        wrong = await error_of(client, "place_order", draft_id=draft["draft_id"], acknowledge=1)
        assert wrong["code"] == "acknowledgement_differs"
        draft = await answer_of(client, "preview_order", **ORDER)
        placed = await answer_of(client, "place_order", draft_id=draft["draft_id"], acknowledge=draft["worst_cost"])
        assert placed["order_id"]


async def test_above_its_limit_an_acknowledgement_is_not_enough(connect: Connect) -> None:
    async with connect(confirmation="acknowledge", ack_max_usd="1") as client:
        draft = await answer_of(client, "preview_order", **ORDER)
        placed = await answer_of(client, "place_order", draft_id=draft["draft_id"], acknowledge=draft["worst_cost"])
        assert placed["status"] == "awaiting_person"


async def test_cancelling_needs_nobody(connect: Connect) -> None:
    async with connect(user=User("accept")) as client:
        placed = await answer_of(client, "place_order", **ORDER)
    user = User("decline")
    async with connect(user=user) as client:
        cancelled = await answer_of(client, "cancel_orders", cancel_all=True)
    assert cancelled["canceled"] == [placed["order_id"]]
    assert user.questions == []


async def waiting_code(client: Client) -> str:
    """Place the order and return the code under which it waits."""
    placed = await answer_of(client, "place_order", **ORDER)
    assert placed["status"] == "awaiting_person"
    code: str = placed["approval_code"]
    return code
