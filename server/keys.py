"""`polydesk keys`: imports, lists, rotates and removes keys. No key is ever printed or taken from the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

from ..core.clock import SystemClock
from ..core.errors import ConfigurationError
from ..core.identifiers import Address
from ..core.key_storage.keystore import KeyStore, decrypted
from ..core.key_storage.passphrases import (
    Keychain,
    random_passphrase,
    read_passphrase,
    write_passphrase,
)
from ..core.money import plain
from ..core.polymarket.credential_rotation import rotate_credentials
from ..core.polymarket.signing import Signer
from ..core.polymarket.wallets import candidate_wallets
from ..core.settings import Settings
from .questions import agreed, ask_hidden
from .sites import Site, credential_file, open_live
from .wallet import chosen_address, open_signer

T = TypeVar("T")

_SHORTEST_PASSPHRASE = 12


def run_import(
    settings: Settings,
    *,
    keystore: Path | None,
    from_environment: bool,
    passphrase_file: Path | None,
    asks: bool,
    as_json: bool,
) -> int:
    """Encrypt a key and keep it; 0. The passphrase is random and in the keychain unless a file or typing is asked for.

    Raises ConfigurationError, and then nothing was kept.
    """
    keys, keychain = KeyStore(settings.key_folder), Keychain()
    if not asks and passphrase_file is None:
        keychain.require()
    address = import_key(
        keys,
        _given_key(settings, keystore=keystore, from_environment=from_environment),
        keychain=keychain,
        passphrase_file=passphrase_file,
        asks=asks,
    )
    where = "typed each time" if asks else str(passphrase_file) if passphrase_file else "system keychain"
    result = {"address": address, "file": str(keys.path_of(address)), "passphrase": where}
    text = [f"The key of {address} is kept encrypted in {result['file']}; its passphrase: {where}."]
    if asks:
        text.append("A server that a host starts has nobody to ask: give it POLYMARKET_KEY_PASSPHRASE_FILE.")
    elif passphrase_file:
        text.append(f"Servers find it with POLYMARKET_KEY_PASSPHRASE_FILE={passphrase_file.absolute()}")
    if settings.private_key is not None:
        text.append("POLYMARKET_PRIVATE_KEY is still set and comes before imported keys: take it out of the settings.")
    _tell(as_json, result, "\n".join(text))
    return 0


def import_key(
    keys: KeyStore, private_key: str, *, keychain: Keychain, passphrase_file: Path | None, asks: bool
) -> str:
    """Encrypt a key; its address. Raises ConfigurationError, and then the key was not kept."""
    if asks:
        passphrase = _new_passphrase()
    elif passphrase_file is not None and passphrase_file.exists():
        passphrase = read_passphrase(passphrase_file)
    else:
        passphrase = random_passphrase()
        if passphrase_file is not None:
            write_passphrase(passphrase_file, passphrase)
    address = keys.add(private_key, passphrase)
    if not asks and passphrase_file is None:
        try:
            keychain.put(address, passphrase)
        except ConfigurationError:
            keys.remove(address)
            raise
    return address


def run_list(settings: Settings, *, as_json: bool) -> int:
    """Print each key with where its passphrase is; 0."""
    keys, keychain = KeyStore(settings.key_folder), Keychain()
    elsewhere = "file" if settings.key_passphrase_file else "typed each time"
    listed = [
        {
            "address": address,
            "file": str(keys.path_of(address)),
            "passphrase": elsewhere if keychain.get(address) is None else "system keychain",
        }
        for address in keys.addresses()
    ]
    text = "\n".join(f"{each['address']}  passphrase: {each['passphrase']}" for each in listed)
    _tell(as_json, listed, text or f"There are no keys in {keys.folder}; `polydesk keys import` adds one.")
    return 0


def run_export_address(settings: Settings, address: str | None, *, as_json: bool) -> int:
    """Print the address of a key and those of the wallets that it may own at the venue; 0. Nothing is decrypted."""
    owner = KeyStore(settings.key_folder).path_of(_chosen(settings, address)).stem
    wallets = [
        {"kind": each.kind, "address": each.address, "signature_type": int(each.signature_type)}
        for each in candidate_wallets(Address(owner))
    ]
    lines = [f"{each['address']}  {each['kind']} (signature type {each['signature_type']})" for each in wallets]
    _tell(as_json, {"address": owner, "wallets": wallets}, "\n".join(lines))
    return 0


def run_rotate(settings: Settings, address: str | None, *, as_json: bool) -> int:
    """Replace the API credentials of a key; 0. A desk that runs goes on. Raises ConfigurationError and venue errors."""
    _check_own_credentials(settings)
    if settings.private_key is None:
        settings = _for_key(settings, _chosen(settings, address))

    async def rotate(site: Site, signer: Signer) -> int:
        store = credential_file(settings, signer)
        done = await rotate_credentials(site.transport, signer=signer, store=store, clock=SystemClock())
        text = f"The API key {done.key} is in use and {done.deleted} is deleted at the venue."
        if done.resumed:
            text += " An earlier rotation that was interrupted is finished with it."
        if settings.heartbeat:
            text += " POLYMARKET_HEARTBEAT is on: the venue may cancel orders that rest since before."
        _tell(as_json, {"key": done.key, "deleted": done.deleted, "resumed": done.resumed}, text)
        return 0

    return _with_site(settings, rotate)


def run_remove(settings: Settings, address: str, *, at_venue: bool, asks: bool, as_json: bool) -> int:
    """Delete a key and what belongs to it from this machine; 0, or 1 when nobody agreed. Raises ConfigurationError."""
    keys = KeyStore(settings.key_folder)
    file = keys.path_of(address)
    if asks and not agreed(f"Delete {file}? Without a copy of the key, whatever its wallets hold is lost for good."):
        print(json.dumps({"removed": None}) if as_json else "Nothing was changed.")
        return 1
    deleted = _with_site(_for_key(settings, address), _delete_api_keys) if at_venue else None
    keys.remove(address)
    Keychain().forget(address)
    for left in settings.key_folder.glob(f"credentials-{address.lower()}.*"):
        left.unlink(missing_ok=True)
    if as_json:
        print(json.dumps({"removed": file.stem, "deleted_at_venue": deleted}))
        return 0
    print(f"Removed the key of {file.stem} from this machine.")
    if deleted is None:
        print("Its API credentials at the venue, if it had any, are still valid there.")
    else:
        print(f"Deleted {deleted} API key(s) at the venue.")
    return 0


def run_move(settings: Settings, old: str, new: str, *, as_json: bool) -> int:
    """Say what is done and what is next on the way from one key's wallets to another's; 0 when all is done, else 1."""
    keys = KeyStore(settings.key_folder)
    imported = new.lower() in (each.lower() for each in keys.addresses())
    left_behind = old.lower() not in (each.lower() for each in keys.addresses())
    steps: list[tuple[bool, str]] = [(imported, f"import the key of {new}: polydesk keys import")]
    if not left_behind:
        facts = _with_site(_for_key(settings, old), _what_is_left)
        chosen = f"POLYMARKET_KEY_ADDRESS={new}"
        steps += [
            (facts["orders"] == 0, f"cancel the {facts['orders']} open order(s) of {old}"),
            (facts["positions"] == 0, f"sell or redeem the {facts['positions']} position(s) of {old}"),
            (
                facts["cash"] == 0,
                f"send the {plain(facts['cash'])} dollars of {old} to the new wallet, on the venue's site",
            ),
            (
                False,
                f"let hosts use the new key ({chosen}), see `{chosen} polydesk doctor` pass, then remove the old key "
                f"here and at the venue: polydesk keys remove {old} --at-venue",
            ),
        ]
    else:
        steps.append((True, f"remove the key of {old}"))
    following = next((text for done, text in steps if not done), None)
    lines = [f"[{'x' if done else ' '}] {text}" for done, text in steps]
    lines.append(f"Next: {following}" if following else "The move is complete.")
    result = {"steps": [{"done": done, "step": text} for done, text in steps], "next": following}
    _tell(as_json, result, "\n".join(lines))
    return 0 if following is None else 1


async def _what_is_left(site: Site, signer: Signer) -> dict[str, Any]:
    wallets = {each.address for each in candidate_wallets(signer.address)} | {site.clob.account}
    positions = 0
    for wallet in sorted(wallets):
        positions += len(await site.data.positions(wallet))
    return {
        "orders": len(await site.clob.open_orders()),
        "positions": positions,
        "cash": (await site.clob.balance()).collateral,
    }


async def _delete_api_keys(site: Site, signer: Signer) -> int:
    """The key in use; others, of other nonces, stay where they were made."""
    await site.clob.delete_api_key()
    return 1


def _with_site(settings: Settings, work: Callable[[Site, Signer], Awaitable[T]]) -> T:
    signer = open_signer(settings)
    if signer is None:
        raise ConfigurationError("There is no key; `polydesk keys import` adds one.")

    async def run() -> T:
        async with AsyncExitStack() as opened:
            return await work(await open_live(settings, opened, signer=signer), signer)

    return asyncio.run(run())


def _for_key(settings: Settings, address: str) -> Settings:
    """The settings with an imported key and the credentials that belong to it, whatever the environment names."""
    return settings.model_copy(
        update={
            "key_address": address,
            "private_key": None,
            "api_key": None,
            "api_secret": None,
            "api_passphrase": None,
        }
    )


def _chosen(settings: Settings, address: str | None) -> str:
    if address is not None:
        return address
    chosen = chosen_address(settings, KeyStore(settings.key_folder))
    if chosen is None:
        raise ConfigurationError("There is no key; `polydesk keys import` adds one.")
    return chosen


def _check_own_credentials(settings: Settings) -> None:
    if settings.api_secret is not None:
        raise ConfigurationError(
            "The API credentials come from POLYMARKET_API_SECRET and its kin, which nothing here can change. Take them "
            "out of the settings, and the desk makes and keeps its own."
        )


def _given_key(settings: Settings, *, keystore: Path | None, from_environment: bool) -> str:
    if keystore is not None:
        return decrypted(keystore, ask_hidden(f"Passphrase of {keystore}: "))
    if from_environment:
        if settings.private_key is None:
            raise ConfigurationError("POLYMARKET_PRIVATE_KEY is not set.")
        return settings.private_key.get_secret_value()
    return ask_hidden("Private key (64 hex digits; it is not shown): ")


def _new_passphrase() -> str:
    passphrase = ask_hidden(f"New passphrase (at least {_SHORTEST_PASSPHRASE} characters): ")
    if len(passphrase) < _SHORTEST_PASSPHRASE:
        raise ConfigurationError(f"That is shorter than {_SHORTEST_PASSPHRASE} characters. Nothing was kept.")
    if ask_hidden("Once more: ") != passphrase:
        raise ConfigurationError("The two are not the same. Nothing was kept.")
    return passphrase


def _tell(as_json: bool, result: Any, text: str) -> None:
    print(json.dumps(result) if as_json else text)
