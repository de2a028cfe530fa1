"""A planted key comes out nowhere: not of any tool, on any way it can fail, nor in logs, files or on stderr."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import ConnectionFault, Fault, FaultPlan, InvalidJson, StatusFault
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.settings import load_settings
from polydesk.core.telemetry.redaction import MASK
from polydesk.handlers.catalogue import all_tools
from polydesk.server.application import Application
from polydesk.server.logs import RedactingFormatter
from tests.support.live_desk import LIVE_LIMITS, live_client
from tests.support.tool_arguments import places_of_text, required_arguments

KEY = "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"
FOREIGN_KEY = "47e179ec197488593b187f80a00eb0da91f2b3e8c9a4d1a6b0d1e9b8f0f3c5d7"
ECHO = f"refused: headers were POLY_SIGNATURE: abc and private key 0x{KEY}, {int(KEY, 16)}"
TOOLS = [spec.name for spec in all_tools()]


class Witness:
    """Everything that was written anywhere."""

    def __init__(self, state: Path) -> None:
        self.log = io.StringIO()
        self.results: list[str] = []
        self.exchange: Exchange | None = None
        self.state = state

    @property
    def secrets(self) -> list[str]:
        made = self.exchange.credentials.of(Signer(KEY).address) if self.exchange else []
        return [KEY, str(int(KEY, 16)), *(text for each in made for text in (each.secret, each.passphrase))]

    async def call(self, client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        self.results.append(result.model_dump_json())
        return {"failed": bool(result.is_error), **(result.structured_content or {})}

    def check(self, stderr: str) -> None:
        files = "".join(file.read_bytes().decode("latin-1") for file in self.state.rglob("*") if file.is_file())
        for where, text in {
            "results": "\n".join(self.results),
            "logs": self.log.getvalue(),
            "files": files,
            "stderr": stderr,
        }.items():
            for secret in self.secrets:
                assert secret.lower() not in text.lower(), f"a secret is in the {where}"
        for header in re.findall(
            r"poly_(?:signature|passphrase)['\"]?\s*[:=,]\s*(\S+)", self.log.getvalue(), re.IGNORECASE
        ):
            assert header.startswith(MASK)


@pytest.fixture
def witness(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Witness]:
    found = Witness(tmp_path)
    handler = logging.StreamHandler(found.log)
    handler.setFormatter(RedactingFormatter())
    root = logging.getLogger()
    former = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield found
    finally:
        root.removeHandler(handler)
        root.setLevel(former)
    shown = capfd.readouterr()
    found.check(shown.out + shown.err)


@asynccontextmanager
async def desk(witness: Witness, *faults: Fault, key: str | None = KEY) -> AsyncIterator[Client]:
    """A live desk with every tool, on an exchange of this process."""
    catalogue = load_catalogue()
    rules = ExchangeSettings(simulated_traders=False, faults=FaultPlan.of(*faults))
    witness.exchange = Exchange(catalogue, rules, ShiftedClock(catalogue.starts_at))

    async def agrees(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"agree": True})

    async with (
        ExchangeServer(witness.exchange) as venue,
        live_client(
            venue,
            user=agrees,
            private_key=key,
            state_dir=witness.state,
            toolsets="all",
            max_retries=0,
            nli_model="none",
        ) as client,
    ):
        yield client


async def test_no_tool_shows_a_secret_when_all_goes_well(witness: Witness) -> None:
    async with desk(witness) as client:
        for tool in TOOLS:
            await witness.call(client, tool, required_arguments(tool))
        status = await witness.call(client, "polymarket_get_status", {"detail": "full"})
        assert status["routes"]
    assert len(witness.secrets) == 4


async def test_no_tool_takes_a_secret_at_any_place_of_its_arguments(witness: Witness) -> None:
    tried = 0
    async with desk(witness) as client:
        for tool in TOOLS:
            for _, arguments in places_of_text(tool):
                for secret in (f"0x{KEY}", f"my key is {FOREIGN_KEY}"):
                    filled = json.loads(json.dumps(arguments).replace("{}", secret))
                    answer = await witness.call(client, tool, filled)
                    assert answer["code"] == "secret_in_arguments", (tool, arguments)
                    tried += 1
            answer = await witness.call(client, tool, {"private_key": "anything"})
            assert answer["code"] == "secret_in_arguments"
            assert answer["anything_sent"] == "no"
    assert tried > 2 * len(TOOLS)
    assert FOREIGN_KEY not in "".join(witness.results) + witness.log.getvalue()


async def test_hashes_of_orders_and_conditions_are_taken_as_before(witness: Witness) -> None:
    async with desk(witness) as client:
        for arguments in ({"order_ids": ["0x" + "ab" * 32]}, {"market_id": "0x" + "ab" * 32}):
            answer = await witness.call(client, "polymarket_cancel_orders", arguments)
            assert answer.get("code") != "secret_in_arguments"


@pytest.mark.parametrize(
    "fault",
    [
        StatusFault(kind="status", status=400, body={"error": ECHO}, route="/*"),
        pytest.param(
            StatusFault(kind="status", status=401, body={"error": ECHO}, route="/clob/*", after=4),
            marks=pytest.mark.takeover,
        ),
        pytest.param(
            StatusFault(kind="status", status=500, body=f"<html>{ECHO}</html>", route="/*"),
            marks=pytest.mark.takeover,
        ),
        StatusFault(kind="status", status=200, body={"data": ECHO, "bids": ECHO, "error": ECHO}, route="/*"),
        pytest.param(InvalidJson(kind="invalid_json", route="/*"), marks=pytest.mark.takeover),
        ConnectionFault(kind="reset_after_read", route="/*"),
    ],
    ids=lambda fault: f"{fault.kind} {getattr(fault, 'status', '')}",
)
async def test_no_failure_of_the_venue_brings_a_secret_out(witness: Witness, fault: Fault) -> None:
    async with desk(witness, fault) as client:
        for tool in TOOLS:
            await witness.call(client, tool, required_arguments(tool))


async def test_a_defect_of_ours_is_logged_without_the_secret_that_it_met(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    Signer(KEY)

    async def fails(_: Application) -> None:
        raise RuntimeError(f"unexpected: {KEY}")

    monkeypatch.setattr(Application, "desk", fails)
    async with desk(witness) as client:
        for tool in TOOLS:
            try:
                answer = await witness.call(client, tool, required_arguments(tool))
            except Exception as error:  # the way to the desk itself broke
                witness.results.append(repr(error))
            else:
                assert answer["failed"]


async def test_a_secret_that_a_tool_would_answer_is_masked(witness: Witness, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(witness) as client:
        await witness.call(client, "polymarket_get_status", {})
        monkeypatch.setattr(CLOBClient, "account", property(lambda _: KEY))
        halted = await witness.call(client, "polymarket_halt_trading", {"reason": "a reason"})
        assert not halted["failed"]
    application = Application(
        load_settings(mode="live", private_key=KEY, state_dir=witness.state, paper_account="x", **LIVE_LIMITS)
    )
    assert KEY not in repr(application.settings) + str(application.settings.model_dump())


async def test_a_key_that_cannot_be_opened_is_not_repeated(witness: Witness) -> None:
    async with desk(witness, key=f"{KEY}00") as client:
        for tool in TOOLS:
            answer = await witness.call(client, tool, required_arguments(tool))
            assert answer["failed"] or answer == {}
    assert f"{KEY}00" not in "".join(witness.results)


def test_every_tool_is_covered() -> None:
    assert len(set(TOOLS)) == len(TOOLS) > 20


async def test_settings_cannot_be_pickled(tmp_path: Path) -> None:
    settings = load_settings(mode="live", private_key=KEY, state_dir=tmp_path)
    for leak in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            leak(settings)
