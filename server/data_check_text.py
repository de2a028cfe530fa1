"""What was found in somebody's data, as plain values and as lines."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.untrusted_text import quoted

if TYPE_CHECKING:
    from ..core.backtest.data_check import DataCheck


async def checked(source: Path | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a file or rows hold, as plain values; a large file is read beside the loop."""
    from ..core.backtest.data_check import check_data

    return check_as_json(await asyncio.to_thread(check_data, source))


def check_as_json(found: DataCheck) -> dict[str, Any]:
    """Plain values, times in ISO 8601."""
    told = dataclasses.asdict(found)
    told["gaps"] = [
        {
            "market": quoted(each.market),
            "since": each.since.isoformat(),
            "until": each.until.isoformat(),
            **({"told": quoted(each.told)} if each.told else {}),
        }
        for each in found.gaps
    ]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}


def check_as_text(found: DataCheck) -> str:
    """One subject a line; what is empty is left out."""
    lines = [
        ("problem", quoted(found.problem, 600)),
        ("layout", found.layout),
        ("fidelity", found.fidelity or ""),
        ("assumed", found.assumption),
        ("columns", ", ".join(f"{name} = {meaning}" for meaning, name in found.columns.items())),
        ("missing", ", ".join(found.missing)),
        ("ignored", ", ".join(quoted(each, 60) for each in found.ignored)),
        ("rows", f"{found.used} of {found.rows} used" if found.rows else ""),
        *(("dropped", f"{count} {reason}") for reason, count in found.dropped.items()),
        ("time zone", found.time_zone),
        ("coverage", f"{found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M}" if found.first else ""),
        ("markets", f"{found.markets}, outcomes known of {found.outcomes_known}" if found.markets else ""),
        *(
            (
                "gap",
                f"{each.since:%Y-%m-%d %H:%M:%S} to {each.until:%Y-%m-%d %H:%M:%S} in {quoted(each.market, 80)}"
                f"{': ' + quoted(each.told, 80) if each.told else ''}",
            )
            for each in found.gaps
        ),
        ("in sample", ", ".join(found.in_sample)),
        *(("warning", each) for each in found.warnings),
    ]
    return "\n".join(f"{name:10} {value}" for name, value in lines if value)
