"""`polydesk orders` and `polydesk positions list`: what the account has ordered and holds."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Mapping
from typing import Any

from ...core.settings import Settings, load_settings
from .desk_reading import look, no_desk

STATUSES = ("all", "open", "filled", "refused", "rejected", "unknown", "dead", "canceled", "awaiting_person")


def list_orders(options: argparse.Namespace) -> int:
    """Those of the desk that runs, with what the venue says of them now; else those of its file, as last known."""
    settings = load_settings(mode=options.mode)
    told = look(settings, "orders", {"status": options.status, "most": options.most})
    if told is None:
        told = {"as_last_known": True, "orders": _of_file(settings, status=options.status, most=options.most)}
    if options.json:
        print(json.dumps(told))
        return 0
    from rich.console import Console

    from .screen import listed_orders_table

    console = Console(highlight=False)
    if told.get("as_last_known"):
        console.print("No desk runs: this is what its file knows.", style="dim")
    if told.get("venue_problem"):
        console.print(f"The venue does not answer ({told['venue_problem']}): as last known.", style="red", markup=False)
    console.print(listed_orders_table(told["orders"]) if told["orders"] else "No orders.")
    return 0


def _of_file(settings: Settings, *, status: str, most: int) -> list[dict[str, Any]]:
    """Raises ConfigurationError when no desk has written a file."""
    from sqlalchemy import select

    from ...core.models.venue_notes import VenueNotes
    from ...core.storage.audit_log import AuditLog
    from ...core.storage.processes import ProcessMark
    from ...core.storage.schema import orders
    from ...core.trading.dead_letters import DeadLetters
    from ...core.trading.journal import OrderJournal
    from ...core.trading.order_view import order_views
    from ..desk_file import desk_file
    from ..overview.listed_orders import order_rows

    rows: list[dict[str, Any]] = []
    with desk_file(settings) as database:
        with database.reading() as connection:
            accounts = connection.execute(select(orders.c.account).distinct()).scalars().all()
        for account in accounts:
            audit = AuditLog(database, account)
            letters = DeadLetters(database, audit, account=account, new_id=secrets.token_hex)
            journal = OrderJournal(
                database, audit, letters, account=account, process=ProcessMark(None), new_id=secrets.token_hex
            )
            rows += order_rows(order_views(journal.latest(most), (), ()), VenueNotes(), status=status, most=most)
    return sorted(rows, key=lambda row: str(row["created"]), reverse=True)[:most]


def list_positions(options: argparse.Namespace) -> int:
    """Of the desk that runs. Raises ConfigurationError where none does: only the venue knows what is held."""
    settings = load_settings(mode=options.mode)
    told = look(settings, "overview")
    if told is None:
        raise no_desk(settings)
    if options.json:
        print(json.dumps(_parts(told, "mode", "account", "as_of", "positions", "positions_total", "problems")))
        return 0
    from rich.console import Console

    from .screen import positions_table

    Console(highlight=False).print(positions_table(told["positions"]) if told["positions"] else "Nothing is held.")
    return 0


def _parts(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: told[name] for name in names if name in told}
