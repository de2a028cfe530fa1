"""Keys at rest: standard files that only the passphrase opens and only the owner reads."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from eth_account import Account

from polydesk.core.errors import ConfigurationError
from polydesk.core.key_storage.keystore import KeyStore, decrypted

KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
CHEAP = 2


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys", cost=CHEAP)


def test_a_key_is_opened_by_its_passphrase_alone(keys: KeyStore) -> None:
    assert keys.add(f" 0x{KEY.upper().replace('0X', '')}\n", "correct horse") == ADDRESS
    assert keys.addresses() == (ADDRESS,)
    assert keys.open(ADDRESS.lower(), "correct horse") == KEY
    with pytest.raises(ConfigurationError, match="does not open"):
        keys.open(ADDRESS, "wrong horse")


def test_the_file_is_a_standard_keystore_of_scrypt_that_only_its_owner_reads(keys: KeyStore) -> None:
    keys.add(KEY, "correct horse")
    file = keys.path_of(ADDRESS)
    content = json.loads(file.read_text())
    assert (content["version"], content["crypto"]["kdf"]) == (3, "scrypt")
    assert bytes(Account.decrypt(content, "correct horse")).hex() == KEY
    assert KEY not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700


def test_the_standard_cost_is_that_of_ethereum_clients(tmp_path: Path) -> None:
    standard = KeyStore(tmp_path)
    standard.add(KEY, "correct horse")
    assert json.loads(standard.path_of(ADDRESS).read_text())["crypto"]["kdfparams"]["n"] == 2**18


@pytest.mark.parametrize("text", ["", "12", KEY[:-1], KEY + "0", "z" * 64, "0" * 64, "f" * 64])
def test_what_is_no_key_is_refused_without_being_repeated(keys: KeyStore, text: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        keys.add(text, "correct horse")
    assert not text or text not in refusal.value.message
    assert keys.addresses() == ()


def test_a_key_is_kept_once(keys: KeyStore) -> None:
    keys.add(KEY, "correct horse")
    with pytest.raises(ConfigurationError, match="kept already"):
        keys.add(KEY, "another one")
    assert keys.open(ADDRESS, "correct horse") == KEY


def test_a_removed_key_is_gone(keys: KeyStore) -> None:
    keys.add(KEY, "correct horse")
    keys.remove(ADDRESS)
    assert keys.addresses() == ()
    with pytest.raises(ConfigurationError, match="There is no key of"):
        keys.open(ADDRESS, "correct horse")


def test_a_file_that_others_may_read_is_not_used(keys: KeyStore) -> None:
    keys.add(KEY, "correct horse")
    keys.path_of(ADDRESS).chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        keys.open(ADDRESS, "correct horse")


def _costing(kdf: str, **costs: int) -> str:
    """A keystore that is whole but for what trying a passphrase on it costs."""
    parameters = {"dklen": 32, "salt": "00" * 32, "prf": "hmac-sha256", "n": 2, "r": 1, "p": 1, "c": 1} | costs
    cipher = {"cipher": "aes-128-ctr", "cipherparams": {"iv": "00" * 16}, "ciphertext": "00" * 32, "mac": "00" * 32}
    return json.dumps({"version": 3, "crypto": {"kdf": kdf, "kdfparams": parameters, **cipher}})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"version": 3}',
        '{"version": 3, "crypto": {"kdf": "x"}}',
        "[" * 100_000,
        _costing("pbkdf2", c=10**12),
        _costing("scrypt", n=2**40, r=8),
        _costing("scrypt", p=10**9),
    ],
)
def test_a_file_that_is_no_keystore_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.json"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match="is not a keystore file"):
        decrypted(file, "correct horse")


def test_a_file_with_the_key_of_somebody_else_is_not_used(keys: KeyStore) -> None:
    keys.add(KEY, "correct horse")
    other = "0x" + "1" * 40
    keys.path_of(ADDRESS).rename(keys.folder / f"{other}.json")
    with pytest.raises(ConfigurationError, match=f"holds the key of {ADDRESS}"):
        keys.open(other, "correct horse")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError, match="cannot be kept"):
        KeyStore(tmp_path / "file" / "keys", cost=CHEAP).add(KEY, "correct horse")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        decrypted(tmp_path / "none.json", "correct horse")
