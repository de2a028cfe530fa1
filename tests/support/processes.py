"""Runs the `polydesk` command in processes of its own, as hosts and people do, and connects to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from mcp import Client, StdioServerParameters
from mcp.client.session import ElicitationFnT
from mcp.client.sse import sse_client

Transport = Literal["stdio", "sse", "http"]
Era = Literal["legacy", "auto"]

TRANSPORTS: tuple[Transport, ...] = ("stdio", "sse", "http")
ERAS: tuple[Era, ...] = ("legacy", "auto")
"""`legacy` shakes hands as of 2025-11-25; `auto` finds the server modern and speaks 2026-07-28."""

SOURCE_COMMAND = (sys.executable, "-m", "polydesk.server")
WAIT_S = 30.0
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""A public test key."""

FED = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
"""A market of the bundled catalogue."""


def environment(state: Path, **settings: str) -> dict[str, str]:
    """What a host passes on, hardly anything, with `settings` and a state folder of the test's own, in the sandbox.

    Coverage's variables stay, so that the lines these processes run are counted, and so does where modules are from.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "PYTHONPATH") or name.startswith("COVERAGE_")
    }
    return {**kept, "HOME": str(state), "POLYMARKET_STATE_DIR": str(state), "POLYMARKET_MODE": "sandbox", **settings}


class Running:
    """A process whose output is collected in the background and whose every wait ends."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], *, stdin: int = subprocess.DEVNULL) -> None:
        self._news = threading.Condition()
        self.output = {"stdout": "", "stderr": ""}
        self.process = subprocess.Popen(
            command, env=dict(env), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=env["HOME"]
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=("stdout", self.process.stdout), daemon=True),
            threading.Thread(target=self._read, args=("stderr", self.process.stderr), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def stderr(self) -> str:
        return self.output["stderr"]

    def wait_for(self, pattern: str, *, stream: str = "stdout", timeout_s: float = WAIT_S) -> re.Match[str]:
        """The first match in what the process has written so far, or will write within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while (match := re.search(pattern, self.output[stream])) is None:
                left = deadline - time.monotonic()
                if left <= 0 or not any(reader.is_alive() for reader in self._readers):
                    raise AssertionError(f"no {pattern!r} on {stream}; the process wrote {self.output}")
                self._news.wait(min(left, 1))
        return match

    def send_line(self, line: bytes | Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line if isinstance(line, bytes) else json.dumps(line).encode())
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def descendants(self) -> list[int]:
        """Process ids of everything this process has started."""
        parents = {
            pid: status[1]
            for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
            if (status := _status(pid)) is not None
        }
        found: list[int] = []
        newest = [self.process.pid]
        while newest:
            newest = [pid for pid, parent in parents.items() if parent in newest]
            found += newest
        return found

    def end(self, number: int | None = signal.SIGTERM) -> int:
        """Send a signal (None: it is ending already) and return the exit code; what does not end is killed."""
        if number is not None and self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the process did not end; it wrote {self.output}") from None
        finally:
            if self.process.stdin is not None:
                self.process.stdin.close()
        for reader in self._readers:
            reader.join(WAIT_S)
        return code

    def _read(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    self.output[name] += line.decode(errors="replace")
                    self._news.notify_all()


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str], *, stdin: int = subprocess.DEVNULL) -> Iterator[Running]:
    """A process that is ended with the block, however the block ends."""
    process = Running(command, env, stdin=stdin)
    try:
        yield process
    finally:
        process.end()


def still_alive(pids: Sequence[int], *, within_s: float = 5) -> list[int]:
    """Those of `pids` that have not ended within the time."""
    deadline = time.monotonic() + within_s
    while True:
        alive = [pid for pid in pids if (status := _status(pid)) is not None and status[0] != "Z"]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.02)


def _status(pid: int) -> tuple[str, int] | None:
    """State letter and parent of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], int(fields[1])


@dataclass(frozen=True, slots=True)
class Served:
    """A way to reach a server: over HTTP and SSE every connection meets one process, over stdio each starts its own."""

    transport: Transport
    command: tuple[str, ...]
    env: Mapping[str, str]
    url: str = ""
    process: Running | None = None

    @asynccontextmanager
    async def connect(
        self, era: Era = "auto", *, elicitation_callback: ElicitationFnT | None = None
    ) -> AsyncIterator[Client]:
        target: Any = self.url
        if self.transport == "stdio":
            target = StdioServerParameters(
                command=self.command[0], args=[*self.command[1:], "serve"], env=dict(self.env), cwd=self.env["HOME"]
            )
        elif self.transport == "sse":
            target = sse_client(self.url)
        async with Client(
            target, mode=era, read_timeout_seconds=WAIT_S, elicitation_callback=elicitation_callback
        ) as client:
            yield client


@contextmanager
def serving(command: Sequence[str], transport: Transport, env: Mapping[str, str]) -> Iterator[Served]:
    """A server on a free port; on stdio it starts when a client connects. It must end without a complaint."""
    if transport == "stdio":
        yield Served(transport, tuple(command), env)
        return
    with running([*command, "serve", "--transport", transport, "--port", "0"], env) as process:
        url = process.wait_for(r"polydesk serves (http://\S+)\n", stream="stderr")[1]
        yield Served(transport, tuple(command), env, url, process)
    assert process.process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr, process.stderr


@contextmanager
def exchange(command: Sequence[str], state: Path, *options: str) -> Iterator[dict[str, Any]]:
    """`polydesk exchange` on a free port, as the addresses it printed."""
    with running([*command, "exchange", "--port", "0", "--json", *options], environment(state)) as process:
        addresses: dict[str, Any] = json.loads(process.wait_for(r"^\{.*\}\n")[0])
        yield addresses
    assert process.process.returncode == 0, process.stderr


def live_settings(addresses: Mapping[str, Any], **settings: str) -> dict[str, str]:
    """Settings of a live desk on an exchange of this machine."""
    return {
        "POLYMARKET_MODE": "live",
        "POLYMARKET_API_URL": addresses["clob_url"],
        "POLYMARKET_GAMMA_URL": addresses["gamma_url"],
        "POLYMARKET_DATA_URL": addresses["data_url"],
        "POLYMARKET_WS_URL": addresses["ws_url"],
        "POLYMARKET_CHAIN_ID": str(addresses["chain_id"]),
        "POLYMARKET_PRIVATE_KEY": KEY,
        "POLYMARKET_MAX_ORDER_USD": "250",
        "POLYMARKET_MAX_DAY_USD": "5000",
        "POLYMARKET_MAX_EXPOSURE_USD": "5000",
        **settings,
    }


async def answer_of(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of `polymarket_<tool>`, which must not be an error."""
    result = await client.call_tool(f"polymarket_{tool}", arguments)
    assert not result.is_error, result.content
    answer: dict[str, Any] = result.structured_content
    return answer


async def error_of(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured error of `polymarket_<tool>`, which must be one."""
    result = await client.call_tool(f"polymarket_{tool}", arguments)
    assert result.is_error, result.content
    answer: dict[str, Any] = result.structured_content
    return answer
