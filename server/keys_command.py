"""`polydesk keys` on the command line: what it takes, without loading what it needs."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..core.settings import load_settings


def add_keys_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare `keys` and its actions."""
    keys = commands.add_parser("keys", help="private keys on this machine, encrypted, and their API credentials")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")

    adding = actions.add_parser("import", help="encrypt a key, which is asked for and not shown")
    source = adding.add_mutually_exclusive_group()
    source.add_argument("--keystore", metavar="FILE", type=Path, help="take it from another program's keystore file")
    source.add_argument("--from-env", action="store_true", help="take it from POLYMARKET_PRIVATE_KEY")
    passphrase = adding.add_mutually_exclusive_group()
    passphrase.add_argument(
        "--passphrase-file",
        metavar="FILE",
        type=Path,
        help="keep the passphrase in this file (made with a random one when it does not exist) and not in the keychain",
    )
    passphrase.add_argument("--ask", action="store_true", help="ask for a passphrase and keep it nowhere")

    listing = actions.add_parser("list", help="the addresses of the imported keys")
    export = actions.add_parser("export-address", help="the address of a key and of the wallets that it may own")
    rotate = actions.add_parser("rotate", help="new API credentials at the venue instead of the old ones")
    move = actions.add_parser("move", help="say what is next in moving to another wallet; changes nothing")
    remove = actions.add_parser("remove", help="delete a key from this machine")
    remove.add_argument("--at-venue", action="store_true", help="first delete its API credentials at the venue")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    for action in (export, rotate):
        action.add_argument("address", nargs="?", help="which key (default: the only one)")
    remove.add_argument("address", help="which key")
    move.add_argument("old", help="address of the key to leave")
    move.add_argument("new", help="address of the key to move to")
    for action in (adding, listing, export, rotate, move, remove):
        action.add_argument("--json", action="store_true", help="print the result as JSON")
    keys.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from . import keys

    settings = load_settings(mode="live")
    match options.action:
        case "import":
            return keys.run_import(
                settings,
                keystore=options.keystore,
                from_environment=options.from_env,
                passphrase_file=options.passphrase_file,
                asks=options.ask,
                as_json=options.json,
            )
        case "list":
            return keys.run_list(settings, as_json=options.json)
        case "export-address":
            return keys.run_export_address(settings, options.address, as_json=options.json)
        case "rotate":
            return keys.run_rotate(settings, options.address, as_json=options.json)
        case "move":
            return keys.run_move(settings, options.old, options.new, as_json=options.json)
        case _:
            return keys.run_remove(
                settings, options.address, at_venue=options.at_venue, asks=not options.yes, as_json=options.json
            )
