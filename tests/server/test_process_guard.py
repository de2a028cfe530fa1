"""A process that ends badly leaves no key behind: no core dump, no secret in the report of its crash."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

KEY = "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"

_CRASH = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
from polydesk.server.process_guard import guard_process
guard_process()
print(resource.getrlimit(resource.RLIMIT_CORE))
from polydesk.core.telemetry.redaction import SECRETS
SECRETS.learn_key("{KEY}")
def holds(key):
    raise RuntimeError("with " + key + " and POLY_SIGNATURE: abcdef")
holds("{KEY[:32]}" + "{KEY[32:]}")
"""

_QUIET_CRASHES = f"""
import ctypes, sys, threading
from polydesk.server.process_guard import guard_process
guard_process()
from polydesk.core.telemetry.redaction import SECRETS
SECRETS.learn_key("{KEY}")
key = "{KEY[:32]}" + "{KEY[32:]}"
def fails():
    raise RuntimeError("in a thread with " + key)
class Falling:
    def __del__(self):
        raise RuntimeError("in a destructor with " + key)
thread = threading.Thread(target=fails)
thread.start()
thread.join()
Falling()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) if sys.platform.startswith("linux") else 0)
"""

_FORGET = """
import os
from polydesk.core.settings import forget_secrets_in_environment, load_settings
settings = load_settings(mode="live")
forget_secrets_in_environment()
print([name for name in os.environ if "PRIVATE" in name or "SECRET" in name], settings.private_key is not None)
"""


def ended(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no core dumps to be turned off")
def test_a_crash_leaves_neither_a_core_dump_nor_a_secret() -> None:
    crashed = ended(_CRASH)
    assert crashed.returncode == 1
    assert crashed.stdout == "(0, 0)\n"
    assert "RuntimeError: with <redacted> and POLY_SIGNATURE: <redacted>" in crashed.stderr
    assert "in holds" in crashed.stderr


def test_what_fails_where_nobody_looks_shows_no_secret_and_the_memory_is_nobodys() -> None:
    told = ended(_QUIET_CRASHES)
    assert told.returncode == 0
    assert "in a thread with <redacted>" in told.stderr
    assert "in a destructor with <redacted>" in told.stderr
    assert KEY not in told.stderr
    assert told.stdout == "0\n", "it counts as one whose memory may not be dumped or read"


def test_what_a_server_starts_inherits_no_secret() -> None:
    told = ended(_FORGET, POLYMARKET_PRIVATE_KEY=KEY, POLYMARKET_API_SECRET="c2VjcmV0LXNlY3JldC1zZWNyZXQ=")
    assert told.stdout == "[] True\n"
