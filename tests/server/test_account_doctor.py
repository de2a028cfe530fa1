"""`polydesk doctor` on the command line, for a live account on an exchange of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import anyio
import pytest
from keyring.backends import fail
from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.key_storage.keystore import KeyStore
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport
from polydesk.server.cli import main
from tests.support.exchanges import environment_of, live_urls
from tests.support.live_desk import live_client
from tests.support.processes import FED, KEY, answer_of, error_of


@pytest.fixture
async def venue(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ExchangeServer]:
    async with ExchangeServer(
        Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())
    ) as server:
        for name, url in live_urls(server).items():
            monkeypatch.setenv(f"POLYMARKET_{name.upper()}", url)
        monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        for name, dollars in (("ORDER", "25"), ("DAY", "100"), ("EXPOSURE", "250")):
            monkeypatch.setenv(f"POLYMARKET_MAX_{name}_USD", dollars)
        yield server


async def doctor(*arguments: str) -> int:
    return await anyio.to_thread.run_sync(lambda: main(["doctor", *arguments]))


async def test_a_healthy_account_is_told_so(
    venue: ExchangeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", KEY)
    async with Transport(environment_of(venue), clock=SystemClock(), random=Random(1)) as transport:
        await CLOBClient(transport, signer=Signer(KEY)).credentials()
    assert await doctor() == 0
    said = capsys.readouterr().out
    assert said.startswith("Nothing stands in the way of trading.\nMoney: $1000 in cash")
    assert "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50  deposit wallet (signature type 3)" in said
    assert KEY[2:] not in said


async def test_contradicting_settings_are_explained_where_a_desk_would_not_open(
    venue: ExchangeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", KEY)
    monkeypatch.setenv("POLYMARKET_FUNDER", "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50")
    monkeypatch.delenv("POLYMARKET_MAX_DAY_USD")
    assert await doctor("--json") == 1
    report = json.loads(capsys.readouterr().out)
    codes = {each["code"] for each in report["findings"]}
    assert {"funder_with_eoa", "limits_missing"} <= codes
    assert len(report["wallets"]) == 5


async def test_no_key_and_a_locked_key_are_told_apart(
    venue: ExchangeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await doctor() == 1
    assert "STOPS   No private key is configured.\n        Fix: run `polydesk keys import`." in capsys.readouterr().out
    KeyStore(Path(os.environ["POLYMARKET_STATE_DIR"]) / "keys", cost=2).add(KEY, "correct horse battery")
    monkeypatch.setattr("keyring.get_keyring", fail.Keyring)
    assert await doctor() == 1
    said = capsys.readouterr().out
    assert "STOPS   The key cannot be opened: " in said
    assert "No private key" not in said


async def test_an_error_text_is_explained(venue: ExchangeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert await doctor("--error", "invalid signature") == 1
    said = capsys.readouterr().out
    assert "The signature does not belong to the wallet" in said
    assert "The venue said: invalid signature" in said


async def test_what_the_venue_said_when_it_last_refused_is_explained_to_the_agent(venue: ExchangeServer) -> None:
    async def agrees(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"agree": True})

    async with live_client(venue, user=agrees, toolsets="all") as client:
        await answer_of(client, "get_portfolio")
        assert (await answer_of(client, "diagnose_account"))["findings"] == []
        venue.exchange.controls.ban(Signer(KEY).address)
        await error_of(client, "place_order", market_id=FED, outcome="Yes", size=10)
        (finding,) = (await answer_of(client, "diagnose_account"))["findings"]
        assert (finding["code"], finding["weight"]) == ("banned", "blocks")
        assert finding["said"].endswith("address banned")


def test_the_sandbox_has_a_doctor_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--mode", "sandbox", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["can_trade"] is True
