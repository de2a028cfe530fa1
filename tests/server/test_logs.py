"""Log lines go to stderr whole, whatever else is installed."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import logging
from polydesk.server.logs import configure_logging
configure_logging("INFO")
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
import rich
build_server(Application(load_settings()))
logging.getLogger("polydesk").info("x" * 300)
logging.getLogger("httpx2").info("a request with an address in it")
"""


def test_a_long_line_stays_one_line_although_rich_is_installed() -> None:
    result = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.endswith("INFO polydesk: " + "x" * 300)
