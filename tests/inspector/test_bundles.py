"""The tool of Claude Desktop's makers accepts the bundles, and what is in one starts as the host would start it."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from polydesk.core.settings import Mode
from tests.support.downloads import built_wheel, node_packages, python_environment
from tools.build_mcpb import build_bundle

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[Mode, Path]:
    """The unpacked bundles."""
    folder = tmp_path_factory.mktemp("bundles")
    wheel = built_wheel()
    unpacked = {}
    for mode in (Mode.PAPER, Mode.LIVE):
        with zipfile.ZipFile(build_bundle(mode, wheel, folder)) as archive:
            archive.extractall(folder / mode.value)
        unpacked[mode] = folder / mode.value
    return unpacked


@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
def test_the_manifest_is_valid(bundles: dict[Mode, Path], mode: Mode) -> None:
    tool = node_packages("mcpb", "node@22", "@anthropic-ai/mcpb@2.1.2")
    checked = subprocess.run(
        [tool / "mcpb", "validate", bundles[mode] / "manifest.json"],
        env={**os.environ, "PATH": os.pathsep.join([str(tool), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


async def test_the_command_of_the_manifest_starts_the_server(bundles: dict[Mode, Path], tmp_path: Path) -> None:
    folder = bundles[Mode.PAPER]
    uv = python_environment("uv", "uv")
    start = json.loads((folder / "manifest.json").read_text())["server"]["mcp_config"]
    arguments = [each.replace("${__dirname}", str(folder)) for each in start["args"]]
    parameters = StdioServerParameters(
        command=str(uv / start["command"]),
        args=arguments,
        env={**os.environ, "PYTHONPATH": "", "POLYMARKET_STATE_DIR": str(tmp_path)},
        cwd="/",
    )
    async with Client(parameters, read_timeout_seconds=300) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
    described = json.loads((folder / "manifest.json").read_text())["tools"]
    assert listed == {each["name"] for each in described}
