"""1,000 outcomes at 5,000 frames a second, from a server's socket to books: what is dropped, what memory does.

The server makes and paces its frames in a process of its own; the feed runs here, over two connections, as it does in
the desk. A frame about two outcomes that live on different connections is sent on both. Ten seconds by default,
`POLYDESK_SOAK_S=60` for the whole soak. Memory is compared after the first fifth, when caches have filled, and at the
end.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random

from polydesk.core.clock import SystemClock
from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.market_feed import MarketFeed
from polydesk.core.models import OrderBook
from polydesk.core.polymarket.environments import environment_at

from .market_frames import MarketFrames
from .registry import Result

_SECONDS = float(os.environ.get("POLYDESK_SOAK_S", "10"))
_MARKETS = 500
_FRAMES_PER_S = 5_000
_BURST_S = 0.01
_SEED = 9


def run() -> Result:
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "benchmarks.stream_soak"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            opened = json.loads(server.stdout.readline())
            return asyncio.run(_soak(opened["port"], [TokenId(token) for token in opened["tokens"]]))
        finally:
            server.terminate()


async def _soak(port: int, tokens: list[TokenId]) -> Result:
    url = f"http://127.0.0.1:{port}"
    environment = environment_at(
        "soak", clob_url=url, gamma_url=url, data_url=url, ws_url=f"ws://127.0.0.1:{port}", chain_id=137
    )
    async with MarketFeed(environment, clock=SystemClock(), random=Random(_SEED), fetch_books=_no_rest) as feed:
        await feed.follow(tokens)
        await asyncio.gather(*(feed.wait_fresh(token) for token in tokens))
        started, cpu_started = time.perf_counter(), time.process_time()
        first_frames = feed.frames
        await asyncio.sleep(_SECONDS / 5)
        early = _resident_mib()
        await asyncio.sleep(_SECONDS * 4 / 5)
        took, cpu = time.perf_counter() - started, time.process_time() - cpu_started
        frames, late = feed.frames - first_frames, _resident_mib()
        return Result(
            about=f"{len(tokens):,} outcomes on {feed.connections} connections for {took:.0f} s",
            ratios={},
            measured={
                "frames per second": frames / took,
                "frames dropped": feed.counts.dropped,
                "gaps": feed.counts.gaps,
                "stale books at the end": sum(1 for token in tokens if (b := feed.live_book(token)) and b.stale),
                "share of one core": cpu / took,
                "resident memory after a fifth, MiB": early,
                "growth until the end, MiB": late - early,
            },
        )


async def _no_rest(token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
    return {}


def _resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _serve() -> None:
    """Books to whoever subscribes; once every outcome is followed, frames at the agreed pace."""
    from websockets.asyncio.server import ServerConnection, serve

    source = MarketFrames(_MARKETS, seed=_SEED)
    frames = iter(source)
    followers: dict[ServerConnection, set[str]] = {}
    complete = asyncio.Event()

    async def hear(connection: ServerConnection) -> None:
        async for text in connection:
            if text == "PING":
                await connection.send("PONG")
                continue
            request = json.loads(text)
            if request.get("operation") != "unsubscribe":
                followers.setdefault(connection, set()).update(request["assets_ids"])
                await connection.send(source.opening(set(request["assets_ids"])))
            if sum(len(tokens) for tokens in followers.values()) == len(source.tokens):
                complete.set()

    async with serve(hear, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(json.dumps({"port": port, "tokens": source.tokens}), flush=True)
        await complete.wait()
        started = time.perf_counter()
        sent = 0
        while True:
            due = int((time.perf_counter() - started) * _FRAMES_PER_S)
            for frame, tokens in islice(frames, due - sent):
                for connection, followed in followers.items():
                    if not followed.isdisjoint(tokens):
                        await connection.send(frame)
            sent = due
            await asyncio.sleep(_BURST_S)


if __name__ == "__main__":
    asyncio.run(_serve())
