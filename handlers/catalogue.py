"""All tools, in the order hosts show them."""

from __future__ import annotations

from . import (
    analysis,
    backtests,
    batch_trading,
    books,
    diagnosis,
    forecasts,
    markets,
    news,
    operations,
    patterns,
    portfolio,
    positions,
    risk,
    runs,
    scan,
    sliced_orders,
    strategies,
    tape,
    traders,
    trading,
)
from .toolspec import ToolSpec

ALL_TOOLS: tuple[ToolSpec, ...] = (
    *markets.TOOLS,
    *books.TOOLS,
    *analysis.TOOLS,
    *news.TOOLS,
    *scan.TOOLS,
    *forecasts.TOOLS,
    *trading.TOOLS,
    *portfolio.TOOLS,
    *operations.TOOLS,
    *diagnosis.TOOLS,
    *batch_trading.TOOLS,
    *positions.TOOLS,
    *tape.TOOLS,
    *traders.TOOLS,
    *sliced_orders.TOOLS,
    *strategies.TOOLS,
    *runs.TOOLS,
    *backtests.TOOLS,
    *risk.TOOLS,
    *patterns.TOOLS,
)
