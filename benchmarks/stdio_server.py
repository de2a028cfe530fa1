"""A server process spoken to over its pipes in raw JSON-RPC, so that no client library's time is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLYDESK = ("-m", "polydesk.server", "serve")
EMPTY = ("-m", "benchmarks.empty_server")

_ROOT = Path(__file__).parent.parent
_PROTOCOL = "2025-06-18"
_END_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a request, and how long the line was that carried it."""

    result: dict[str, Any]
    size_bytes: int


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

    def request(self, method: str, params: dict[str, Any] | None = None) -> Reply:
        """Ask and wait. Raises RuntimeError when the server ends or answers with an error."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params or {}})
        while line := self._stdout.readline():
            message = json.loads(line)
            if message.get("id") == self._last_id:  # anything else is a notification
                if "error" in message:
                    raise RuntimeError(f"{method} was answered with {message['error']}")
                return Reply(message["result"], len(line.strip()))
        raise RuntimeError(f"the server ended before it answered {method}")

    def close(self) -> None:
        """End the server by ending its input."""
        self._stdin.close()
        try:
            self._process.wait(timeout=_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

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
def running(arguments: Sequence[str], *, state_dir: Path, toolsets: str = "default") -> Iterator[StdioServer]:
    """`python <arguments>` with default settings but for its toolsets, ended on leaving."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYMARKET_")}
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=_ROOT,
        env={
            **environment,
            "POLYMARKET_MODE": "sandbox",
            "POLYMARKET_STATE_DIR": str(state_dir),
            "POLYMARKET_TOOLSETS": toolsets,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        server = StdioServer(process)
        try:
            yield server
        finally:
            server.close()
