"""What a server that has only listed its tools has loaded, opened and written: nothing that a first call is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_HEAVY = (
    "torch",
    "numpy",
    "pandas",
    "pyarrow",
    "matplotlib",
    "sqlalchemy",
    "eth_account",
    "eth_keys",
    "coincurve",
    "vaderSentiment",
    "onnxruntime",
    "numba",
    "websockets",
)
_FIRST_CALL = ("polydesk.core.exchange", "polydesk.core.polymarket", "polydesk.core.venues", "polydesk.gpu")

_SERVE_AND_TELL = """
import json, sys

watched = {"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.sendto"}
network = []
sys.addaudithook(lambda event, _: network.append(event) if event in watched else None)

from polydesk.server.cli import main

code = main(["serve"])
print(json.dumps({"code": code, "modules": list(sys.modules), "network": network}), file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Start:
    """A server that answered `initialize` and `tools/list` and then saw its input end."""

    code: int
    modules: frozenset[str]
    network: list[str]
    tools: list[dict[str, Any]]
    state_dir: Path

    def loaded(self, package: str) -> list[str]:
        return sorted(name for name in self.modules if name == package or name.startswith(f"{package}."))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    state_dir = tmp_path_factory.mktemp("state")
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYMARKET_")}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE_AND_TELL],
        env={**environment, "POLYMARKET_STATE_DIR": str(state_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        _, told_on_stderr = process.communicate(timeout=30)  # closes its input
    told = json.loads(told_on_stderr.splitlines()[-1])
    listing = next(answer for answer in answers if answer["id"] == 2)
    return Start(
        code=told["code"],
        modules=frozenset(told["modules"]),
        network=told["network"],
        tools=listing["result"]["tools"],
        state_dir=state_dir,
    )


def test_the_server_lists_its_tools_and_ends_with_its_input(start: Start) -> None:
    assert "polymarket_place_order" in {tool["name"] for tool in start.tools}
    assert start.code == 0


@pytest.mark.parametrize("package", _HEAVY)
def test_listing_tools_loads_no_heavy_library(start: Start, package: str) -> None:
    assert start.loaded(package) == []


@pytest.mark.parametrize("package", _FIRST_CALL)
def test_listing_tools_loads_nothing_that_a_first_call_is_for(start: Start, package: str) -> None:
    assert start.loaded(package) == []


def test_listing_tools_opens_no_connection(start: Start) -> None:
    assert start.network == []


def test_listing_tools_writes_no_state(start: Start) -> None:
    assert list(start.state_dir.iterdir()) == []
