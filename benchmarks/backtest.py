"""Backtests: events per second of a strategy on recorded books, beside polymarket-paper-trader's own backtester.

The recording is the seconds of Bitcoin's quarter hours, looped. Ours plays every change of a level on the exchange,
with queue, own impact, fees and the whole way of an order. The other one is given the midpoints of the same moments,
which is all that it reads: it trades against three levels that it makes up around a midpoint, without fees. Its
database lies in memory (tmpfs), where it is fastest; it is installed into an environment of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from polydesk.core.backtest.present import Present
from polydesk.core.backtest.run import Run, run_strategy
from polydesk.core.clock import Clock
from polydesk.core.exchange.replay.moments import BookMoment
from polydesk.core.exchange.replay.recording import Recording, read_recording
from polydesk.core.exchange.replay.timeline import timeline_of
from polydesk.core.exchange.units import UNIT
from polydesk.core.identifiers import ConditionId
from polydesk.core.models import Market, OrderSide, Trade, TradingSignal
from polydesk.core.strategies.decision import Decision
from polydesk.core.strategies.declaration import Declaration, Need
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Execution
from polydesk.server.replay_desk import replay_desk

from .breakout import SHARES, Breakout
from .looped_recording import looped
from .registry import Result

DATA = Path(__file__).parents[2] / "shared" / "data" / "l2" / "btc_updown_15m_2026-09-28"
SAMPLE = Path(__file__).parents[1] / "tests" / "recordings" / "btc_updown_15m"
EVENTS = 2_000_000

_HERE = Path(__file__).parent
_MEMORY = Path("/dev/shm")
_ENVIRONMENT = "POLYDESK_PAPER_TRADER_PYTHON"
"""Names a Python that has the package; without it one is set up in the folder for temporary files."""


class BreakoutStrategy(PolymarketStrategy):
    """The rule as a strategy of the desk: it looks at the midpoint, and at the whole book when it trades.

    With `whole_books` it reads the whole book each time, as strategies do that weigh depth.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="breakout", summary="Follows a break out of the mean.", needs=frozenset({Need.BOOKS})
    )

    def __init__(self, execution: Execution, present: Present, clock: Clock, *, whole_books: bool) -> None:
        super().__init__(execution)
        self._present = present
        self._clock = clock
        self._whole_books = whole_books
        self._rules: dict[ConditionId, Breakout] = {}
        self._held: dict[ConditionId, Decimal] = {}

    async def execute_trade(self, signal: TradingSignal) -> Trade:
        trade = await super().execute_trade(signal)
        self._held[signal.market_id] = trade.size
        return trade

    async def analyze_market(self, market: Market) -> TradingSignal:
        raise NotImplementedError

    async def decide(self, markets: Sequence[Market]) -> Decision:
        signals = []
        for market in markets:
            token = market.outcomes[0].token_id
            if self._whole_books:
                book = await self._present.book(token)
                midpoint = None if book is None else book.midpoint
            else:
                midpoint = self._present.midpoint(token)
            rule = self._rules.get(market.condition_id)
            if rule is None:
                rule = self._rules[market.condition_id] = Breakout()
            if midpoint is not None and (side := rule.side(float(midpoint))) is not None:
                shares = Decimal(SHARES) if side == "buy" else self._held.get(market.condition_id, Decimal(0))
                if shares:
                    signals.append(await self._signal(market, OrderSide(side.upper()), shares))
        return Decision(signals=signals)

    async def _signal(self, market: Market, side: OrderSide, shares: Decimal) -> TradingSignal:
        outcome = market.outcomes[0]
        book = await self._present.book(outcome.token_id)
        assert book is not None
        level = book.best_ask if side is OrderSide.BUY else book.best_bid
        assert level is not None
        return TradingSignal(
            market_id=market.condition_id,
            token_id=outcome.token_id,
            outcome=outcome.label,
            side=side,
            verdict="buy" if side is OrderSide.BUY else "sell",
            fair_value=level.price,
            low=level.price,
            high=level.price,
            price=level.price,
            limit_price=level.price,
            edge=Decimal(0),
            size=shares,
            reason="breakout",
            as_of=self._clock.now(),
        )


def run() -> Result:
    folder = DATA if DATA.is_dir() else SAMPLE
    started = time.perf_counter()
    recording = _of_events(read_recording([folder]), EVENTS)
    read_s = time.perf_counter() - started
    rows = midpoints(recording)
    ratios: dict[str, float] = {}
    measured: dict[str, float] = {}
    about = (
        f"{folder.name}, looped. Ours counts changes of levels and trades, played on the exchange with queue, own "
        f"impact and fees; the other one midpoints, of which it makes up a book, with its database {_where()}"
    )
    mine = asyncio.run(ours(recording, whole_books=False))
    try:
        theirs = paper_trader(rows)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        about += f"; polymarket-paper-trader could not be run: {type(error).__name__}"
    else:
        again = asyncio.run(ours(recording, whole_books=False))
        mine = min(mine, again, key=lambda each: each.seconds)
        theirs_a_second = theirs["snapshots"] / theirs["seconds"]
        ratios = {
            "events (changes of levels, trades) a second / snapshots (midpoints) a second of polymarket-paper-trader": (
                mine.events / mine.seconds / theirs_a_second
            ),
            "time for the same moments, polymarket-paper-trader / ours": theirs["seconds"] / mine.seconds,
        }
        measured = {
            "polymarket-paper-trader: snapshots a second": theirs_a_second,
            "polymarket-paper-trader: snapshots": theirs["snapshots"],
            "polymarket-paper-trader: trades": theirs["trades"],
            "polymarket-paper-trader: its strategy's errors": theirs["errors"],
        }
    books = asyncio.run(ours(recording, whole_books=True))
    return Result(
        about=about,
        ratios={"events a second / 100,000": mine.events / mine.seconds / 100_000, **ratios},
        measured={
            "ours: events a second": mine.events / mine.seconds,
            "ours: events a second, reading and opening included": mine.events
            / (mine.seconds + mine.opening_s + read_s),
            "ours: events a second, reading the whole book at each look": books.events / books.seconds,
            "ours: events": mine.events,
            "ours: moments looked at": mine.run.looks,
            "ours: orders filled": len(mine.run.fills),
            **measured,
        },
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """`seconds` of the run alone; `opening_s` went before it, without reading the files."""

    seconds: float
    opening_s: float
    events: int
    run: Run


async def ours(recording: Recording, *, whole_books: bool) -> Measured:
    """One run of the strategy on the desk of a replay."""
    began = time.perf_counter()
    async with replay_desk(recording, starting_balance=Decimal(10_000), seed=1) as (replay, _, execution):
        lived = Run(Decimal(10_000))
        strategy = BreakoutStrategy(execution, replay.present, replay.clock, whole_books=whole_books)
        before = replay.events_played
        started = time.perf_counter()
        await run_strategy(strategy, replay, lived, every=timedelta(milliseconds=1))
        ended = time.perf_counter()
        return Measured(ended - started, started - began, replay.events_played - before, lived)


def midpoints(recording: Recording) -> list[tuple[str, float]]:
    """(market, midpoint) of each moment at which a followed book was told whole and has both sides."""
    return [
        (moment.condition_id, (max(moment.bids) + min(moment.asks)) / 2 / UNIT)
        for moment in recording.moments
        if isinstance(moment, BookMoment) and moment.token_id in recording.source_tokens and moment.bids and moment.asks
    ]


def paper_trader(rows: list[tuple[str, float]]) -> dict[str, Any]:
    """What its backtester took for these midpoints. Raises OSError and SubprocessError where it cannot be run."""
    python = _paper_trader_python()
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        file = Path(folder) / "midpoints.json"
        file.write_text(json.dumps(rows), encoding="utf-8")
        done = subprocess.run(
            [python, str(_HERE / "paper_trader_backtest.py"), str(file)],
            env={**os.environ, "TMPDIR": folder, "HOME": folder, "PYTHONPATH": ""},
            capture_output=True,
            check=True,
            text=True,
            timeout=600,
        )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _where() -> str:
    return f"in memory ({_MEMORY})" if _MEMORY.is_dir() else "on disk"


def _paper_trader_python() -> str:
    named = os.environ.get(_ENVIRONMENT)
    if named:
        return named
    environment = Path(tempfile.gettempdir()) / "polydesk-benchmarks" / "polymarket-paper-trader"
    python = environment / "bin" / "python"
    if not (environment / "complete").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True, timeout=120)
        install = [str(python), "-m", "pip", "install", "--quiet", "polymarket-paper-trader"]
        subprocess.run(install, check=True, capture_output=True, timeout=300)
        (environment / "complete").touch()
    return str(python)


def _of_events(recording: Recording, least: int) -> Recording:
    """A recording looped until it has as many events."""
    timeline = timeline_of(recording)
    return looped(recording, -(-least // timeline.events_before(len(timeline))))
