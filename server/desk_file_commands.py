"""`polydesk audit` and `polydesk letters`: what a person reads and settles in the desk's own file."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError
from ..core.settings import load_settings

if TYPE_CHECKING:
    from ..core.storage.database import Database

Commands = Any
"""What argparse calls the object that subcommands are added to; its type has no public name."""


def add_desk_file_commands(commands: Commands, modes: list[str]) -> None:
    audit = commands.add_parser("audit", help="the account of every decision of the desk")
    actions = audit.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "verify", "recompute the hashes of all entries", modes, _verify)
    _action(actions, "export", "print all entries as JSON lines", modes, _export)

    letters = commands.add_parser("letters", help="orders and cancels that failed for good")
    actions = letters.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "those that nobody has dealt with", modes, _list)
    drop = _action(actions, "drop", "end one: it will not be placed again", modes, _drop)
    drop.add_argument("letter_id", help="as listed")


def _action(
    actions: Commands, name: str, text: str, modes: list[str], run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)
    parser.add_argument("--mode", choices=modes, help="whose file (default: that of the settings)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)
    return parser


def _verify(options: argparse.Namespace) -> int:
    from ..core.storage.audit_log import check_chain

    with _file(options) as database:
        check = check_chain(database)
    if options.json:
        print(json.dumps(asdict(check)))
    elif check.broken_at is None:
        print(f"{check.entries} entries, unbroken. Last hash: {check.last_hash}")
    else:
        print(f"Broken at entry {check.broken_at}: it, or one before it, was changed, removed or added.")
    return 0 if check.broken_at is None else 1


def _export(options: argparse.Namespace) -> int:
    from ..core.storage.audit_log import all_entries

    with _file(options) as database:
        for entry in all_entries(database):
            print(json.dumps(asdict(entry) | {"at": entry.at.isoformat()}, separators=(",", ":")))
    return 0


def _list(options: argparse.Namespace) -> int:
    from ..core.trading.dead_letters import open_letters

    with _file(options) as database:
        rows = [asdict(each) | {"at": each.at.isoformat()} for each in open_letters(database)]
    if options.json:
        print(json.dumps(rows))
    elif not rows:
        print("No dead letters.")
    for row in () if options.json else rows:
        print(f"{row['letter_id']}  {row['at'][:19]}  {row['kind']}  {row['cause']}")
    return 0


def _drop(options: argparse.Namespace) -> int:
    from ..core.clock import SystemClock
    from ..core.storage.audit_log import AuditLog
    from ..core.trading.dead_letters import DeadLetters, open_letters

    with _file(options) as database:
        account = next((each.account for each in open_letters(database) if each.letter_id == options.letter_id), "")
        letters = DeadLetters(database, AuditLog(database, account), account=account, new_id=secrets.token_hex)
        letter = letters.drop(options.letter_id, now=SystemClock().now())
    print(json.dumps({"dropped": letter.letter_id}) if options.json else f"Dropped: {letter.kind}, {letter.cause}")
    return 0


@contextmanager
def _file(options: argparse.Namespace) -> Iterator[Database]:
    """The desk's file of a mode. Raises ConfigurationError when there is none."""
    from ..core.storage.database import DESK_FILE, Database

    settings = load_settings(mode=options.mode)
    path = settings.desk_folder / DESK_FILE
    if not path.exists():
        raise ConfigurationError(f"There is no {path}: no desk has written one in {settings.mode.value} mode.")
    database = Database.at(path)
    try:
        yield database
    finally:
        database.close()
