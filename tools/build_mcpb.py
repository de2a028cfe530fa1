"""Builds the bundles that Claude Desktop installs with one click: polydesk.mcpb (paper) and polydesk-live.mcpb.

Run it from the repository root with a wheel: `python -m tools.build_mcpb WHEEL [FOLDER]`. A bundle is a manifest, the
wheel and a project file that asks for it; the host brings uv, which installs what the wheel needs. What the user types
as a secret stays in the system's keychain, where the host keeps it, and reaches the server as a variable.
"""

from __future__ import annotations

import inspect
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polydesk import __version__
from polydesk.core.settings import Mode
from polydesk.handlers.catalogue import tools_of
from polydesk.handlers.toolspec import DEFAULT_TOOLSETS

_MANIFEST_VERSION = "0.4"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a bundle, so that the same wheel gives the same bundle."""

_PROJECT = """\
[project]
name = "polydesk-bundle"
version = "{version}"
requires-python = ">=3.11"
dependencies = ["polydesk"]

[tool.uv]
package = false

[tool.uv.sources]
polydesk = {{ path = "{wheel}" }}
"""

_LIVE_CONFIG: Mapping[str, Mapping[str, Any]] = {
    "private_key": {
        "type": "string",
        "title": "Private key",
        "description": "Of the wallet's owner. Leave it empty to use a key that `polydesk keys import` keeps.",
        "sensitive": True,
        "required": False,
    },
    "funder": {
        "type": "string",
        "title": "Wallet",
        "description": "Address that holds the money when it is not the key's own.",
        "required": False,
    },
    "signature_type": {
        "type": "number",
        "title": "Signature type",
        "description": "0 the key's own account, 1 proxy wallet, 2 Safe, 3 deposit wallet.",
        "required": False,
        "default": 0,
        "min": 0,
        "max": 3,
    },
    "max_order_usd": {
        "type": "number",
        "title": "Most per order, in dollars",
        "description": "No tool can raise it.",
        "required": True,
        "default": 25,
        "min": 1,
    },
    "max_day_usd": {
        "type": "number",
        "title": "Most per day, in dollars",
        "description": "No tool can raise it.",
        "required": True,
        "default": 100,
        "min": 1,
    },
    "max_exposure_usd": {
        "type": "number",
        "title": "Most that can be lost in all, in dollars",
        "description": "No tool can raise it.",
        "required": True,
        "default": 250,
        "min": 1,
    },
}
"""What the live bundle asks its user for; each is the setting of the same name."""


def manifest(mode: Mode) -> dict[str, Any]:
    """What the host reads of a bundle: how to start the server, which tools it has, what to ask the user for."""
    live = mode is Mode.LIVE
    asked = _LIVE_CONFIG if live else {}
    about = "real money" if live else "play money at real prices"
    return {
        "manifest_version": _MANIFEST_VERSION,
        "name": "polydesk-live" if live else "polydesk",
        "display_name": f"polydesk ({mode.value})",
        "version": __version__,
        "description": f"A prediction-market trading desk over Polymarket: {about}.",
        "author": {"name": "polydesk"},
        "license": "MIT",
        "server": {
            "type": "uv",
            "entry_point": "pyproject.toml",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "polydesk", "serve", "--mode", mode.value],
                "env": {f"POLYMARKET_{name.upper()}": f"${{user_config.{name}}}" for name in asked},
            },
        },
        "tools": [
            {"name": spec.name, "description": _first_sentence(spec.function.__doc__ or "", mode)}
            for spec in tools_of(DEFAULT_TOOLSETS)
        ],
        "user_config": {name: dict(field) for name, field in asked.items()},
        "compatibility": {"platforms": ["darwin", "linux", "win32"], "runtimes": {"python": ">=3.11"}},
    }


def build_bundle(mode: Mode, wheel: Path, folder: Path) -> Path:
    """Write the bundle of a mode into a folder; its path."""
    described = manifest(mode)
    bundle = folder / f"{described['name']}-{__version__}.mcpb"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            ("manifest.json", json.dumps(described, indent=2).encode()),
            ("pyproject.toml", _PROJECT.format(version=__version__, wheel=wheel.name).encode()),
            (wheel.name, wheel.read_bytes()),
        ):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    return bundle


def _first_sentence(text: str, mode: Mode) -> str:
    line = " ".join(inspect.cleandoc(text).format(MODE=mode.value.upper()).split())
    return line.split(". ")[0].rstrip(".") + "."


def main(arguments: list[str]) -> int:
    wheel, folder = Path(arguments[0]), Path(arguments[1] if len(arguments) > 1 else "dist")
    for mode in (Mode.PAPER, Mode.LIVE):
        print(build_bundle(mode, wheel, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
