"""The second half of `polydesk demo`: a strategy on prices of the past, and one that trades by itself inside bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from .demo_session import DemoFailed, Session, panel

_MARKET = "btc-updown-15m-1790592300"
_TRIES = 240
_EVERY_S = 0.25


async def strategies(session: Session) -> None:
    """Raises DemoFailed where a run does not come to what the story tells."""
    session.say("Would a strategy have earned? Two thresholds, of which the higher one was dearer for three hours.")
    started = await session.call("run_backtest", rows=_ladder(), strategy="arbitrage", half_spread=0.005)
    run = await _until(session, started["run_id"], lambda run: run["status"] != "running")
    if run["status"] != "done":
        raise DemoFailed(f"the backtest ended: {run.get('cause')}")
    told = run["backtest"]
    session.show(panel("backtest", {**told["profit"], "orders": told["orders"], "fidelity": told["fidelity"]}))
    session.say(" ".join(told["conclusion"]))

    session.say("A market maker may trade by itself for an hour: at most $60 tied up, at most $20 lost.")
    status = await session.call("get_status")
    until = datetime.fromisoformat(status["as_of"]) + timedelta(hours=1)
    running = await session.call(
        "run_strategy",
        strategy="market_maker",
        markets=[_MARKET],
        max_loss_usd=20,
        max_exposure_usd=60,
        until=until.isoformat(),
        every_s=1,
        params={"size": 10, "half_spread": 0.01, "hours_to_end": 0},
    )
    run = await _until(session, running["run_id"], lambda run: run["strategy"]["looks"] >= 3)
    if "explain" not in run["strategy"]:
        raise DemoFailed("the market maker has said nothing")
    latest = run["strategy"]["explain"][0]
    session.show(panel("its last quotes", {"why": latest["why"], "orders": len(run.get("attempt_ids", []))}))
    stopped = await session.call("stop_strategy", run_id=running["run_id"])
    resting = await session.call("get_orders", status="open")
    if resting["orders"]:
        raise DemoFailed("the market maker has left orders behind")
    session.say(f"It is {stopped['status']}, and what it had resting is taken back.")


async def _until(session: Session, run_id: str, holds: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """The run once something is true of it."""
    for _ in range(_TRIES):
        (run,) = (await session.call("get_runs", run_id=run_id, quietly=True))["runs"]
        if holds(run):
            return dict(run)
        await anyio.sleep(_EVERY_S)
    raise DemoFailed(f"{run_id} did not come as far as it should within a minute")


def _ladder() -> list[dict[str, Any]]:
    """Invented prices, by the hour: the threshold further out should never cost more."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    quoted = {"90,000": (0.40, 0.40, 0.40, 0.40, 0.41), "100,000": (0.38, 0.46, 0.46, 0.46, 0.37)}
    return [
        {
            "at": (start + timedelta(hours=hour)).isoformat(),
            "market_id": level,
            "question": f"Will Bitcoin be above ${level} on March 5?",
            "price": price,
            "end_date": "2026-03-05T17:00:00Z",
            "yes_won": int(level == "90,000"),
        }
        for level, prices in quoted.items()
        for hour, price in enumerate(prices)
    ]
