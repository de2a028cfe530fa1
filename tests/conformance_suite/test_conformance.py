"""The conformance suite of the protocol's makers passes against this server: its HTTP side, middleware, token and desk.

What the suite calls by fixed names stands beside polydesk's own tools in a server of the tests' own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polydesk.server.web.tokens import TokenFile
from tests.support.downloads import ROOT, node_packages
from tests.support.processes import environment, running

pytestmark = pytest.mark.node

_HERE = Path(__file__).parent
_COMMAND = (sys.executable, "-m", "tests.conformance_suite.fixture_server")
_SUITE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
_TIMEOUT_S = 150


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of the server, and a token that may read markets and nothing else."""
    state = tmp_path_factory.mktemp("state")
    token = TokenFile(state / "tokens.json").add("suite", ["markets:read"])
    env = environment(
        state,
        PYTHONPATH=os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        POLYMARKET_COMPUTE="inline",
        POLYMARKET_HTTP_CALLS_PER_MINUTE="60000",  # the suite asks faster than any host
    )
    with running(_COMMAND, env) as process:
        yield process.wait_for(r"polydesk serves (http://\S+)\n", stream="stderr")[1], token
    assert process.process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr, process.stderr


@pytest.mark.parametrize(("revision", "checks"), [("2025-11-25", 81), ("2026-07-28", 152)])
def test_what_a_revision_requires_of_servers_passes(
    served: tuple[str, str], tmp_path: Path, revision: str, checks: int
) -> None:
    excused = ("--expected-failures", _HERE / "expected_failures.yaml")
    ran = _run(*served, "--requirements", revision, "--output-dir", tmp_path, *excused)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr
    # The suite passes over what a server does not offer, so that the checks it made are counted too.
    summary = ran.stdout.partition("=== SUMMARY ===")[2]
    passed = re.findall(r"^. (?!tasks-)[\w-]+: (\d+) passed, 0 failed$", summary, re.MULTILINE)
    assert sum(map(int, passed)) == checks, summary


def test_without_a_token_of_the_server_the_suite_gets_nowhere(served: tuple[str, str], tmp_path: Path) -> None:
    url, _ = served
    ran = _run(url, "another token", "--scenario", "server-initialize", "--verbose", "--output-dir", tmp_path)
    assert ran.returncode != 0
    assert "invalid_token" in ran.stdout, ran.stdout


def _run(url: str, token: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
    # Node comes from npm too, because the suite needs a newer one than many machines have.
    tools = node_packages("conformance", "node@22", _SUITE)
    return subprocess.run(
        [tools / "conformance", "server", "--url", url, *options],
        env={
            **os.environ,
            "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
            "NODE_OPTIONS": f"--import {(_HERE / 'with_token.mjs').as_uri()}",
            "CONFORMANCE_TOKEN": token,
        },
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
