"""`polydesk setup --live` from nothing to a host's entry, with scripted answers, against the embedded exchange."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest
from keyring.backends import fail

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
from tests.support.keychains import MemoryKeyring
from tests.support.processes import KEY

ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
DEPOSIT_WALLET = "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50"
Run = Callable[..., Any]


@pytest.fixture
async def venue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[ExchangeServer]:
    monkeypatch.setattr(KeyStore.__init__, "__kwdefaults__", {"cost": 2})
    backend = MemoryKeyring()
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    async with ExchangeServer(
        Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())
    ) as server:
        for name, url in live_urls(server).items():
            monkeypatch.setenv(f"POLYMARKET_{name.upper()}", url)
        monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path / "state"))
        yield server


async def paid_in(server: ExchangeServer) -> None:
    """The person has an account with money in it."""
    async with Transport(environment_of(server), clock=SystemClock(), random=Random(1)) as transport:
        await CLOBClient(transport, signer=Signer(KEY)).credentials()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs the command with typed lines; exit code, what was shown, and the host's file. The key is never shown."""

    async def command(*lines: str) -> tuple[int, str, dict[str, Any]]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        config = tmp_path / "host.json"
        arguments = ["setup", "--live", "--host", "cursor", "--config", str(config)]
        code = await anyio.to_thread.run_sync(lambda: main(arguments))
        shown = capsys.readouterr()
        written = config.read_text() if config.exists() else "{}"
        assert KEY[2:] not in shown.out + shown.err + written
        return code, shown.out + shown.err, json.loads(written)

    return command


async def test_a_person_gets_from_nothing_to_an_entry_of_its_own(
    venue: ExchangeServer, run: Run, tmp_path: Path
) -> None:
    await paid_in(venue)
    file = tmp_path / "passphrase"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keyring.get_keyring", fail.Keyring)
        code, shown, written = await run(KEY, str(file), "", "0", "x", "50", "", "yes")
    assert code == 0, shown
    assert f"The wallet is {ADDRESS}, the key's own account (signature type 0)." in shown
    assert "Nothing stands in the way of trading." in shown
    assert "\nworst_cost: 1" in shown
    entry = written["mcpServers"]["polymarket-live"]
    assert entry["args"] == ["-m", "polydesk.server", "serve", "--mode", "live"]
    assert {name: entry["env"][name] for name in entry["env"] if not name.endswith("_URL")} == {
        "POLYMARKET_MODE": "live",
        "POLYMARKET_KEY_ADDRESS": ADDRESS,
        "POLYMARKET_KEY_PASSPHRASE_FILE": str(file),
        "POLYMARKET_MAX_ORDER_USD": "25",
        "POLYMARKET_MAX_DAY_USD": "50",
        "POLYMARKET_MAX_EXPOSURE_USD": "250",
        "POLYMARKET_STATE_DIR": str(tmp_path / "state"),
    }
    assert venue.exchange.registry.open_orders(venue.exchange.accounts.open_account(ADDRESS)) == []
    assert "answered with" in shown


async def test_a_deposit_wallet_is_found_and_written_with_its_signature_type(
    venue: ExchangeServer, run: Run, tmp_path: Path
) -> None:
    await paid_in(venue)
    assert venue.exchange.accounts.claim_wallet(DEPOSIT_WALLET, ADDRESS)
    code, shown, written = await run(KEY, "x", "9", "2", "", "", "", "yes")
    assert code == 0, shown
    assert f"  2  {DEPOSIT_WALLET}  deposit wallet" in shown
    assert f"The wallet is {DEPOSIT_WALLET}, the deposit wallet (signature type 3)." in shown
    assert "wallet on chain: deployed" in shown
    environment = written["mcpServers"]["polymarket-live"]["env"]
    assert (environment["POLYMARKET_FUNDER"], environment["POLYMARKET_SIGNATURE_TYPE"]) == (DEPOSIT_WALLET, "3")
    assert "POLYMARKET_KEY_PASSPHRASE_FILE" not in environment  # it is in the keychain


async def test_a_new_account_is_told_to_deposit_first(venue: ExchangeServer, run: Run) -> None:
    code, shown, written = await run(KEY, "")
    assert (code, written) == (1, {})
    assert f"The wallet is {DEPOSIT_WALLET}, the deposit wallet (signature type 3)." in shown
    assert "make the first deposit on the venue's site" in shown


async def test_a_wallet_of_another_key_ends_the_setup(venue: ExchangeServer, run: Run) -> None:
    code, shown, written = await run(KEY, "0x" + "1" * 40)
    assert (code, written) == (2, {})
    assert "is no wallet of this key" in shown


async def test_what_stops_the_account_ends_the_setup(
    venue: ExchangeServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paid_in(venue)
    venue.exchange.controls.allow(ADDRESS, 0)
    code, shown, written = await run(KEY)
    assert (code, written) == (1, {})
    assert "STOPS   The venue's contracts may not move the wallet's money (allowance $0)." in shown
    assert "Mend this first" in shown


async def test_nothing_is_written_without_a_yes_and_a_second_run_knows_the_key(
    venue: ExchangeServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paid_in(venue)
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", KEY)
    code, shown, written = await run("yes", "", "", "", "no")
    assert (code, written) == (1, {})
    assert "Nothing was written." in shown
    monkeypatch.delenv("POLYMARKET_PRIVATE_KEY")
    code, shown, written = await run("", "", "", "no")
    assert f"The key of {ADDRESS} is imported already." in shown
    code, shown, _ = await run("", "", "")
    assert code == 2
    assert "input ended" in shown


async def test_an_unknown_host_is_refused_before_any_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "--live", "--host", "netscape"]) == 2
    assert "claude-desktop, claude-code, cursor, vscode" in capsys.readouterr().err
