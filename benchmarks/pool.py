"""What the worker pool costs: its throughput against direct batched calls, what it adds to one call, and the lag.

Headlines are classified by the shipped model. All sides compute with the same number of threads.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from polydesk.gpu import devices
from polydesk.gpu.executors.process_pool import ProcessPool
from polydesk.gpu.interface import share
from polydesk.gpu.text.sentiment import sentiment
from polydesk.gpu.worker_kinds import SIMULATION, TEXT

from .measure import quantile
from .registry import Result

_CONCURRENT = 1_000
_ROUNDS = 5
_SINGLES = 300
_ROUND_TRIPS = 1_000
_RATE_HZ = 300
_RATE_S = 5.0
_SATURATED_S = 5.0
_DEADLINE_S = 120.0
_BIG = 1_000_000
_LONG = {
    "probability": 0.4, "price": 0.35, "shares": 200.0, "fee": 1.0, "seed": 1,
    "paths": 500_000, "stop": 0.2, "target": 0.8,
}  # fmt: skip

_WORDS = [
    "central",
    "bank",
    "officials",
    "signal",
    "that",
    "interest",
    "rates",
    "may",
    "fall",
    "sooner",
    "than",
    "markets",
    "expect",
    "after",
    "weak",
    "inflation",
    "data",
    "while",
    "the",
    "senator",
    "denies",
    "reports",
    "of",
    "talks",
    "over",
    "a",
    "new",
    "budget",
    "deal",
    "and",
    "rivals",
    "lead",
    "in",
    "three",
    "national",
    "polls",
    "as",
    "shares",
    "of",
    "the",
    "chip",
    "maker",
    "slump",
    "on",
    "export",
    "rules",
]


def run() -> Result:
    given = os.environ.get(devices.THREADS_VARIABLE)
    os.environ[devices.THREADS_VARIABLE] = str(devices.cores())
    try:
        return asyncio.run(_measure())
    finally:
        if given is None:
            del os.environ[devices.THREADS_VARIABLE]
        else:
            os.environ[devices.THREADS_VARIABLE] = given


def _headlines(count: int) -> list[dict[str, str]]:
    rng = random.Random(7)
    return [{"text": " ".join(rng.choices(_WORDS, k=rng.randint(5, 13))), "target": "rates"} for _ in range(count)]


def _classify(items: list[dict[str, str]]) -> dict[str, Any]:
    return sentiment({"items": items}, lambda fraction: None)


async def _measure() -> Result:
    items = _headlines(_CONCURRENT)
    if (engine := _classify(items[:1])["engine"]) != "onnxruntime":
        raise RuntimeError(f"this benchmark needs the extra nlp; {engine} answered")
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as standard:
        async with ProcessPool([TEXT]) as pool:
            started = time.perf_counter()
            await _one(pool, items[0])
            first_answer_s = time.perf_counter() - started
            rates = await _throughput(pool, standard, items)
            alone = await _singles(pool, items)
            latencies = await _open_loop(pool, items)
            status = pool.describe().kinds[0]
    async with ProcessPool([SIMULATION, TEXT]) as both:
        await both.start()
        trips = [await _timed(both.submit("engine", {}, deadline_s=_DEADLINE_S)) for _ in range(_ROUND_TRIPS)]
        lags = await _lags_when_saturated(both, items)
        sent_s, shared_s = await _array_trips(both)
    overheads = [through - direct for direct, through in alone]
    return Result(
        about=f"{_CONCURRENT:,} concurrent calls of one headline each; {status.engine} {status.dtype}, one worker with "
        f"{status.threads} threads; the loop's lag while both kinds of workers are saturated",
        ratios={
            "calls per second: pool / direct batched call": rates["pool"] / rates["direct"],
            "calls per second: pool / ProcessPoolExecutor": rates["pool"] / rates["standard"],
        },
        measured={
            "pool, calls per second": rates["pool"],
            "direct batched call, headlines per second": rates["direct"],
            "ProcessPoolExecutor, calls per second": rates["standard"],
            "first answer of a cold worker with its model, ms": 1000 * first_answer_s,
            "one call in process p50, ms": 1000 * quantile([direct for direct, _ in alone], 0.5),
            "one call through the idle pool p50, ms": 1000 * quantile([through for _, through in alone], 0.5),
            "idle overhead p50, ms": 1000 * quantile(overheads, 0.5),
            "empty round trip p50, ms": 1000 * quantile(trips, 0.5),
            "empty round trip p99, ms": 1000 * quantile(trips, 0.99),
            f"{_RATE_HZ} calls per second: p50, ms": 1000 * quantile(latencies, 0.5),
            f"{_RATE_HZ} calls per second: p99, ms": 1000 * quantile(latencies, 0.99),
            "event loop lag p99, ms": 1000 * quantile(lags, 0.99),
            "event loop lag max, ms": 1000 * max(lags),
            "array of 8 MB sent with a call, ms": 1000 * sent_s,
            "array of 8 MB shared before, ms": 1000 * shared_s,
        },
    )


async def _timed(call: Awaitable[object]) -> float:
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


async def _one(pool: ProcessPool, item: dict[str, str]) -> object:
    return await pool.submit("sentiment", {"items": [item]}, deadline_s=_DEADLINE_S)


async def _throughput(pool: ProcessPool, standard: ProcessPoolExecutor, items: list[Any]) -> dict[str, float]:
    """Items per second of the median round of each; rounds take turns."""
    loop = asyncio.get_running_loop()

    async def through_pool() -> None:
        await asyncio.gather(*(_one(pool, item) for item in items))

    async def direct() -> None:
        _classify(items)

    async def through_standard() -> None:
        await asyncio.gather(*(loop.run_in_executor(standard, _classify, [item]) for item in items))

    candidates: dict[str, Callable[[], Awaitable[None]]] = {
        "direct": direct,
        "pool": through_pool,
        "standard": through_standard,
    }
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for counted in [False, *[True] * _ROUNDS]:
        for name, candidate in candidates.items():
            seconds = await _timed(candidate())
            if counted:
                taken[name].append(seconds)
    return {name: len(items) / min(seconds) for name, seconds in taken.items()}


async def _singles(pool: ProcessPool, items: list[Any]) -> list[tuple[float, float]]:
    """Seconds of the same call in this process and through the idle pool, in turns."""
    pairs = []
    for item in items[:_SINGLES]:
        started = time.perf_counter()
        _classify([item])
        pairs.append((time.perf_counter() - started, await _timed(_one(pool, item))))
    return pairs


async def _open_loop(pool: ProcessPool, items: list[Any]) -> list[float]:
    """Seconds from when each call was due until its answer; calls come whether earlier ones are answered or not."""
    loop = asyncio.get_running_loop()
    begun = loop.time() + 0.1

    async def call(number: int) -> float:
        due = begun + number / _RATE_HZ
        await asyncio.sleep(due - loop.time())
        await _one(pool, items[number % len(items)])
        return loop.time() - due

    return await asyncio.gather(*(call(number) for number in range(int(_RATE_HZ * _RATE_S))))


async def _lags_when_saturated(pool: ProcessPool, items: list[Any]) -> list[float]:
    """By how much one-millisecond sleeps overran while every worker had more to do than it could."""
    ended = asyncio.Event()

    async def text(item: dict[str, str]) -> None:
        while not ended.is_set():
            await _one(pool, item)

    async def simulate() -> None:
        while not ended.is_set():
            await pool.submit("market_risk", _LONG, deadline_s=_DEADLINE_S)

    load = [asyncio.create_task(each) for each in (simulate(), *(text(item) for item in items))]
    lags = []
    until = time.perf_counter() + _SATURATED_S
    while time.perf_counter() < until:
        started = time.perf_counter()
        await asyncio.sleep(0.001)
        lags.append(time.perf_counter() - started - 0.001)
    ended.set()
    await asyncio.gather(*load)
    return lags


async def _array_trips(pool: ProcessPool) -> tuple[float, float]:
    """Seconds of a call with a big array, and of one with the same array shared, once it was mapped."""
    array = np.random.default_rng(1).random(_BIG)

    async def best(payload: dict[str, Any]) -> float:
        return min([await _timed(pool.submit("engine", payload, deadline_s=_DEADLINE_S)) for _ in range(10)])

    async with share(array) as shared:
        return await best({"array": array}), await best({"array": shared})
