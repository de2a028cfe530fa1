"""What a run should have earned by now: by a backtest of the same, or by what its trades cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from polydesk.core.trading.run_book import Run, RunStatus
from polydesk.server.run_expectations import expectation, runs_now

D = Decimal
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def run(
    run_id: str = "r_1",
    kind: str = "strategy",
    status: RunStatus = RunStatus.RUNNING,
    parameters: dict[str, float] | None = None,
) -> Run:
    document = json.dumps({"strategy": "fades", "parameters": parameters or {}})
    return Run(run_id, kind, status, NOW, NOW, "desk", "", document)


def bought(token: str, shares: str, dollars: str, side: str = "BUY") -> Any:
    return SimpleNamespace(
        result=SimpleNamespace(taking=D(shares), making=D(dollars)),
        plan=object(),
        intent=SimpleNamespace(side=SimpleNamespace(value=side), outcome=SimpleNamespace(token_id=token)),
    )


def progress(of: Run, *orders: Any, up_days: float = 4.0) -> Any:
    return SimpleNamespace(
        run=of,
        plan=SimpleNamespace(strategy="fades", max_exposure_usd=D(500)),
        notes=SimpleNamespace(up_s=up_days * 86_400),
        profit=SimpleNamespace(total=D(-12), spread=D("-1.5"), fees=D("-0.5")),
        orders=orders,
    )


BACKTEST: dict[str, Any] = {"parameters": {"edge": 0.05}, "daily": {"days": 16, "mean": 0.01, "deviation": 0.02}}


def test_against_a_backtest_its_daily_changes_are_taken_of_what_may_be_tied_up() -> None:
    """500 dollars at 1 % a day for 4 days are 20; a day varies by (500 * 0.02)^2 = 100, four of 16 by 400 * 1.25."""
    seen = expectation(progress(run(), bought("1", "10", "5")), BACKTEST)
    assert seen is not None
    assert (seen.expected, seen.variance, seen.unit_variance) == pytest.approx((20.0, 500.0, 100.0))
    assert (seen.profit, seen.against, seen.bets) == (-12.0, "its backtest", 1)


def test_without_one_fair_bets_lose_what_trading_cost_and_vary_as_shares_do() -> None:
    """Outcome 1: 30 shares at 0.5 on average, 900 * 0.25 = 225; outcome 2: 10 at 0.9, 100 * 0.09 = 9."""
    orders = [
        bought("1", "10", "4"),
        bought("1", "20", "11"),
        bought("2", "10", "9"),
        bought("2", "5", "4", side="SELL"),
    ]
    seen = expectation(progress(run(), *orders), None)
    assert seen is not None
    assert (seen.expected, seen.variance, seen.unit_variance) == pytest.approx((-2.0, 234.0, 117.0))
    assert seen.bets == 2
    assert expectation(progress(run()), None) is None


@pytest.mark.parametrize(
    ("parameters", "strategy", "days", "against"),
    [
        ({"edge": 0.05}, "fades", 16, "its backtest"),
        ({}, "fades", 16, "its backtest"),
        ({"edge": 0.06}, "fades", 16, "fair bets at the prices it paid"),
        ({"edge": 0.05}, "other", 16, "fair bets at the prices it paid"),
        ({"edge": 0.05}, "fades", 4, "fair bets at the prices it paid"),
    ],
)
async def test_only_a_backtest_of_the_same_and_long_enough_counts(
    parameters: dict[str, float], strategy: str, days: int, against: str
) -> None:
    live, tested = run(parameters=parameters), run("r_2", "backtest", RunStatus.DONE)
    ended = run("r_3", status=RunStatus.STOPPED)
    result = {**BACKTEST, "daily": {**BACKTEST["daily"], "days": days}}

    async def progress_of(of: Run) -> Any:
        return progress(of, bought("1", "10", "5"))

    strategies: Any = SimpleNamespace(
        book=SimpleNamespace(latest=lambda _: [ended, live, tested]), progress=progress_of
    )
    backtests: Any = SimpleNamespace(
        progress=lambda _: SimpleNamespace(result=result, request=SimpleNamespace(strategy=strategy))
    )
    (seen,) = await runs_now(strategies, backtests)
    assert (seen.run_id, seen.against) == ("r_1", against)
