"""Reports of backtests and of sweeps: one HTML file that needs nothing else, the figures, and of a backtest a picture
that an agent can show.

All are made of mappings of plain values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .report_page import report_html
from .report_picture import report_png
from .sweep_page import sweep_html


def write_report(told: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write report.html, report.json and, where matplotlib is installed, report.png; the paths of what was written.

    Raises OSError for a folder that cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, figures, picture = (folder / f"report.{kind}" for kind in ("html", "json", "png"))
    page.write_text(report_html(told), encoding="utf-8")
    figures.write_text(json.dumps(told, indent=1), encoding="utf-8")
    try:
        picture.write_bytes(report_png(told))
    except ImportError:
        return [page, figures]
    return [page, figures, picture]


def write_sweep_report(told: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write report.html and report.json of a sweep; their paths. Raises OSError for a folder that cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    page, figures = (folder / f"report.{kind}" for kind in ("html", "json"))
    page.write_text(sweep_html(told), encoding="utf-8")
    figures.write_text(json.dumps(told, indent=1), encoding="utf-8")
    return [page, figures]
