"""Large figures and years in a text."""

from __future__ import annotations

import re

YEAR = re.compile(r"(?:19|20)\d\d")
_FIGURE = re.compile(r"\$?(\d[\d,]*(?:\.\d+)?) ?(k|m|bn|b|t|million|billion|trillion|%)?\b", re.IGNORECASE)
_MAGNITUDE = {"k": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9, "t": 1e12, "trillion": 1e12}


def figures_in(text: str) -> tuple[float, ...]:
    """Figures from a thousand on that are no years, in units: 60k is 60000."""
    found = []
    for digits, unit in _FIGURE.findall(text):
        value = float(digits.replace(",", "")) * _MAGNITUDE.get(unit.lower(), 1.0)
        if value >= 1000 and not YEAR.fullmatch(digits):
            found.append(value)
    return tuple(found)
