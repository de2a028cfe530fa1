"""Small recordings, and the desk of a replay of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from polydesk.core.backtest.bars import BarAssumptions, bar_recording
from polydesk.core.backtest.price_series import PriceRow, PriceSeries
from polydesk.core.backtest.replay import Replay
from polydesk.core.trading.strategy_execution import DeskExecution
from polydesk.server.replay_desk import replay_desk

D = Decimal
START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

MakeSeries = Callable[..., PriceSeries]


@pytest.fixture
def make_series() -> MakeSeries:
    def make(
        prices: Sequence[str], *, key: str = "rain", question: str = "Will it rain?", won: bool | None = None
    ) -> PriceSeries:
        rows = [
            PriceRow(int((START + number * HOUR).timestamp() * 1000), D(price)) for number, price in enumerate(prices)
        ]
        return PriceSeries(key, question, key, None, won, rows)

    return make


@pytest.fixture
def open_replay() -> Callable[..., object]:
    """Opens a replay of series, with the execution of a desk on it."""

    @asynccontextmanager
    async def opened(
        *series: PriceSeries, fee_rate: str = "0", depth_usd: str = "500"
    ) -> AsyncIterator[tuple[Replay, DeskExecution]]:
        assumptions = BarAssumptions(half_spread=D("0.01"), depth_usd=D(depth_usd), fee_rate=D(fee_rate))
        async with replay_desk(bar_recording(series, assumptions), starting_balance=D(1000), seed=1) as opened:
            yield opened.replay, opened.execution

    return opened
