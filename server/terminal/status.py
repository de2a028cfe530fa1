"""`polydesk status`: how the desk stands, in a second."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ...core.settings import Settings, load_settings
from ...core.untrusted_text import quoted
from .desk_reading import look


def tell_status(options: argparse.Namespace) -> int:
    """0 where a desk runs and nothing needs a person, else 1."""
    settings = load_settings(mode=options.mode)
    told = look(settings, "overview")
    if told is None:
        left = _left_behind(settings)
        if options.json:
            print(json.dumps({"desk": None, **left}))
        else:
            print(f"No process holds the {settings.mode.value} desk ({settings.desk_folder}).")
            if left["halt"]:
                print(f"Trading is halted: {left['halt']}.")
            counted = ", ".join(f"{count} {status}" for status, count in left["orders"].items())
            print(f"Orders in its file: {counted or 'none'}.")
        return 1
    from .screen import concerns_of, summary

    concerns = concerns_of(told)
    if options.json:
        print(json.dumps({"concerns": concerns, **told}))
    else:
        from rich.console import Console

        Console(highlight=False).print(summary(told))
    return 1 if concerns else 0


def _left_behind(settings: Settings) -> dict[str, Any]:
    """What the files say of a desk that does not run."""
    from ...core.risk.kill_switch import KillSwitch

    halt = KillSwitch(settings.desk_folder, lifted_by="").current()
    return {
        "mode": settings.mode.value,
        "folder": str(settings.desk_folder),
        "halt": quoted(halt.reason, 300) if halt else None,
        "orders": _counts(settings),
    }


def _counts(settings: Settings) -> dict[str, int]:
    from ...core.storage.database import DESK_FILE

    if not (settings.desk_folder / DESK_FILE).exists():
        return {}
    from sqlalchemy import func, select

    from ...core.storage.schema import orders
    from ..desk_file import desk_file

    with desk_file(settings) as database, database.reading() as connection:
        rows = connection.execute(select(orders.c.status, func.count()).group_by(orders.c.status)).all()
    return dict(sorted((str(status), int(count)) for status, count in rows))
