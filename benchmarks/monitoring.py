"""What watching costs: the server as it is against one in which nothing is measured, sampled or watched.

Both run at once over stdio and are asked in turns for the same cached read, one request at a time. The watched one has
a price alert armed, samples its equity, and is scraped every 200 calls through its local socket, as a server behind a
door is. Times are milliseconds from writing the request to having parsed the answer. Idle memory is what the kernel
counts of each process ten seconds after its first call. A scrape's own time is of the page and of the way to the desk.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.metrics.exposition import page
from polydesk.server.metrics.samples import families_of

from .measure import quantile
from .registry import Result
from .stdio_server import POLYDESK, StdioServer, running
from .tool_call import CACHED_READ, seconds_of

_BARE = ("-m", "benchmarks.bare_server")
_CALLS = 2000
_WARM_UP = 50
_SCRAPED_EVERY = 200
_IDLE_S = 10
_MARKET = CACHED_READ["arguments"]["markets"][0]
_ALERT: dict[str, Any] = {
    "name": "polymarket_manage_alerts",
    "arguments": {"action": "create", "kind": "price_crosses", "market": _MARKET, "outcome": "Yes", "threshold": 0.999},
}


def run() -> Result:
    with (
        tempfile.TemporaryDirectory() as watched_state,
        tempfile.TemporaryDirectory() as bare_state,
        running(POLYDESK, state_dir=Path(watched_state), toolsets="all") as watched,
        running(_BARE, state_dir=Path(bare_state), toolsets="all") as bare,
    ):
        for server in (watched, bare):
            server.initialize()
            seconds_of(server, CACHED_READ)
        time.sleep(_IDLE_S)  # the first sample of equity is taken within
        idle = {"watched": _mib(watched), "bare": _mib(bare)}
        seconds_of(watched, _ALERT)
        taken: dict[str, list[float]] = {"watched": [], "bare": []}
        scrapes: list[tuple[float, int]] = []
        for turn in range(_WARM_UP + _CALLS):
            if turn % _SCRAPED_EVERY == 0:
                threading.Thread(target=lambda: scrapes.append(_scrape(Path(watched_state)))).start()
            pair = (("watched", watched), ("bare", bare))
            for name, server in pair if turn % 2 else reversed(pair):
                seconds = seconds_of(server, CACHED_READ)
                if turn >= _WARM_UP:
                    taken[name].append(seconds)
        busy = {"watched": _mib(watched), "bare": _mib(bare)}
    p50 = {name: median(seconds) for name, seconds in taken.items()}
    p99 = {name: quantile(seconds, 0.99) for name, seconds in taken.items()}
    return Result(
        about=f"{_CALLS} calls each over stdio, one at a time; smaller is better",
        ratios={
            "a call, median of pairs: watched / bare": median(
                watched_s / bare_s for watched_s, bare_s in zip(taken["watched"], taken["bare"], strict=True)
            ),
            "p50 of a call: watched / bare": p50["watched"] / p50["bare"],
            "p99 of a call: watched / bare": p99["watched"] / p99["bare"],
            "idle resident memory: watched / bare": idle["watched"] / idle["bare"],
        },
        measured={
            **{f"{name} p50, ms": 1000 * seconds for name, seconds in p50.items()},
            **{f"{name} p99, ms": 1000 * seconds for name, seconds in p99.items()},
            **{f"{name}, idle resident memory, MiB": mib for name, mib in idle.items()},
            **{f"{name}, resident memory after the calls, MiB": mib for name, mib in busy.items()},
            "scrape, ms": 1000 * median(seconds for seconds, _ in scrapes),
            "scrape, kB": median(size for _, size in scrapes) / 1000,
        },
    )


def _mib(server: StdioServer) -> float:
    resident = server.resident_mib
    assert resident is not None  # this benchmark needs /proc
    return resident


def _scrape(state: Path) -> tuple[float, int]:
    """Seconds and bytes of a page about the desk of another process."""

    async def look() -> Any:
        application = Application(load_settings(mode="sandbox", state_dir=state))
        try:
            return await application.doorway.look("metrics", opening=False)
        finally:
            await application.aclose()

    started = time.perf_counter()
    answer = asyncio.run(look())
    assert answer is not None
    body, _ = page(families_of(answer), accept="")
    return time.perf_counter() - started, len(body)
