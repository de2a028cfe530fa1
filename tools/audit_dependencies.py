"""Audits what is installed: against the lock with its hashes, against published advisories, and by licence.

    python -m tools.audit_dependencies [--json] [--offline]

Everything but the advisories is checked without a network. Advisories are asked of pip-audit where it is installed and
can reach its source; where it cannot, they are "not checked", which is never "none". Exit code 1 when something was
found.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path

from packaging.markers import Marker
from packaging.utils import canonicalize_name

LOCK = Path(__file__).resolve().parents[1] / "requirements" / "dev.lock"
_NOT_LOCKED = frozenset({"polydesk", "pip", "setuptools"})
"""Ourselves, and what a virtual environment comes with."""

_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")
_HASH = re.compile(r"^\s+--hash=sha256:([0-9a-f]{64})")
_AUDIT_WITHIN_S = 300


@dataclass(frozen=True, slots=True)
class Locked:
    """One entry of the lock: exactly this version, from an archive with one of these SHA-256 hashes."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def applies(self) -> bool:
        """Whether this entry is for the Python that runs this."""
        return not self.marker or Marker(self.marker).evaluate()


@dataclass(frozen=True, slots=True)
class Report:
    """`problems` are findings; `advisories` is what pip-audit said, or why it was not asked."""

    installed: int
    problems: list[str]
    advisories: str
    licences: dict[str, int]


def read_lock(path: Path = LOCK) -> list[Locked]:
    """The entries of a lock file. Raises ValueError for a line that is none and for an entry without a hash."""
    found: list[Locked] = []
    hashes: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if hashed := _HASH.match(line):
            hashes.append(hashed[1])
            found[-1] = Locked(found[-1].name, found[-1].version, found[-1].marker, tuple(hashes))
        elif entry := _ENTRY.match(line):
            hashes = []
            found.append(Locked(canonicalize_name(entry[1]), entry[2], entry[3] or "", ()))
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"{path.name} has a line that is no requirement: {line[:80]!r}")
    for each in found:
        if not each.hashes:
            raise ValueError(f"{path.name} names no hash of {each.name}")
    return found


def versions_that_differ(installed: Mapping[str, str], lock: Iterable[Locked]) -> list[str]:
    """Distributions (name to version) that the lock does not have, or has in another version, in words."""
    locked = {each.name: each.version for each in lock if each.applies}
    found = []
    for name, version in sorted(installed.items()):
        if name in _NOT_LOCKED:
            continue
        if name not in locked:
            found.append(f"{name} {version} is installed and not in the lock")
        elif locked[name] != version:
            found.append(f"{name} {version} is installed, and the lock has {locked[name]}")
    return found


def changed_files(distributions: Iterable[importlib.metadata.Distribution]) -> list[str]:
    """Files that are not as their archives brought them, by the hashes that came with them.

    Some distributions bring the same file (a stray folder of documents); then either of its contents will do.
    """
    brought: defaultdict[Path, dict[str, str]] = defaultdict(dict)
    for each in distributions:
        # Not `each.files`: some versions of it leave out what is missing, which is what is looked for.
        for file, digest, *_ in csv.reader((each.read_text("RECORD") or "").splitlines()):
            mode, _, value = digest.partition("=")
            if mode == "sha256":
                brought[Path(str(each.locate_file(file)))][value] = f"{each.name}: {file}"
    found = []
    for path, names in brought.items():
        name = next(iter(names.values()))
        try:
            actual = hashlib.sha256(path.read_bytes()).digest()
        except OSError:
            found.append(f"{name} is missing")
            continue
        if base64.urlsafe_b64encode(actual).rstrip(b"=").decode() not in names:
            found.append(f"{name} has been changed since it was installed")
    return sorted(found)


def licence_of(distribution: importlib.metadata.Distribution) -> str:
    """The licence that a distribution states, shortly; "not stated" where it states none."""
    about: Message = distribution.metadata  # type: ignore[assignment]
    if expression := about.get("License-Expression"):
        return str(expression)
    named = [each.rsplit(" :: ", 1)[-1] for each in about.get_all("Classifier") or () if each.startswith("License ::")]
    if named:
        return " / ".join(sorted(named))
    text = str(about.get("License") or "").strip()
    return text.splitlines()[0][:60] if text else "not stated"


def ask_for_advisories(lock: Path, *, program: str | None) -> tuple[str, list[str]]:
    """What pip-audit says of the locked versions: in words, and each advisory. Not reaching it is no clean bill."""
    if program is None:
        return "not checked: pip-audit is not installed", []
    command = [program, "--vulnerability-service", "osv", "--requirement", str(lock), "--require-hashes"]
    command += ["--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_AUDIT_WITHIN_S, check=False)
        rows = json.loads(ran.stdout)["dependencies"]
        found = [
            f"{row['name']} {row['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'no version'}"
            for row in rows
            for each in row.get("vulns", ())
        ]
    except subprocess.TimeoutExpired:
        return f"not checked: pip-audit did not end within {_AUDIT_WITHIN_S} s", []
    except (OSError, ValueError, KeyError, TypeError):
        return "not checked: pip-audit could not reach its source", []
    skipped = sum("skip_reason" in row for row in rows)
    return f"{len(rows) - skipped} checked, {skipped} not, {len(found)} advisories", found


def audit(*, offline: bool) -> Report:
    """Look at everything that this Python has installed."""
    distributions = list(importlib.metadata.distributions())
    installed = {str(canonicalize_name(each.name)): each.version for each in distributions}
    problems = versions_that_differ(installed, read_lock())
    problems += changed_files(each for each in distributions if canonicalize_name(each.name) not in _NOT_LOCKED)
    advisories, found = "not checked: asked not to", list[str]()
    if not offline:
        kept = LOCK.parents[1] / ".ci" / "cache" / "pip-audit" / "bin" / "pip-audit"
        advisories, found = ask_for_advisories(LOCK, program=shutil.which("pip-audit") or shutil.which(kept))
    licences = Counter(licence_of(each) for each in distributions)
    return Report(len(installed), problems + found, advisories, dict(licences.most_common()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="audit_dependencies", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--offline", action="store_true", help="do not ask for advisories")
    given = parser.parse_args(arguments)
    report = audit(offline=given.offline)
    if given.json:
        print(json.dumps(asdict(report)))
    else:
        print(f"{report.installed} distributions, held against {LOCK.name}")
        print(f"advisories: {report.advisories}")
        print("licences: " + "; ".join(f"{name} ({count})" for name, count in report.licences.items()))
        for problem in report.problems:
            print(f"PROBLEM {problem}")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
