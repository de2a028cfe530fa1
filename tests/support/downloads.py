"""Tools that some tests need beside ours, installed once under .ci/cache and kept for the next run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".ci" / "cache"
WORK = ROOT / ".ci" / "work"
_TIMEOUT_S = 900


def python_environment(name: str, *requirements: str) -> Path:
    """The `bin` folder of a virtual environment with `requirements`; made again when they change."""
    folder = CACHE / name
    stamp = folder / "requirements.txt"
    wanted = "".join(f"{each}\n" for each in (f"# Python {sys.version.split()[0]}", *requirements))
    if not stamp.is_file() or stamp.read_text() != wanted:
        fresh_environment(folder)
        run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *requirements)
        stamp.write_text(wanted)
    return folder / "bin"


def fresh_environment(folder: Path) -> None:
    """Make an empty virtual environment, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "venv", folder)


def node_packages(name: str, *packages: str) -> Path:
    """The `.bin` folder of npm packages; installed again when they change."""
    folder = CACHE / name
    stamp = folder / "packages.txt"
    wanted = "".join(f"{each}\n" for each in packages)
    if not stamp.is_file() or stamp.read_text() != wanted:
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("These tests drive programs of Node.js and need npm (Node.js 20 or newer) on the PATH.")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}\n')
        run(npm, "install", "--silent", "--no-audit", "--no-fund", *packages, cwd=folder)
        stamp.write_text(wanted)
    return folder / "node_modules" / ".bin"


def built_wheel() -> Path:
    """Build the wheel of the working tree."""
    folder = WORK / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("polydesk-*.whl")
    return wheel


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command to its end. Raises RuntimeError with what it printed when it fails."""
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if result.returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise RuntimeError(f"{shown} failed with {result.returncode}:\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
