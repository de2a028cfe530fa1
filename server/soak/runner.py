"""Runs a soak: serves the exchange, starts and kills the desk's process, and holds one against the other at the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from ...core.background_tasks import cancelled
from ...core.clock import ShiftedClock
from ...core.errors import PolymarketAPIError
from ...core.exchange.catalogue import load_catalogue
from ...core.exchange.server import ExchangeServer
from ...core.money import to_micro
from ...core.storage.database import DESK_FILE
from ..progress_bar import progress_bar
from .market import SoakMarket, Watch
from .report import SoakReport, report
from .worker import Belief, WorkPlan

MAX_OPEN_ORDERS = 25
MAX_EXPOSURE_USD = Decimal(800)
CLIENTS = 8
LANES = 2
"""Processes that trade at once, on one account and one file."""

_KEY = "0x" + "7" * 64
_TIMEOUT_S = 1
_SETTLE_S = 180.0


class SoakFailed(PolymarketAPIError):
    """The soak itself could not be carried out."""


def run_soak(*, orders: int, kills: int, seed: int, as_json: bool) -> int:
    """Run one soak in a folder of its own and print what it found; 1 when anything that must be zero is not."""
    with tempfile.TemporaryDirectory(prefix="polydesk-soak-") as folder, progress_bar("orders") as show:
        found = asyncio.run(Soak(Path(folder), orders=orders, kills=kills, seed=seed, progress=show).run())
    print(json.dumps(found.as_json()) if as_json else _readable(found))
    return 0 if found.passed else 1


class Soak:
    """One run. Processes of the desk are killed after a random number of orders, at a random moment of one of them."""

    def __init__(
        self, folder: Path, *, orders: int, kills: int, seed: int, progress: Callable[[float], None] | None = None
    ) -> None:
        self._folder = folder
        self._orders = orders
        self._kills_planned = kills
        self._seed = seed
        self._progress = progress
        self._watch = Watch(most_open=MAX_OPEN_ORDERS, most_exposed=MAX_EXPOSURE_USD)
        self._posts = 0
        self._on_post: dict[int, Callable[[], None]] = {}
        self.kills = 0

    async def run(self) -> SoakReport:
        started = time.monotonic()
        clock = ShiftedClock(load_catalogue().starts_at)
        self._watch.seen = self._posted
        market = SoakMarket(self._seed, clock, self._watch)
        async with ExchangeServer(market.exchange, before=[market.watching()]) as server:
            flow = asyncio.create_task(market.flow(), name="soak flow")
            try:
                plan = WorkPlan(self._settings(server), seed=self._seed, clients=CLIENTS, lanes=LANES)
                await self._trade(plan)
                belief = await self._settle(replace(plan, settle=True))
            finally:
                await cancelled(flow)
            account = market.account
            if account is None:
                raise SoakFailed("The desk never reached the exchange.")
            return report(
                seed=self._seed,
                kills=self.kills,
                seconds=time.monotonic() - started,
                faults=server.fault_counts,
                failed_trades=sum(trade.status == "FAILED" for trade in market.exchange.registry.trades_of(account)),
                file=self._folder / "live" / DESK_FILE,
                watch=self._watch,
                account=account,
                granted_micro=to_micro(market.exchange.settings.starting_balance),
                belief=belief,
            )

    async def _trade(self, plan: WorkPlan) -> None:
        """Let processes of one desk place orders, side by side, until enough have reached the venue."""
        async with asyncio.TaskGroup() as lanes:
            for lane in range(LANES):
                lanes.create_task(self._lane(plan, lane))

    async def _lane(self, plan: WorkPlan, lane: int) -> None:
        """One process after the other, each killed on the way but the last, which is killed at the end."""
        random = Random(f"soak kills {self._seed} {lane}")
        ended: set[int] = set()
        planned = self._kills_planned // LANES + (lane < self._kills_planned % LANES)
        between = self._orders // (planned + 1)
        for _ in range(planned):
            limit = min(self._posts + random.randrange(between // 2, between + 1), self._orders)
            await self._work(replace(plan, lane=lane, ended=tuple(ended)), ended, random, until_posts=limit)
            self.kills += 1
        while self._posts < self._orders:
            await self._work(replace(plan, lane=lane, ended=tuple(ended)), ended, random, until_posts=self._orders)

    async def _work(self, plan: WorkPlan, ended: set[int], random: Random, *, until_posts: int) -> None:
        """One process of the desk, from its start to its death."""
        process = await self._start(plan, f"plan-{plan.lane}.json")
        assert process.stdout is not None
        dying = asyncio.Event()

        def kill() -> None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

        def post() -> None:
            if self._posts >= until_posts and not dying.is_set():
                dying.set()
                moment_s = random.choice((0.0, 0.0, random.random() * 0.05))
                asyncio.get_running_loop().call_later(moment_s, kill) if moment_s else kill()

        self._on_post[plan.lane] = post
        try:
            async for line in process.stdout:
                with suppress(ValueError):  # the last line may be cut in half
                    ended.add(int(line))
            code = await process.wait()
        finally:
            del self._on_post[plan.lane]
            kill()
        if not dying.is_set():
            raise SoakFailed(f"The desk's process ended by itself with code {code}; its log is above.")

    async def _settle(self, plan: WorkPlan) -> Belief:
        process = await self._start(plan, "plan.json")
        assert process.stdout is not None
        async with asyncio.timeout(_SETTLE_S):
            said = (await process.stdout.read()).decode()
            code = await process.wait()
        if code:
            raise SoakFailed(f"The last process of the desk ended with code {code}; its log is above.")
        return Belief(**json.loads(said.splitlines()[-1]))

    async def _start(self, plan: WorkPlan, name: str) -> asyncio.subprocess.Process:
        file = self._folder / name
        plan.write(file)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "polydesk.server.soak.worker",
            str(file),
            stdout=asyncio.subprocess.PIPE,
            limit=2**20,
        )

    def _settings(self, server: ExchangeServer) -> dict[str, Any]:
        return {
            "mode": "live",
            "api_url": server.clob_url,
            "gamma_url": server.gamma_url,
            "data_url": server.data_url,
            "ws_url": server.ws_url,
            "private_key": _KEY,
            "state_dir": str(self._folder),
            "timeout": _TIMEOUT_S,
            "max_order_usd": "30",
            "max_day_usd": "10000000",
            "max_exposure_usd": str(MAX_EXPOSURE_USD),
            "max_open_orders": MAX_OPEN_ORDERS,
            "max_orders_per_minute": 1_000_000,
            "compute": "inline",
        }

    def _posted(self) -> None:
        self._posts += 1
        if self._progress is not None:
            self._progress(min(self._posts / self._orders, 1.0))
        for tell in list(self._on_post.values()):
            tell()


def _readable(found: SoakReport) -> str:
    lines = [f"{'passed' if found.passed else 'FAILED'} in {found.seconds:g} s, seed {found.seed}"]
    lines += [f"  {name:<26}{value}" for name, value in found.as_json().items() if name not in ("seed", "seconds")]
    return "\n".join(lines)
