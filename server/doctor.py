"""`polydesk doctor`: what works here, what does not, and what would help."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError
from ..core.settings import load_settings

if TYPE_CHECKING:
    from .compute_check import ComputeReport

Commands = Any
"""What argparse calls the object that subcommands are added to; its type has no public name."""


def add_doctor_command(commands: Commands) -> None:
    doctor = commands.add_parser("doctor", help="say what keeps the account from trading, or what computes here")
    doctor.add_argument("--compute", action="store_true", help="workers, engines, devices and models instead")
    doctor.add_argument("--mode", default="live", help="whose account (default: live)")
    doctor.add_argument("--error", metavar="TEXT", help="an error text of the venue to explain")
    doctor.add_argument("--json", action="store_true", help="print the report as one JSON line")
    doctor.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """0: everything that was tried works; 1: something does not; 2: the settings cannot be used."""
    return _check_compute(options) if options.compute else _check_account(options)


def _check_account(options: argparse.Namespace) -> int:
    from .account_check import as_json, check_account, lines_of

    diagnosis = asyncio.run(check_account(load_settings(mode=options.mode), error=options.error))
    print(as_json(diagnosis) if options.json else "\n".join(lines_of(diagnosis)))
    return 0 if diagnosis.can_trade else 1


def _check_compute(options: argparse.Namespace) -> int:
    from ..gpu.executors.choice import NoDevice
    from .compute_check import check_compute

    settings = load_settings()
    try:
        report = asyncio.run(check_compute(settings))
    except NoDevice as error:
        raise ConfigurationError(f"POLYMARKET_COMPUTE={settings.compute} cannot be used: {error}") from error
    print(json.dumps(report.as_json()) if options.json else "\n".join(_lines(report)))
    return 0 if report.ok else 1


def _lines(report: ComputeReport) -> list[str]:
    lines = [
        f"Compute: {report.backend}, {report.cores} cores, CUDA devices: {', '.join(report.cuda_devices) or 'none'}",
        "Installed: " + ", ".join(f"{name} {version}" for name, version in report.installed.items() if version),
    ]
    for kind in report.kinds:
        status = kind.status
        where = ", ".join(part for part in (status.device, status.dtype, f"{status.threads} threads") if part)
        lines += ["", f"{status.kind}: {status.workers} worker(s), {status.engine or 'did not start'} ({where})"]
        lines += [f"  model {model.name}, sha256 {model.sha256}" for model in status.models]
        if status.degraded:
            lines.append(f"  degraded: {status.degraded}")
        for test in kind.tests:
            if test.error:
                lines.append(f"  FAILED  {test.task}: {test.error}")
            else:
                by = f" by {test.engine}" if test.engine else ""
                lines.append(
                    f"  works   {test.task}{by}: {test.first_ms:.0f} ms at first, {test.again_ms:.1f} ms again"
                )
                lines += [f"          {test.problem}"] if test.problem else []
    if report.missing:
        lines += ["", "More can be installed:"]
        lines += [f"  pip install 'polydesk[{extra}]'  {gives}" for extra, gives in report.missing.items()]
    return lines
