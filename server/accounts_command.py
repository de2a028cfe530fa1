"""`polydesk accounts` on the command line: what it takes, without loading what it needs."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ..core.settings import load_settings

_DEFAULT_BALANCE = Decimal(1000)


def add_accounts_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `accounts` and its actions."""
    accounts = commands.add_parser("accounts", help="list, create, reset and export the accounts of a ledger")
    actions = accounts.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="every account with its cash, orders and positions")
    create = actions.add_parser("create", help="a new account, on a ledger that no exchange uses")
    reset = actions.add_parser("reset", help="begin an account anew; what it did before stays exportable")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    export = actions.add_parser("export", help="orders, fills, trades, movements and positions as CSV")
    export.add_argument("--out", metavar="FOLDER", default=".", help="where the files go (default: here)")
    for action in (create, reset, export):
        action.add_argument("name", help="the account's name")
    create.add_argument("--balance", type=_dollars, default=_DEFAULT_BALANCE, help="dollars at the start (1000)")
    reset.add_argument("--balance", type=_dollars, help="dollars at the start (default: as it began before)")
    for action in (listing, create, reset, export):
        action.add_argument("--ledger", metavar="FILE", help="the ledger (default: that of the paper desk)")
        action.add_argument("--json", action="store_true", help="print the result as one JSON line")
    accounts.set_defaults(run=_run)


def _dollars(given: str) -> Decimal:
    try:
        return Decimal(given)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{given!r} is not an amount of dollars") from error


def _run(options: argparse.Namespace) -> int:
    from . import accounts

    path = Path(options.ledger) if options.ledger else accounts.ledger_path(load_settings())
    match options.action:
        case "list":
            return accounts.run_list(path, as_json=options.json)
        case "create":
            return accounts.run_create(path, options.name, balance=options.balance, as_json=options.json)
        case "reset":
            return accounts.run_reset(
                path, options.name, balance=options.balance, asks=not options.yes, as_json=options.json
            )
        case _:
            return accounts.run_export(path, options.name, Path(options.out), as_json=options.json)
