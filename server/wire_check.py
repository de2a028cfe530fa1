"""`polydesk wire check`: whether captured payloads are still of the shapes that the client reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..core.errors import ConfigurationError
from ..core.polymarket.wire_check import WireReport, check_file
from ..core.polymarket.wire_kinds import KINDS

_SHOWN = 20
"""Failures printed per file; the JSON form has them all."""


def run_wire_check(files: Sequence[str], *, kind: str | None, as_json: bool) -> int:
    """Print a report on each file; 1 when anything in them could not be read.

    Raises ConfigurationError for an unknown kind and for a file that cannot be opened.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigurationError(f"There is no kind {kind!r}; choose from {', '.join(KINDS)}.")
    failed = False
    for name in files:
        try:
            report = check_file(Path(name), kind=kind)
        except OSError as error:
            raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error
        failed = failed or bool(report.failures)
        if as_json:
            print(json.dumps(asdict(report)))
        else:
            _print_report(report)
    return 1 if failed else 0


def _print_report(report: WireReport) -> None:
    kinds = ", ".join(report.kinds) or "no known kind"
    print(f"{report.file}: {kinds}; {report.objects} objects, {len(report.failures)} failed")
    for failure in report.failures[:_SHOWN]:
        print(f"  {failure.path or 'the file'}: {failure.message}")
    if len(report.failures) > _SHOWN:
        print(f"  and {len(report.failures) - _SHOWN} more")
