"""`polydesk audit`, `dead-letters` and `positions`: what a person reads and settles in the desk's own file."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..core.settings import load_settings
from .desk_file import desk_file

if TYPE_CHECKING:
    from ..core.storage.database import Database

Commands = Any
"""What argparse calls the object that subcommands are added to; its type has no public name."""


def add_desk_file_commands(commands: Commands, modes: list[str]) -> None:
    audit = commands.add_parser("audit", help="the account of every decision of the desk")
    actions = audit.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "verify", "recompute the hashes of all entries", modes, _verify)
    _action(actions, "export", "print all entries as JSON lines", modes, _export)

    letters = commands.add_parser("dead-letters", help="orders and cancels that failed for good")
    actions = letters.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "those that nobody has dealt with", modes, _list)
    drop = _action(actions, "drop", "end one: it will not be placed again", modes, _drop)
    drop.add_argument("letter_id", help="as listed")

    positions = commands.add_parser("positions", help="what is held; and changes of it whose fate is unknown")
    actions = positions.add_subparsers(dest="action", required=True, metavar="ACTION")
    _action(actions, "list", "what the desk that runs holds", modes, _held)
    _action(actions, "unknown", "changes that are unknown, and what to look for on a block explorer", modes, _unknown)
    settle = _action(actions, "settle", "say what became of one, so that the next can be signed", modes, _settle)
    settle.add_argument("change_id", help="as listed")
    fate = settle.add_mutually_exclusive_group(required=True)
    fate.add_argument("--carried-out", action="store_true", help="the chain has carried it out")
    fate.add_argument("--never-carried-out", dest="carried_out", action="store_false", help="it will never be")


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


def _held(options: argparse.Namespace) -> int:
    from .terminal.lists import list_positions

    return list_positions(options)


def _unknown(options: argparse.Namespace) -> int:
    from ..core.trading.settled_changes import unknown_changes

    with _file(options) as database:
        found = unknown_changes(database)
    rows: list[dict[str, Any]] = [
        {
            "change_id": each.change.change_id,
            "account": each.account,
            "action": each.change.order.action.value,
            "nonce": each.change.nonce,
            "sent_at": each.change.sent_at.isoformat() if each.change.sent_at else "",
            "left_to_desk_until": each.left_to_desk_until.isoformat(),
            "look_for": each.look_for,
        }
        for each in found
    ]
    if options.json:
        print(json.dumps(rows))
    elif not rows:
        print("No change of positions is unknown.")
    for row in () if options.json else rows:
        print(f"{row['change_id']}  {row['sent_at'][:19]}  {row['action']}, nonce {row['nonce']}, of {row['account']}")
        print(f"  Look on a block explorer for {row['look_for']}.")
        print(f"  From {row['left_to_desk_until'][:16]} on: polydesk positions settle {row['change_id']} ...")
    return 0


def _settle(options: argparse.Namespace) -> int:
    from ..core.clock import SystemClock
    from ..core.trading.settled_changes import settle

    with _file(options) as database:
        change = settle(database, options.change_id, carried_out=options.carried_out, now=SystemClock().now())
    if options.json:
        print(json.dumps({"settled": change.change_id, "status": change.status.value}))
    else:
        print(f"Settled: {change.change_id} is {change.status.value}.")
    return 0


def _file(options: argparse.Namespace) -> AbstractContextManager[Database]:
    return desk_file(load_settings(mode=options.mode))
