"""`polydesk status`, `watch` and `orders`: the commands of a person who looks at the desk."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_terminal_commands(commands: Commands, modes: Sequence[str]) -> None:
    status = _command(
        commands, "status", "how the desk stands; exit code 1 when none runs or something needs you", modes
    )
    status.set_defaults(run=_status)

    watch = _command(commands, "watch", "the desk on this terminal, live", modes)
    watch.add_argument("--updates", type=_count, metavar="N", help="end after so many; with --json a line each")
    watch.set_defaults(run=_watch)

    from .lists import STATUSES

    orders = _command(commands, "orders", "the orders of the account, newest first", modes)
    orders.add_argument("--status", choices=STATUSES, default="all", help="which (default: all)")
    orders.add_argument("--most", type=_count, default=20, metavar="N", help="how many, at most 200 (default: 20)")
    orders.set_defaults(run=_orders)


def _command(commands: Commands, name: str, text: str, modes: Sequence[str]) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument("--mode", choices=modes, help="which money (default: that of the settings)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _count(given: str) -> int:
    count = int(given)
    if count < 1:
        raise ValueError(given)
    return count


def _status(options: argparse.Namespace) -> int:
    from .status import tell_status

    return tell_status(options)


def _watch(options: argparse.Namespace) -> int:
    from .watch import watch

    return watch(options)


def _orders(options: argparse.Namespace) -> int:
    from .lists import list_orders

    return list_orders(options)
