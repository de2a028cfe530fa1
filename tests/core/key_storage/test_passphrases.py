"""A passphrase comes from a file, the keychain or a person, in this order, and works where there is no keychain."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
from keyring.backends import fail

from polydesk.core.errors import ConfigurationError
from polydesk.core.key_storage import passphrases
from polydesk.core.key_storage.passphrases import (
    Keychain,
    find_passphrase,
    random_passphrase,
    read_passphrase,
    write_passphrase,
)
from tests.support.keychains import MemoryKeyring

ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_the_keychain_keeps_a_passphrase_by_address() -> None:
    backend = MemoryKeyring()
    keychain = Keychain(backend)
    keychain.put(ADDRESS, "correct horse")
    assert backend.kept == {("polydesk", ADDRESS.lower()): "correct horse"}
    assert find_passphrase(ADDRESS.lower(), file=None, keychain=keychain, ask=None) == "correct horse"
    keychain.forget(ADDRESS)
    keychain.forget(ADDRESS)
    assert keychain.get(ADDRESS) is None


def test_a_file_comes_before_the_keychain_and_a_person_after_it(tmp_path: Path) -> None:
    keychain = Keychain(MemoryKeyring())
    file = tmp_path / "passphrase"
    write_passphrase(file, "of the file")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "typed"

    assert find_passphrase(ADDRESS, file=None, keychain=keychain, ask=ask) == "typed"
    keychain.put(ADDRESS, "of the keychain")
    assert find_passphrase(ADDRESS, file=None, keychain=keychain, ask=ask) == "of the keychain"
    assert find_passphrase(ADDRESS, file=file, keychain=keychain, ask=ask) == "of the file"
    assert asked == [f"Passphrase of {ADDRESS}: "]


def test_without_anybody_who_knows_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", fail.Keyring)
    with pytest.raises(ConfigurationError, match="POLYMARKET_KEY_PASSPHRASE_FILE"):
        find_passphrase(ADDRESS, file=None, keychain=Keychain(), ask=None)


@pytest.mark.parametrize("installed", [False, True])
def test_a_system_without_a_keychain_has_the_other_ways(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    if installed:
        monkeypatch.setattr("keyring.get_keyring", fail.Keyring)
    else:
        monkeypatch.setitem(sys.modules, "keyring", None)
    keychain = Keychain()
    assert keychain.get(ADDRESS) is None
    keychain.forget(ADDRESS)
    with pytest.raises(ConfigurationError, match="--passphrase-file"):
        keychain.put(ADDRESS, "correct horse")
    assert find_passphrase(ADDRESS, file=None, keychain=keychain, ask=lambda _: "typed") == "typed"


def test_the_keychain_of_the_system_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = MemoryKeyring()
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    Keychain().put(ADDRESS, "correct horse")
    assert Keychain().get(ADDRESS) == "correct horse"


def test_a_locked_keychain_is_said() -> None:
    keychain = Keychain(MemoryKeyring(locked=True))
    for attempt in (keychain.get, keychain.forget, lambda address: keychain.put(address, "x")):
        with pytest.raises(ConfigurationError, match="system's keychain"):
            attempt(ADDRESS)


def test_a_file_that_others_may_read_or_that_is_empty_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    write_passphrase(file, "")
    with pytest.raises(ConfigurationError, match="holds no passphrase"):
        read_passphrase(file)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_passphrase(file, "again")
    file.write_text("correct horse\n")
    assert read_passphrase(file) == "correct horse"
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_passphrase(file)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_passphrase(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "binary").chmod(0o600)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_passphrase(tmp_path / "binary")


def test_random_passphrases_are_never_the_same() -> None:
    assert len({random_passphrase() for _ in range(50)}) == 50
    assert passphrases._RANDOM_BYTES == 32
