"""A live desk of the installed command, on an exchange in another process: nobody trades without a yes."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from tests.support.processes import (
    ERAS,
    FED,
    KEY,
    TRANSPORTS,
    WAIT_S,
    Era,
    Transport,
    answer_of,
    environment,
    error_of,
    exchange,
    live_settings,
    serving,
)

pytestmark = pytest.mark.installed

ORDER: dict[str, Any] = {"market_id": FED, "outcome": "Yes", "size": 10, "price": 0.5, "time_in_force": "GTC"}


@pytest.fixture(scope="module")
def venue(command: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with exchange(command, tmp_path_factory.mktemp("exchange"), "--no-traders") as addresses:
        yield addresses


def answering(action: Literal["accept", "decline"]) -> Any:
    async def answer(_: ClientRequestContext, question: ElicitRequestParams) -> ElicitResult:
        assert "real money" in question.message
        return ElicitResult(action=action, content={"agree": True} if action == "accept" else None)

    return answer


async def open_ids(client: Client) -> list[str]:
    return [each["order_id"] for each in (await answer_of(client, "get_orders", status="open"))["orders"]]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_dialog_of_the_host_decides(
    command: tuple[str, ...], venue: dict[str, Any], tmp_path: Path, transport: Transport, era: Era
) -> None:
    with serving(command, transport, environment(tmp_path, **live_settings(venue))) as served:
        async with served.connect(era, elicitation_callback=answering("decline")) as client:
            before = await open_ids(client)
            assert (await error_of(client, "place_order", **ORDER))["code"] == "not_confirmed"
            assert await open_ids(client) == before
        async with served.connect(era, elicitation_callback=answering("accept")) as client:
            # Another order: the refused one, repeated within two minutes, would only be shown again.
            placed = await answer_of(client, "place_order", **{**ORDER, "size": 11})
            assert placed["order_id"] in await open_ids(client)
            await answer_of(client, "cancel_orders", order_ids=[placed["order_id"]])


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_dialog_a_person_approves_at_a_terminal(
    command: tuple[str, ...], venue: dict[str, Any], tmp_path: Path, era: Era
) -> None:
    env = environment(tmp_path, **live_settings(venue))
    with serving(command, "stdio", env) as served:
        async with served.connect(era) as client:
            waiting = await answer_of(client, "place_order", **ORDER)
            assert waiting["status"] == "awaiting_person"
            assert await open_ids(client) == []
            said = await asyncio.to_thread(approve, command, env, waiting["approval_code"])
            assert "Approved." in said
            async with asyncio.timeout(WAIT_S):
                while not (ids := await open_ids(client)):  # noqa: ASYNC110 - the desk has no event to wait for
                    await asyncio.sleep(0.1)
            await answer_of(client, "cancel_orders", order_ids=ids)


def approve(command: tuple[str, ...], env: dict[str, str], code: str) -> str:
    """Type yes at the terminal of `polydesk approve CODE`."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"yes\n")
        done = subprocess.run(
            [*command, "approve", code],
            env=env,
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=True,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.stdout


async def test_the_model_acknowledges_what_a_person_allowed_it_to(
    command: tuple[str, ...], venue: dict[str, Any], tmp_path: Path
) -> None:
    consent = {"POLYMARKET_CONFIRMATION": "acknowledge", "POLYMARKET_ACK_MAX_USD": "10"}
    with serving(command, "stdio", environment(tmp_path, **live_settings(venue), **consent)) as served:
        async with served.connect() as client:
            assert (await error_of(client, "place_order", **ORDER))["code"] == "acknowledgement_needed"
            draft = await answer_of(client, "preview_order", **ORDER)
            placed = await answer_of(client, "place_order", draft_id=draft["draft_id"], acknowledge=draft["worst_cost"])
            assert placed["order_id"] in await open_ids(client)
            await answer_of(client, "cancel_orders", order_ids=[placed["order_id"]])
            larger = await answer_of(client, "place_order", **{**ORDER, "size": 100})
            assert larger["status"] == "awaiting_person"


def test_without_limits_live_does_not_start_and_the_key_is_never_shown(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    env = environment(tmp_path, POLYMARKET_MODE="live", POLYMARKET_PRIVATE_KEY=KEY)
    done = subprocess.run([*command, "serve"], env=env, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 2
    assert "POLYMARKET_MAX_ORDER_USD, POLYMARKET_MAX_DAY_USD, POLYMARKET_MAX_EXPOSURE_USD" in done.stderr
    assert KEY[2:] not in done.stdout + done.stderr
