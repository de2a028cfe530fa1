"""Prices by symbol and minute in a file of lines, so that a week of them outlives the process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ..models import PricePoint


class PriceFile:
    """Lines of a symbol, unix seconds and a price; a later line about a minute replaces an earlier one.

    What cannot be read, as the end of a file whose writer was killed, is left out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[tuple[str, PricePoint]]:
        """In the order of the file; nothing where there is none. Raises OSError."""
        try:
            text = self._path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return []
        found = []
        for line in text.splitlines():
            with contextlib.suppress(ValueError, InvalidOperation, OverflowError, OSError):
                symbol, at, price = line.split(" ")
                point = PricePoint(datetime.fromtimestamp(int(at), UTC), Decimal(price))
                if point.price.is_finite() and point.price > 0:
                    found.append((symbol, point))
        return found

    def replace(self, series: Mapping[str, Iterable[PricePoint]]) -> None:
        """Write the file anew, whole or not at all. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_suffix(".new")
        with draft.open("w", encoding="ascii") as file:
            for symbol, points in series.items():
                file.writelines(_line(symbol, point) for point in points)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def append(self, rows: Iterable[tuple[str, PricePoint]]) -> None:
        """Raises OSError."""
        with self._path.open("a", encoding="ascii") as file:
            file.writelines(_line(symbol, point) for symbol, point in rows)


def _line(symbol: str, point: PricePoint) -> str:
    return f"{symbol} {int(point.at.timestamp())} {point.price}\n"
