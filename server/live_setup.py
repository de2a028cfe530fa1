"""`polydesk setup --live`: takes a person from nothing to a host that can trade real money, one question at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ..core.diagnosis.account import Diagnosis, Subject, diagnose
from ..core.diagnosis.wallet_checks import used_wallets
from ..core.errors import ConfigurationError
from ..core.key_storage.keystore import KeyStore
from ..core.key_storage.passphrases import Keychain
from ..core.polymarket.signing import SignatureType, Signer
from ..core.polymarket.wallets import CandidateWallet, candidate_wallets, checked_address, wallet_of
from ..core.settings import Settings, load_settings
from .account_check import lines_of
from .keys import import_key
from .questions import agreed, ask, ask_hidden
from .setup import HOSTS, Entry, set_up
from .sites import open_subject
from .wallet import open_signer

ENTRY_NAME = "polymarket-live"

_PROPOSED = (
    ("max_order_usd", "Most that one order may cost", Decimal(25)),
    ("max_day_usd", "Most that all orders of a day may cost", Decimal(100)),
    ("max_exposure_usd", "Most that can be lost in all", Decimal(250)),
)
_DOLLAR_ORDER_USD = (Decimal(1), Decimal("1.1"))
"""A purchase must be worth a dollar without its fee, so the second is tried where there is one."""

_PASSED_ON = ("api_url", "gamma_url", "data_url", "ws_url", "live_data_url", "chain_id", "state_dir")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What was found out and agreed on; nothing of it is secret."""

    address: str
    wallet: CandidateWallet
    passphrase_file: Path | None
    limits: dict[str, Decimal]


def run_live_setup(host: str, *, config: str | None) -> int:
    """Ask, look, propose, and write the entry; 0, or 1 when something stops the account from trading.

    Raises ConfigurationError, with nothing written into the host's file, when it cannot go on.
    """
    if host not in HOSTS:
        raise ConfigurationError(f"There is no host {host!r}; choose from {', '.join(HOSTS)}.")
    settings = load_settings(mode="live")
    _say("1 of 6: the key.")
    address, passphrase_file = _imported(settings)
    settings = load_settings(mode="live", key_address=address, key_passphrase_file=passphrase_file)
    settings = settings.model_copy(update={"private_key": None})
    signer = open_signer(settings)
    assert signer is not None

    _say("\n2 of 6: the wallet.")
    wallet = asyncio.run(_wallet(settings, signer))
    _say(f"The wallet is {wallet.address}, the {wallet.kind} (signature type {int(wallet.signature_type)}).")

    _say("\n3 of 6: the doctor.")
    diagnosis = asyncio.run(_diagnosed(settings, signer, wallet))
    for line in lines_of(diagnosis):
        _say(line)
    if not diagnosis.can_trade or any(each.code == "new_wallet" for each in diagnosis.findings):
        _say(f"\nMend this first, then run `polydesk setup --live --host {host}` again. Nothing was written.")
        return 1

    _say("\n4 of 6: limits, in dollars. No tool can raise them.")
    limits = {name: _limit(question, proposed) for name, question, proposed in _PROPOSED}
    chosen = _Chosen(address, wallet, passphrase_file, limits)

    _say("\n5 of 6: what an order of a dollar would be. It is planned and not sent.")
    for line in asyncio.run(_planned(_live_settings(settings, chosen))):
        _say(line)

    _say("\n6 of 6: the host.")
    path = Path(config).expanduser() if config else HOSTS[host].path()
    if not agreed(f"Write the entry {ENTRY_NAME} into {path}?"):
        _say("Nothing was written.")
        return 1
    entry = Entry(ENTRY_NAME, ("serve", "--mode", "live"), _environment(settings, chosen))
    result = set_up(HOSTS[host], path, entry)
    if result.backup:
        _say(f"The file as it was: {result.backup}")
    _say(f"Started it as {host} will: {result.server} answered with {result.tools} tools. Restart {host} to see them.")
    _say("Each order needs a yes: in the host's dialog, or with `polydesk approve CODE`.")
    return 0


def _imported(settings: Settings) -> tuple[str, Path | None]:
    """The address of the key to trade with, imported now if need be, and the file of its passphrase if it has one."""
    keys, keychain = KeyStore(settings.key_folder), Keychain()
    addresses = keys.addresses()
    if addresses:
        address = settings.key_address or (addresses[0] if len(addresses) == 1 else _one_of(addresses))
        keys.path_of(address)
        _say(f"The key of {address} is imported already.")
        return address, settings.key_passphrase_file
    if settings.private_key is not None and agreed("POLYMARKET_PRIVATE_KEY is set. Keep that key encrypted here?"):
        private_key = settings.private_key.get_secret_value()
    else:
        private_key = ask_hidden("Private key of the wallet's owner (64 hex digits; it is not shown): ")
    file = settings.key_passphrase_file
    if file is None and not keychain.exists:
        usual = _passphrase_file()
        typed = ask(f"This system has no keychain. File for a random passphrase [{usual}]: ").strip()
        file = Path(typed).expanduser() if typed else usual
    address = import_key(keys, private_key, keychain=keychain, passphrase_file=file, asks=False)
    _say(f"The key of {address} is kept encrypted in {keys.path_of(address)}.")
    return address, file


def _passphrase_file() -> Path:
    """Away from the keys, so that a copy of their folder is not a copy of this."""
    import platformdirs

    return Path(platformdirs.user_config_dir("polydesk")) / "passphrase"


async def _wallet(settings: Settings, signer: Signer) -> CandidateWallet:
    """The wallet with the money: the one that was used at the venue, or which the person names."""
    wallets = candidate_wallets(signer.address)
    async with AsyncExitStack() as opened:
        subject = await open_subject(settings, opened, signer=signer)
        used = await used_wallets(subject.transport, wallets)
    if len(used) == 1:
        return used[0]
    if used:
        named = _one_of([f"{each.address}  {each.kind}" for each in used])
        return next(each for each in used if named.startswith(each.address))
    usual = next(each for each in wallets if each.kind == "deposit wallet")
    _say("No wallet of this key has been used at the venue yet.")
    typed = ask(f"Address that the venue's site shows for your account [{usual.address}, the deposit wallet]: ").strip()
    if not typed:
        return usual
    found = wallet_of(signer.address, checked_address(typed))
    if found is None:
        raise ConfigurationError(
            f"{typed} is no wallet of this key: import the key of its owner, which the venue's site lets you export."
        )
    return found


async def _diagnosed(settings: Settings, signer: Signer, wallet: CandidateWallet) -> Diagnosis:
    async with AsyncExitStack() as opened:
        subject = await open_subject(settings, opened, signer=signer)
        return await diagnose(_with_wallet(subject, wallet))


def _with_wallet(subject: Subject, wallet: CandidateWallet) -> Subject:
    own = wallet.signature_type is SignatureType.EOA
    return replace(subject, funder=None if own else wallet.address, signature_type=wallet.signature_type)


def _live_settings(settings: Settings, chosen: _Chosen) -> Settings:
    """The settings that the host's entry will have."""
    wallet = chosen.wallet
    funder = None if wallet.signature_type is SignatureType.EOA else wallet.address
    found = load_settings(
        mode="live",
        key_address=chosen.address,
        key_passphrase_file=chosen.passphrase_file,
        signature_type=int(wallet.signature_type),
        compute="inline",
        **chosen.limits,
    )
    return found.model_copy(update={"private_key": None, "funder": funder, "state_dir": settings.state_dir})


async def _planned(settings: Settings) -> list[str]:
    """The plan of an order of a dollar in the busiest market, through every check of the desk."""
    from mcp import Client

    from .application import Application
    from .build import build_server

    application = Application(settings)
    try:
        async with Client(build_server(application)) as client:
            found = await client.call_tool("polymarket_search_markets", {"limit": 1})
            market = (found.structured_content or {})["markets"][0]["market"]
            for spend in _DOLLAR_ORDER_USD:
                order = {"market_id": market, "outcome": 0, "spend_usd": float(spend)}
                planned = await client.call_tool("polymarket_preview_order", order)
                if not planned.is_error:
                    break
            answer: dict[str, Any] = planned.structured_content or {}
    finally:
        await application.aclose()
    if planned.is_error:
        return [f"The desk would not send it: {answer.get('message', 'no reason given')}"]
    shown = ("question", "outcome", "side", "shares", "limit_price", "worst_cost", "expected_fee", "consent")
    return [f"{name}: {answer[name]}" for name in shown if name in answer]


def _environment(settings: Settings, chosen: _Chosen) -> dict[str, str]:
    """The entry's variables: names and numbers, no secret."""
    wallet = chosen.wallet
    found = {"POLYMARKET_MODE": "live", "POLYMARKET_KEY_ADDRESS": chosen.address}
    if wallet.signature_type is not SignatureType.EOA:
        found["POLYMARKET_FUNDER"] = wallet.address
        found["POLYMARKET_SIGNATURE_TYPE"] = str(int(wallet.signature_type))
    if chosen.passphrase_file is not None:
        found["POLYMARKET_KEY_PASSPHRASE_FILE"] = str(chosen.passphrase_file.absolute())
    found |= {f"POLYMARKET_{name.upper()}": f"{limit:f}" for name, limit in chosen.limits.items()}
    for name in _PASSED_ON:
        if name in settings.model_fields_set:
            found[f"POLYMARKET_{name.upper()}"] = str(getattr(settings, name))
    return found


def _limit(question: str, proposed: Decimal) -> Decimal:
    """A positive number of dollars; asked again until it is one."""
    while True:
        typed = ask(f"{question} [{proposed}]: ").strip().removeprefix("$")
        try:
            limit = Decimal(typed) if typed else proposed
        except InvalidOperation:
            limit = Decimal(0)
        if limit.is_finite() and limit > 0:
            return limit
        _say(f"{typed!r} is no amount of dollars.")


def _one_of(choices: Sequence[str]) -> str:
    """One of several, by its number."""
    for number, each in enumerate(choices, start=1):
        _say(f"  {number}  {each}")
    while True:
        typed = ask("Which one? ").strip()
        if typed.isdigit() and 1 <= int(typed) <= len(choices):
            return choices[int(typed) - 1]


def _say(line: str) -> None:
    print(line, flush=True)
