"""A cached read through stdio against a tool that does nothing on an empty server of the same SDK.

Both servers run at once and answer in turns, one request at a time in raw JSON-RPC. The read is
`polymarket_get_market` for one market of the sandbox, asked before, so that its catalogue entry and its books come
from the desk's caches as long as those stay fresh; with it go the argument checks, the answer's construction and its
schema check. Times are milliseconds from writing the request to having parsed the answer.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from .measure import quantile
from .registry import Result
from .stdio_server import EMPTY, POLYDESK, StdioServer, running

_CALLS = 500
_WARM_UP = 20
_MARKET = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"

CACHED_READ: dict[str, Any] = {"name": "polymarket_get_market", "arguments": {"markets": [_MARKET]}}


def run() -> Result:
    trivial: dict[str, Any] = {"name": "ping", "arguments": {}}
    with (
        tempfile.TemporaryDirectory() as state_dir,
        running(POLYDESK, state_dir=Path(state_dir)) as desk,
        running((*EMPTY, "--tool"), state_dir=Path(state_dir)) as empty,
    ):
        desk.initialize()
        empty.initialize()
        first_s = seconds_of(desk, CACHED_READ)
        taken: dict[str, list[float]] = {"cached read": [], "trivial tool": []}
        for turn in range(_WARM_UP + _CALLS):
            for name, server, call in (("cached read", desk, CACHED_READ), ("trivial tool", empty, trivial)):
                seconds = seconds_of(server, call)
                if turn >= _WARM_UP:
                    taken[name].append(seconds)
    p50 = {name: quantile(seconds, 0.5) for name, seconds in taken.items()}
    return Result(
        about=f"{_CALLS} calls each over stdio, one at a time; smaller is better",
        ratios={"p50: cached read / trivial tool": p50["cached read"] / p50["trivial tool"]},
        measured={
            **{f"{name} p50, ms": 1000 * seconds for name, seconds in p50.items()},
            **{f"{name} p99, ms": 1000 * quantile(seconds, 0.99) for name, seconds in taken.items()},
            "first call, which opens the desk and the exchange, ms": 1000 * first_s,
        },
    )


def seconds_of(server: StdioServer, call: dict[str, Any]) -> float:
    """Seconds of one tool call. Raises RuntimeError when the tool answers with an error."""
    started = time.perf_counter()
    answer = server.request("tools/call", call).result
    taken = time.perf_counter() - started
    if answer.get("isError"):
        raise RuntimeError(f"{call['name']} answered {answer['content']}")
    return taken
