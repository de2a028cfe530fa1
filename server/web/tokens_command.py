"""`polydesk tokens`: who may use a server on a network address, and for what."""

from __future__ import annotations

import argparse
import json

from ...core.settings import load_settings
from ...handlers.toolspec import DEFAULT_TOOLSETS


def add_tokens_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tokens = commands.add_parser("tokens", help="give clients of an http or sse server tokens, and take them back")
    actions = tokens.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a token and show it once")
    add.add_argument("name", help="whose it is, e.g. research-agent")
    add.add_argument("--scopes", help="what it may do, separated by commas, e.g. markets:read,trading:write")
    add.add_argument("--json", action="store_true", help="print the result as JSON")
    add.set_defaults(run=_add)
    listing = actions.add_parser("list", help="names and scopes; the tokens themselves are not kept")
    listing.add_argument("--json", action="store_true", help="print the result as JSON")
    listing.set_defaults(run=_list)
    remove = actions.add_parser("remove", help="end a token at once")
    remove.add_argument("name")
    remove.add_argument("--json", action="store_true", help="print the result as JSON")
    remove.set_defaults(run=_remove)


def _add(options: argparse.Namespace) -> int:
    from .tokens import token_file

    default = sorted(f"{toolset.value}:read" for toolset in DEFAULT_TOOLSETS)
    scopes = options.scopes.split(",") if options.scopes else default
    token = token_file(load_settings()).add(options.name, scopes)
    if options.json:
        print(json.dumps({"name": options.name, "scopes": scopes, "token": token}))
    else:
        print(f"{token}\n\nShown this once. It allows {', '.join(scopes)}. Clients send it as a bearer token:")
        print("    Authorization: Bearer TOKEN")
    return 0


def _list(options: argparse.Namespace) -> int:
    from .tokens import token_file

    entries = token_file(load_settings()).entries()
    if options.json:
        print(json.dumps([{"name": each.name, "scopes": each.scopes} for each in entries]))
    elif not entries:
        print("There are no tokens: whoever can reach the server on this machine may use it.")
    for each in entries if not options.json else ():
        print(f"{each.name:24} {', '.join(each.scopes)}")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from .tokens import token_file

    token_file(load_settings()).remove(options.name)
    print(json.dumps({"removed": options.name}) if options.json else f"{options.name} is refused from now on.")
    return 0
