"""`polydesk accounts`: the named accounts of a ledger file."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from ..core.clock import SystemClock, unix_ms
from ..core.errors import ConfigurationError
from ..core.exchange.ledger_export import AccountSummary, ledger_reader
from ..core.exchange.named_accounts import NamedAccount, create_account, reset_account
from ..core.exchange.store import LedgerStore
from ..core.settings import Settings


def ledger_path(settings: Settings) -> Path:
    """Where the paper desk keeps its ledger."""
    return settings.resolved_state_dir / "paper" / "ledger.db"


def opened_ledger(path: Path) -> LedgerStore:
    """The ledger, made with its folder when there is none. Raises ConfigurationError when it cannot be used."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(f"{path.parent} cannot be made: {error.strerror}.") from error
    return LedgerStore(path, secret=secrets.token_bytes(32))


def run_list(path: Path, *, as_json: bool) -> int:
    """Print every account; 0. Raises ConfigurationError."""
    with ledger_reader(path) as reader:
        accounts = reader.summaries()
    if as_json:
        print(json.dumps([asdict(account) for account in accounts], default=str))
        return 0
    for account in accounts:
        print(_line(account))
    if not accounts:
        print(f"{path} has no named account yet.")
    return 0


def _line(account: AccountSummary) -> str:
    began = f"began with ${account.starting_balance:f} on {account.created_at:%Y-%m-%d}"
    resets = f", reset {account.resets} times" if account.resets else ""
    counts = f"{account.open_orders} open of {account.orders} orders, {account.positions} positions"
    return f"{account.name:20} {account.address}  ${account.cash:f}  {counts}; {began}{resets}"


def run_create(path: Path, name: str, *, balance: Decimal, as_json: bool) -> int:
    """Make an account, and the ledger with it when there is none; 0. Raises ConfigurationError."""
    with opened_ledger(path) as store:
        made = create_account(store, name, starting_balance=balance, at_ms=unix_ms(SystemClock().now()))
    _tell(made, f"Created {made.name} with ${made.starting_balance:f}: {made.address}", as_json=as_json)
    return 0


def run_reset(path: Path, name: str, *, balance: Decimal | None, asks: bool, as_json: bool) -> int:
    """Begin an account anew, once somebody said yes; 0, or 1 when nobody did. Raises ConfigurationError."""
    if not path.exists():
        raise ConfigurationError(f"There is no ledger at {path}.")
    with opened_ledger(path) as store:
        if asks and not _agreed(name):
            print(json.dumps(None) if as_json else "Nothing was changed.")
            return 1
        made = reset_account(store, name, starting_balance=balance, at_ms=unix_ms(SystemClock().now()))
    _tell(made, f"{made.name} begins anew with ${made.starting_balance:f}: {made.address}", as_json=as_json)
    return 0


def _tell(made: NamedAccount, text: str, *, as_json: bool) -> None:
    print(json.dumps(asdict(made), default=str) if as_json else text)


def _agreed(name: str) -> bool:
    print(f"Reset {name}? Its open orders are cancelled and its cash and positions are left behind.", file=sys.stderr)
    print("Type yes to do it: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() == "yes"


def run_export(path: Path, name: str, folder: Path, *, as_json: bool) -> int:
    """Write the account as CSV files and print their names; 0. Raises ConfigurationError."""
    with ledger_reader(path) as reader:
        files = [str(file) for file in reader.export(name, folder)]
    print(json.dumps(files) if as_json else "\n".join(files))
    return 0
