"""One run of the driver in the SDK's environment, against an exchange in a process of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.downloads import python_environment
from tests.support.processes import SOURCE_COMMAND, exchange

Steps = dict[str, dict[str, Any]]
_DRIVER = Path(__file__).with_name("driver.py")
_TIMEOUT_S = 120


@pytest.fixture(scope="session")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """What the SDK reported, by step."""
    # Its pins would downgrade ours, hence an environment of its own.
    programs = python_environment("official-sdk", "polymarket-client==0.14.0")
    with exchange(SOURCE_COMMAND, tmp_path_factory.mktemp("state"), "--no-traders") as addresses:
        result = subprocess.run(
            [programs / "python", _DRIVER, json.dumps(addresses)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0, f"after {[row['step'] for row in rows]}:\n{result.stderr[-3000:]}"
    return {row.pop("step"): row for row in rows}
