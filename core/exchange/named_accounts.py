"""Accounts of a ledger that have a name: each has a key, a starting balance, and as many lives as it was reset.

The key of a name follows from the ledger's secret, so whoever has the file can trade on its accounts and nobody else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from decimal import Decimal

from ..errors import ConfigurationError
from ..key_storage.ethereum import account_type
from ..money import from_micro, to_micro
from .ledger_schema import NAMES, ORDERS, Row
from .store import LedgerStore

MAX_STARTING_BALANCE = Decimal(100_000_000)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """`private_key` is 64 hex digits, `starting_balance` dollars; `generation` counts the resets."""

    name: str
    generation: int
    address: str
    private_key: str
    starting_balance: Decimal


def named_account(store: LedgerStore, name: str) -> NamedAccount | None:
    """The account of a name as it is since its last reset; None when there never was one."""
    row = latest_names(store.rows(NAMES)).get(name)
    if row is None:
        return None
    _, generation, address, starting_balance, _ = row
    return NamedAccount(name, generation, address, _key(store.secret, name, generation), from_micro(starting_balance))


def create_account(store: LedgerStore, name: str, *, starting_balance: Decimal, at_ms: int) -> NamedAccount:
    """A new account with dollars of its own. Raises ConfigurationError for a name that is taken or malformed.

    Like `reset_account` for the time before an exchange runs on the ledger.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is not a name: use up to 32 of a-z, 0-9, - and _, a letter or digit first.")
    if named_account(store, name) is not None:
        raise ConfigurationError(f"There is an account {name!r} already in {store.path}.")
    with store.transaction():
        return _open(store, name, 0, starting_balance, at_ms)


def open_or_create_account(store: LedgerStore, name: str, *, starting_balance: Decimal, at_ms: int) -> NamedAccount:
    """The account of a name, which begins with `starting_balance` when it is new."""
    known = named_account(store, name)
    return known or create_account(store, name, starting_balance=starting_balance, at_ms=at_ms)


def reset_account(store: LedgerStore, name: str, *, starting_balance: Decimal | None, at_ms: int) -> NamedAccount:
    """Begin a name anew with a key, an address and dollars of its own; None keeps the balance it started with.

    What the former account had and did stays in the ledger, where its open orders are cancelled: others traded with
    it, so it cannot be wiped out. Raises ConfigurationError for an unknown name.
    """
    former = named_account(store, name)
    if former is None:
        raise ConfigurationError(f"There is no account {name!r} in {store.path}.")
    balance = former.starting_balance if starting_balance is None else starting_balance
    with store.transaction():
        _cancel_orders(store, former.address)
        return _open(store, name, former.generation + 1, balance, at_ms)


def latest_names(rows: list[Row]) -> dict[str, Row]:
    """The row of each name's latest generation."""
    return {row[0]: row for row in sorted(rows, key=lambda row: (row[0], row[1]))}


def _open(store: LedgerStore, name: str, generation: int, balance: Decimal, at_ms: int) -> NamedAccount:
    if not 0 < balance <= MAX_STARTING_BALANCE:
        raise ConfigurationError(f"A starting balance is more than 0 and at most {MAX_STARTING_BALANCE} dollars.")
    try:
        cash = to_micro(balance)
    except ValueError as error:
        raise ConfigurationError(f"{error}: a starting balance has at most six.") from error
    private_key = _key(store.secret, name, generation)
    address = str(account_type().from_key(private_key).address)
    store.open_account(address, cash=cash, at_ms=at_ms)
    store.write_rows(NAMES, [(name, generation, address, cash, at_ms)])
    return NamedAccount(name, generation, address, private_key, balance)


def _cancel_orders(store: LedgerStore, address: str) -> None:
    names = ORDERS.names
    cancelled: list[Row] = []
    for row in store.rows(ORDERS):
        order = dict(zip(names, row, strict=True))
        rests = order["resting"] > order["resting_filled"]
        if order["address"] == address and (rests or order["status"] == "DELAYED"):
            order.update(resting=order["resting_filled"], status="CANCELED")
            cancelled.append(tuple(order.values()))
    store.write_rows(ORDERS, cancelled)


def _key(secret: bytes, name: str, generation: int) -> str:
    digest = hmac.new(secret, f"account {name} {generation}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest, 'big') % (_CURVE_ORDER - 1) + 1:064x}"
