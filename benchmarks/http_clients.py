"""Fifty MCP clients at once on the streamable HTTP server, against one.

The server is a process of its own with default settings but for the calls that a client may make in a minute, since all
of these come from one address. The clients are those of the SDK, in another process, each with its own connection and
session; each makes its next call when the one before is answered. Latencies are as a client sees them: with fifty of
them a call waits for those of the others, and what the clients take of this machine's cores the server has not.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from .measure import quantile
from .registry import Result
from .stdio_server import POLYDESK
from .tool_call import CACHED_READ

_CLIENTS = 50
_CALLS = {1: 500, _CLIENTS: 40}
"""Calls of each client."""

_WARM_UP = 5


def run() -> Result:
    with tempfile.TemporaryDirectory() as state, _served(Path(state)) as (url, server):
        _clients(url, 1, 20)
        idle = _resident_mib(server)
        found = {count: _clients(url, count, calls) for count, calls in _CALLS.items()}
        after = _resident_mib(server)
    one, fifty = found[1], found[_CLIENTS]
    return Result(
        about=f"{_CLIENTS} clients with {_CALLS[_CLIENTS]} calls each, and one with {_CALLS[1]}; more calls a second "
        "are better, and smaller latencies",
        ratios={f"calls per second: {_CLIENTS} clients / 1": fifty["calls_per_s"] / one["calls_per_s"]},
        measured={
            f"{_CLIENTS} clients, errors": fifty["errors"],
            **{
                f"{name}, {label}": factor * each[part]
                for name, each in (("1 client", one), (f"{_CLIENTS} clients", fifty))
                for part, label, factor in (
                    ("calls_per_s", "calls per second", 1),
                    ("p50", "p50, ms", 1000),
                    ("p99", "p99, ms", 1000),
                )
            },
            f"{_CLIENTS} clients, share of a core that they took": fifty["client_share"],
            f"{_CLIENTS} clients, connecting all, s": fifty["connecting_s"],
            "server, resident memory with one client, MiB": idle,
            f"server, resident memory after {_CLIENTS} clients, MiB": after,
        },
    )


@contextmanager
def _served(state: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYMARKET_")} | {
        "POLYMARKET_MODE": "sandbox",
        "POLYMARKET_STATE_DIR": str(state),
        "POLYMARKET_HTTP_CALLS_PER_MINUTE": "1000000",
    }
    command = [sys.executable, *POLYDESK, "--transport", "http", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, cwd=Path(__file__).parent.parent) as server:
        try:
            assert server.stderr is not None
            told = re.search(rb"polydesk serves (\S+)", server.stderr.readline())
            assert told is not None
            yield told[1].decode(), server
        finally:
            server.terminate()


def _clients(url: str, count: int, calls: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.http_clients", url, str(count), str(calls)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parent.parent)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def _resident_mib(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


async def _load(url: str, count: int, calls: int) -> dict[str, Any]:
    """What the clients of this process see."""
    taken: list[float] = []
    errors = 0

    async def call(client: Client) -> None:
        nonlocal errors
        for _ in range(calls):
            began = time.perf_counter()
            answer = await client.call_tool(CACHED_READ["name"], CACHED_READ["arguments"])
            taken.append(time.perf_counter() - began)
            errors += bool(answer.is_error)

    async with AsyncExitStack() as opened:
        began = time.perf_counter()
        clients = [await opened.enter_async_context(Client(url)) for _ in range(count)]
        connecting_s = time.perf_counter() - began
        for _ in range(_WARM_UP):
            await clients[0].call_tool(CACHED_READ["name"], CACHED_READ["arguments"])
        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(call(client) for client in clients))
        seconds, busy = time.perf_counter() - began, time.process_time() - used
    return {
        "calls_per_s": len(taken) / seconds,
        "p50": quantile(taken, 0.5),
        "p99": quantile(taken, 0.99),
        "errors": errors,
        "client_share": busy / seconds,
        "connecting_s": connecting_s,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_load(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
