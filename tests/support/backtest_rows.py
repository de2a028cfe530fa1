"""Rows of recorded prices for backtests, and waiting for one to end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 1, tzinfo=UTC)


def rows(prices: list[float], *, won: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "at": (START + timedelta(hours=hour)).isoformat(),
            "market_id": "rain",
            "question": "Will Bitcoin be above $90,000 on March 5?",
            "price": price,
            "end_date": "2026-03-05T17:00:00Z",
            "yes_won": int(won),
        }
        for hour, price in enumerate(prices)
    ]


def ladder() -> list[dict[str, Any]]:
    """The higher threshold costs more: five cents that nobody has to be lucky for."""
    high = [
        {**row, "market_id": "high", "question": "Will Bitcoin be above $100,000 on March 5?"}
        for row in rows([0.40, 0.48, 0.48, 0.48], won=False)
    ]
    return [*rows([0.40] * 4), *high]


async def ended(agent: Any, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            (run,) = (await agent.call("get_runs", run_id=run_id))["runs"]
            if run["status"] != "running":
                return dict(run)
            await asyncio.sleep(0.2)
