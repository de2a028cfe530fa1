"""`python -m benchmarks [NAME ...] [--json] [--list]`; a run of all writes benchmarks/RESULTS.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .registry import MODULES, Result, run

_RESULTS = Path(__file__).parent / "RESULTS.md"
_VERSIONS = ("polydesk", "mcp", "numpy")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(MODULES)}; none runs all")
    parser.add_argument("--json", action="store_true", help="print one JSON object per benchmark")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(MODULES))
        return 0
    if unknown := [name for name in arguments.names if name not in MODULES]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(MODULES)}")

    results: dict[str, Result] = {}
    pressure = _cpu_pressure()
    for name in arguments.names or MODULES:
        results[name] = run(name)
        if arguments.json:
            print(json.dumps({"name": name, **asdict(results[name])}), flush=True)
        else:
            print("\n".join(_section(name, results[name])), flush=True)
    if not arguments.names:
        _RESULTS.write_text(_report(results, pressure), encoding="utf-8")
        print(f"written to {_RESULTS}", file=sys.stderr)
    return 0


def _report(results: dict[str, Result], pressure_before: str) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _VERSIONS)
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks`. Ratios compare candidates that ran in turns within one run. Absolute",
        "figures belong to this machine and hour.",
        "",
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        f"- Python {platform.python_version()}, {versions}",
        f"- CPU pressure (share of 10 s in which something waited for a core): {pressure_before} % before, "
        f"{_cpu_pressure()} % after",
        "",
    ]
    for name, result in results.items():
        lines += [*_section(name, result), ""]
    return "\n".join(lines)


def _section(name: str, result: Result) -> list[str]:
    lines = [f"## {name}", "", f"{result.about}.", "", "| ratio | |", "|---|---:|"]
    lines += [f"| {label} | **{_figure(value)}** |" for label, value in result.ratios.items()]
    lines += ["", "| measured | |", "|---|---:|"]
    lines += [f"| {label} | {_figure(value)} |" for label, value in result.measured.items()]
    return lines


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _processor() -> str:
    try:
        description = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in description.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _cpu_pressure() -> str:
    try:
        return Path("/proc/pressure/cpu").read_text(encoding="utf-8").split()[1].removeprefix("avg10=")
    except (OSError, IndexError):
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
