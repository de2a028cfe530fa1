"""Log lines go to stderr whole, whatever else is installed."""

from __future__ import annotations

import logging
import subprocess
import sys

from polydesk.server.logs import RedactingFormatter, configure_logging

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


def test_no_message_can_pretend_to_be_a_line_of_its_own_or_command_a_terminal() -> None:
    record = logging.LogRecord("x", logging.WARNING, "x.py", 1, "title: %s", ("a\nERROR forged\x1b[2J\x9b2J",), None)
    line = RedactingFormatter("%(levelname)s %(name)s%(call)s: %(message)s").format(record)
    assert line == r"WARNING x: title: a\x0aERROR forged\x1b[2J\x9b2J"


def test_what_carries_alerts_tells_no_path_of_a_webhook() -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure_logging("DEBUG")
        for name in ("urllib3.connectionpool", "apprise", "httpx2"):
            assert not logging.getLogger(name).isEnabledFor(logging.INFO), name
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
