"""A server process spoken to over its pipes in raw JSON-RPC, so that no client library's time is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POLYDESK = ("-m", "polydesk.server", "serve")
EMPTY = ("-m", "benchmarks.empty_server")

_ROOT = Path(__file__).parent.parent
_PROTOCOL = "2025-06-18"


class StdioServer:
    """A running server. Requests are answered one at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._last_id = 0

    def initialize(self) -> None:
        """The handshake that every connection begins with."""
        client = {"name": "benchmark", "version": "1"}
        self.request("initialize", {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": client})
        self._send({"method": "notifications/initialized"})

    def request(self, method: str, params: dict[str, Any] | None = None) -> bytes:
        """The line that answers. Raises RuntimeError when the server ends or answers with an error."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params or {}})
        while line := self._stdout.readline():
            if b'"id":%d' % self._last_id in line[:40] or json.loads(line).get("id") == self._last_id:
                if b'"error":{' in line[:60]:
                    raise RuntimeError(f"{method} was answered by {line!r}")
                return line
        raise RuntimeError(f"the server ended before it answered {method}")

    @property
    def resident_mib(self) -> float | None:
        """Memory that the process holds, in MiB; None where there is no /proc."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return None
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def _send(self, message: dict[str, Any]) -> None:
        self._stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._stdin.flush()


@contextmanager
def running(arguments: Sequence[str], *, state_dir: Path) -> Iterator[StdioServer]:
    """`python <arguments>` with default settings, ended on leaving."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYMARKET_")}
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=_ROOT,
        env={**environment, "POLYMARKET_STATE_DIR": str(state_dir)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            yield StdioServer(process)
        finally:
            process.stdin.close()  # the end of its input ends the server
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
