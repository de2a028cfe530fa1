"""One run of each client in an environment of its own, against an exchange in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.downloads import python_environment
from tests.support.processes import SOURCE_COMMAND, exchange

_HERE = Path(__file__).parent
_TIMEOUT_S = 120

Outcome = dict[str, Any]
"""`names` are all public names of a client; `errors` maps each called method to its traceback or None."""


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An exchange whose prices stand still; every client has an account of its own."""
    with exchange(SOURCE_COMMAND, tmp_path_factory.mktemp("state"), "--no-traders") as served:
        yield served


@pytest.fixture(scope="session")
def async_sdk(addresses: dict[str, Any]) -> Outcome:
    programs = python_environment("official-sdk", "polymarket-client==0.14.0")
    return _driven(programs / "python", "drive_official_sdk.py", "async", json.dumps(addresses))


@pytest.fixture(scope="session")
def sync_sdk(addresses: dict[str, Any]) -> Outcome:
    programs = python_environment("official-sdk", "polymarket-client==0.14.0")
    return _driven(programs / "python", "drive_official_sdk.py", "sync", json.dumps(addresses))


@pytest.fixture(scope="session")
def v2_client(addresses: dict[str, Any]) -> Outcome:
    programs = python_environment("py-clob-client-v2", "py-clob-client-v2==1.2.1")
    return _driven(programs / "python", "drive_v2_client.py", json.dumps(addresses))


def _driven(python: Path, script: str, *arguments: str) -> Outcome:
    # Its pins would downgrade ours, hence an environment of its own.
    result = subprocess.run(
        [python, _HERE / script, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0, f"after {len(rows)} rows:\n{result.stderr[-3000:]}"
    return {"names": rows[0]["names"], "errors": {row["method"]: row["error"] for row in rows[1:]}}
