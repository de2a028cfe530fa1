"""What the worker process costs: round trips against calls in the same process, and the event loop's lag."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.tasks import TASKS

from .measure import quantile
from .registry import Result

_ROUND_TRIPS = 500
_ROUNDS = 15
_MARKET = {"probability": 0.4, "price": 0.35, "shares": 200.0, "fee": 1.0, "paths": 20_000, "seed": 1}
_LONG = {**_MARKET, "paths": 2_000_000, "stop": 0.2, "target": 0.8}
_DEADLINE_S = 120.0


def run() -> Result:
    return asyncio.run(_measure())


async def _measure() -> Result:
    async with ProcessPool() as pool:
        started = time.perf_counter()
        await pool.submit("engine", {}, deadline_s=_DEADLINE_S)
        first_answer_s = time.perf_counter() - started

        trips = []
        for _ in range(_ROUND_TRIPS):
            started = time.perf_counter()
            await pool.submit("engine", {}, deadline_s=_DEADLINE_S)
            trips.append(time.perf_counter() - started)

        inside, outside = [], []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            TASKS["market_risk"](_MARKET, lambda fraction: None)
            inside.append(time.perf_counter() - started)
            started = time.perf_counter()
            await pool.submit("market_risk", _MARKET, deadline_s=_DEADLINE_S)
            outside.append(time.perf_counter() - started)

        lags = await _loop_lags(pool, _LONG)
    return Result(
        about="one worker process; market_risk with 20,000 paths; event loop sampled while 2,000,000 paths run",
        ratios={"market_risk: in process / through the pool": min(inside) / min(outside)},
        measured={
            "first answer of a cold pool, ms": 1000 * first_answer_s,
            "round trip p50, ms": 1000 * quantile(trips, 0.5),
            "round trip p99, ms": 1000 * quantile(trips, 0.99),
            "market_risk in process, ms": 1000 * min(inside),
            "market_risk through the pool, ms": 1000 * min(outside),
            "event loop lag p99 during a task, ms": 1000 * quantile(lags, 0.99),
            "event loop lag max during a task, ms": 1000 * max(lags),
        },
    )


async def _loop_lags(pool: ProcessPool, payload: dict[str, Any]) -> list[float]:
    """By how much one-millisecond sleeps overran while the task ran."""
    call = asyncio.create_task(pool.submit("market_risk", payload, deadline_s=_DEADLINE_S))
    lags = []
    while not call.done():
        started = time.perf_counter()
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - started - 0.001)
    await call
    return lags
