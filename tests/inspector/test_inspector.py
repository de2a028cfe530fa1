"""The MCP Inspector, a client of another maker in another language, lists and calls the tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.downloads import CACHE, ROOT, built_wheel, node_packages, python_environment
from tests.support.processes import FED, SOURCE_COMMAND

pytestmark = pytest.mark.node

Inspect = Callable[..., "subprocess.CompletedProcess[str]"]
_TIMEOUT_S = 300
_TOOL_ERROR = 5


@pytest.fixture(scope="module")
def inspect(tmp_path_factory: pytest.TempPathFactory) -> Inspect:
    """Runs `mcp-inspector --cli` with uv at hand, which the root mcp.json starts the server with."""
    # Node comes from npm too, because the Inspector needs a newer one than many machines have.
    node = node_packages("node", "node@22", "@modelcontextprotocol/inspector@2.12.0")
    uv = python_environment("uv", "uv")
    home = tmp_path_factory.mktemp("home")
    env = {**os.environ, "HOME": str(home), "PATH": os.pathsep.join([str(node), str(uv), os.environ["PATH"]])}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [node / "mcp-inspector", "--cli", *arguments],
            env=env,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )

    return run


def test_it_finds_nothing_to_complain_about_in_the_schemas(inspect: Inspect) -> None:
    listed = inspect(*SOURCE_COMMAND, "serve", "--method", "tools/list", "--strict")
    assert (listed.returncode, listed.stderr.strip()) == (0, "")
    names = [tool["name"] for tool in json.loads(listed.stdout)["tools"]]
    assert "polymarket_analyze_market" in names


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_it_calls_a_tool(inspect: Inspect, era: str) -> None:
    called = _call(inspect, era, "polymarket_analyze_market", {"market_id": FED, "outcome": "Yes"})
    assert called.returncode == 0, called.stderr
    answer = json.loads(called.stdout)["result"]
    assert answer["structuredContent"]["market"] == FED
    assert json.loads(answer["content"][0]["text"]) == answer["structuredContent"]


def test_it_sees_a_failing_tool_as_failed(inspect: Inspect) -> None:
    called = _call(inspect, "modern", "polymarket_analyze_market", {"market_id": "no-such-market", "outcome": "Yes"})
    assert called.returncode == _TOOL_ERROR


def test_the_root_mcp_json_starts_the_built_wheel(inspect: Inspect, tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"
    shutil.copyfile(ROOT / "mcp.json", config)
    constraint = tmp_path / "constraint.txt"
    constraint.write_text(f"polydesk @ {built_wheel().as_uri()}\n")
    settings = {
        # The Inspector hands on hardly any of its own variables, such as where certificates are kept.
        **{name: value for name, value in os.environ.items() if name.startswith(("SSL_CERT_", "UV_"))},
        "UV_CONSTRAINT": str(constraint),
        "UV_CACHE_DIR": str(CACHE / "uv-packages"),
        "UV_PYTHON": SOURCE_COMMAND[0],
    }
    variables = [part for name, value in settings.items() for part in ("-e", f"{name}={value}")]
    listed = inspect(*variables, "--config", config, "--server", "polymarket", "--method", "tools/list")
    assert listed.returncode == 0, listed.stderr
    assert "polymarket_place_order" in [tool["name"] for tool in json.loads(listed.stdout)["tools"]]


def _call(inspect: Inspect, era: str, tool: str, arguments: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    options = ["--protocol-era", era, "--format", "json", "--quiet"]
    named = ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
    return inspect("-e", "POLYMARKET_MODE=sandbox", *SOURCE_COMMAND, "serve", *named, *options)
