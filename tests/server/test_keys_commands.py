"""`polydesk keys`: nothing shows a key, a desk finds an imported one, and the venue follows."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

from polydesk.core.clock import SystemClock
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.key_storage import keystore
from polydesk.core.settings import load_settings
from polydesk.server.cli import main
from polydesk.server.wallet import open_signer
from tests.support.exchanges import live_urls
from tests.support.keychains import MemoryKeyring
from tests.support.live_desk import live_client
from tests.support.processes import KEY, answer_of, error_of

ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
OTHER_KEY = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
OTHER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"

Type = Callable[..., None]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(keystore.KeyStore.__init__, "__kwdefaults__", {"cost": 2})


@pytest.fixture(autouse=True)
def keychain(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    backend = MemoryKeyring()
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    return backend


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Type:
    def set_input(*lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    set_input()
    return set_input


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def run(typed: Type, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `polydesk keys ...`; the exit code, stdout and stderr, in which no key may ever be."""

    def command(*arguments: str, lines: tuple[str, ...] = ()) -> tuple[int, str, str]:
        typed(*lines)
        code = main(["keys", *arguments])
        shown = capsys.readouterr()
        assert not any(key in shown.out + shown.err for key in (KEY.removeprefix("0x"), OTHER_KEY))
        return code, shown.out, shown.err

    return command


def test_a_key_is_imported_with_its_passphrase_in_the_keychain(run: Run, keychain: MemoryKeyring) -> None:
    code, out, _ = run("import", "--json", lines=(KEY,))
    said = json.loads(out)
    assert (code, said["address"], said["passphrase"]) == (0, ADDRESS, "system keychain")
    assert list(keychain.kept) == [("polydesk", ADDRESS.lower())]
    assert json.loads(run("list", "--json")[1]) == [
        {"address": ADDRESS, "file": said["file"], "passphrase": "system keychain"}
    ]
    signer = open_signer(load_settings(mode="live"))
    assert signer is not None
    assert signer.address == ADDRESS


def test_a_key_is_imported_with_its_passphrase_in_a_file(run: Run, tmp_path: Path, keychain: MemoryKeyring) -> None:
    file = tmp_path / "elsewhere" / "passphrase"
    code, out, _ = run("import", "--passphrase-file", str(file), lines=(KEY,))
    assert code == 0
    assert f"POLYMARKET_KEY_PASSPHRASE_FILE={file}" in out
    assert keychain.kept == {}
    assert run("import", "--passphrase-file", str(file), lines=(OTHER_KEY,))[0] == 0
    settings = load_settings(mode="live", key_passphrase_file=file, key_address=OTHER.lower())
    signer = open_signer(settings)
    assert signer is not None
    assert signer.address == OTHER
    with pytest.raises(ConfigurationError, match="Several keys are imported"):
        open_signer(load_settings(mode="live", key_passphrase_file=file))


def test_a_typed_passphrase_is_kept_nowhere(run: Run, keychain: MemoryKeyring, tmp_path: Path) -> None:
    assert run("import", "--ask", lines=(KEY, "correct horse battery", "correct horse battery"))[0] == 0
    assert keychain.kept == {}
    assert b"correct horse" not in everything_in(tmp_path)
    with pytest.raises(ConfigurationError, match="nobody here knows its passphrase"):
        open_signer(load_settings(mode="live"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((KEY, "short", "short"), "shorter than"),
        ((KEY, "correct horse battery", "correct horse batterx"), "not the same"),
        (("not a key", "correct horse battery", "correct horse battery"), "not a private key"),
        ((), "input ended"),
    ],
)
def test_a_failed_import_keeps_nothing(run: Run, lines: tuple[str, ...], words: str, tmp_path: Path) -> None:
    code, _, err = run("import", "--ask", lines=lines)
    assert code == 2
    assert words in err
    assert list(tmp_path.rglob("*.json")) == []


def test_without_a_keychain_the_other_ways_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    code, _, err = run("import", lines=(KEY,))
    assert code == 2
    assert "--passphrase-file" in err


def test_a_keychain_that_refuses_leaves_no_key(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("keyring.get_keyring", lambda: MemoryKeyring(locked=True))
    assert run("import", lines=(KEY,))[0] == 2
    assert list(tmp_path.rglob("0x*.json")) == []


def test_a_key_is_taken_from_the_environment_or_another_programs_keystore(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, _, err = run("import", "--from-env")
    assert (code, "not set" in err) == (2, True)
    monkeypatch.setenv("POLYMARKET_PRIVATE_KEY", KEY)
    code, out, _ = run("import", "--from-env")
    assert code == 0
    assert "take it out of the settings" in out
    monkeypatch.delenv("POLYMARKET_PRIVATE_KEY")
    elsewhere = keystore.KeyStore(tmp_path / "geth", cost=2)
    elsewhere.add(OTHER_KEY, "of the other program")
    code, out, _ = run("import", "--keystore", str(elsewhere.path_of(OTHER)), "--json", lines=("of the other program",))
    assert (code, json.loads(out)["address"]) == (0, OTHER)


def test_addresses_are_shown_without_a_passphrase(run: Run) -> None:
    run("import", "--ask", lines=(KEY, "correct horse battery", "correct horse battery"))
    code, out, _ = run("export-address", "--json")
    said = json.loads(out)
    assert (code, said["address"]) == (0, ADDRESS)
    assert {"kind": "deposit wallet", "address": "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50", "signature_type": 3} in (
        said["wallets"]
    )
    assert "0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50  deposit wallet" in run("export-address", ADDRESS)[1]


def test_removal_asks_and_forgets_everything(run: Run, keychain: MemoryKeyring, tmp_path: Path) -> None:
    run("import", lines=(KEY,))
    code, out, _ = run("remove", ADDRESS, lines=("y",))
    assert (code, "Nothing was changed" in out) == (1, True)
    (tmp_path / "keys" / f"credentials-{ADDRESS.lower()}.json").write_text("{}")
    code, out, _ = run("remove", ADDRESS, lines=("yes",))
    assert (code, "still valid" in out) == (0, True)
    assert keychain.kept == {}
    assert list((tmp_path / "keys").iterdir()) == []
    assert run("remove", ADDRESS, "--yes")[0] == 2
    assert "There are no keys" in run("list")[1]
    assert run("export-address")[0] == 2


@pytest.fixture
async def venue(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ExchangeServer]:
    async with ExchangeServer(
        Exchange(load_catalogue(), ExchangeSettings(simulated_traders=False), SystemClock())
    ) as server:
        for name, url in live_urls(server).items():
            monkeypatch.setenv(f"POLYMARKET_{name.upper()}", url)
        yield server


async def in_thread(run: Run, *arguments: str, lines: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """A command has an event loop of its own, so it runs beside that of the exchange."""
    return await anyio.to_thread.run_sync(lambda: run(*arguments, lines=lines))


async def test_a_desk_trades_with_an_imported_key_and_does_not_notice_a_rotation(
    venue: ExchangeServer, run: Run, tmp_path: Path
) -> None:
    run("import", lines=(KEY,))
    async with live_client(venue, private_key=None) as client:
        status = await answer_of(client, "get_status")
        assert status["account"] == ADDRESS
        assert "warnings" not in status
        await answer_of(client, "get_portfolio")
        (old,) = venue.exchange.credentials.of(ADDRESS)
        code, out, _ = await in_thread(run, "rotate", "--json")
        assert (code, json.loads(out)["deleted"]) == (0, old.api_key)
        await answer_of(client, "get_portfolio")
        (new,) = venue.exchange.credentials.of(ADDRESS)
        assert new.api_key == json.loads(out)["key"]
    kept = everything_in(tmp_path)
    assert not any(secret.encode() in kept for secret in (KEY[2:], old.secret, new.secret, new.passphrase))


async def test_configured_api_credentials_cannot_be_rotated(
    venue: ExchangeServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_API_SECRET", "c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
    code, _, err = await in_thread(run, "rotate")
    assert (code, "POLYMARKET_API_SECRET" in err) == (2, True)
    monkeypatch.delenv("POLYMARKET_API_SECRET")
    assert (await in_thread(run, "rotate"))[0] == 2


async def test_a_move_to_another_wallet_is_guided_to_its_end(venue: ExchangeServer, run: Run) -> None:
    async def next_step() -> tuple[int, str]:
        code, out, _ = await in_thread(run, "move", ADDRESS, OTHER, "--json")
        return code, json.loads(out)["next"] or ""

    run("import", lines=(KEY,))
    code, step = await next_step()
    assert (code, step) == (1, f"import the key of {OTHER}: polydesk keys import")
    run("import", lines=(OTHER_KEY,))
    code, step = await next_step()
    assert step == f"send the 1000 dollars of {ADDRESS} to the new wallet, on the venue's site"
    account = venue.exchange.accounts.account_of(ADDRESS)
    assert account is not None
    venue.exchange.ledger.deposit(account, -account.cash)
    code, step = await next_step()
    assert f"polydesk keys remove {ADDRESS} --at-venue" in step
    code, out, _ = await in_thread(run, "remove", ADDRESS, "--at-venue", "--yes")
    assert (code, "Deleted 1 API key" in out) == (0, True)
    assert venue.exchange.credentials.of(ADDRESS) == []
    assert await next_step() == (0, "")
    assert "The move is complete." in (await in_thread(run, "move", ADDRESS, OTHER))[1]


async def test_a_live_desk_without_the_passphrase_says_what_to_do(venue: ExchangeServer, run: Run) -> None:
    run("import", "--ask", lines=(KEY, "correct horse battery", "correct horse battery"))
    async with live_client(venue, private_key=None) as client:
        refusal = await error_of(client, "get_status")
    assert refusal["code"] == "configuration"
    assert "POLYMARKET_KEY_PASSPHRASE_FILE" in refusal["message"]


def test_a_key_in_the_environment_works_with_a_warning() -> None:
    settings = load_settings(mode="live", private_key=KEY)
    signer = open_signer(settings)
    assert signer is not None
    assert signer.address == ADDRESS
    (warning,) = settings.warnings
    assert "POLYMARKET_PRIVATE_KEY: plain text" in warning
    assert KEY not in warning
