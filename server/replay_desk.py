"""The ordinary desk on a replay: what a backtest trades with, with its journal in memory."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ..core.backtest.conditions import INSTANT, Conditions
from ..core.backtest.replay import Replay
from ..core.exchange.replay.recording import Recording
from ..core.risk.limits import RiskLimits
from ..core.storage.database import Database
from ..core.storage.processes import ProcessMark
from ..core.trading.consent import NoConsent
from ..core.trading.desk import TradingDesk
from ..core.trading.strategy_execution import DeskExecution
from .order_desk import order_desk

TOKEN_PREFIX = "backtest"
_OPEN_ORDERS = 1000


class ReplayDesk(NamedTuple):
    """A replay, the desk in front of it, and how a strategy's decisions become its orders."""

    replay: Replay
    desk: TradingDesk
    execution: DeskExecution


@asynccontextmanager
async def replay_desk(
    recording: Recording, *, starting_balance: Decimal, seed: int, conditions: Conditions = INSTANT
) -> AsyncIterator[ReplayDesk]:
    """Open a replay with an account that has `starting_balance` dollars, all of which one order may cost."""
    numbers = itertools.count(1)
    database = Database.in_memory()
    try:
        with tempfile.TemporaryDirectory(prefix="polydesk-backtest-") as folder:
            async with Replay(recording, starting_balance=starting_balance, seed=seed, conditions=conditions) as replay:
                desk = order_desk(
                    database,
                    replay.venue,
                    replay.clock,
                    account=replay.venue.account,
                    folder=Path(folder),
                    process=ProcessMark(None),
                    limits=RiskLimits(max_order_usd=starting_balance, max_open_orders=_OPEN_ORDERS),
                    consent=NoConsent(),
                    new_id=lambda letter: f"{letter}{next(numbers)}",
                    new_code=lambda: f"c{next(numbers)}",
                    lifted_by="starting another backtest",
                ).desk
                yield ReplayDesk(
                    desk=desk,
                    replay=replay,
                    execution=DeskExecution(desk, replay.market, replay.clock, prefix=TOKEN_PREFIX),
                )
    finally:
        database.close()
