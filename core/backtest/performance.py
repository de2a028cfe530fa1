"""What a run earned, why, and whether that is more than luck."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from .replay import Replay
from .run import Belief, Fill, Run

_DAY = timedelta(days=1)
_DAYS_A_YEAR = 365
_LEAST_DAYS = 10
"""Of fewer days no ratio of mean and deviation says anything."""

_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Profit:
    """Dollars, by cause: `prices` is what holdings gained or lost, `spread` and `fees` what trading took (negative)."""

    total: Decimal
    prices: Decimal
    spread: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Performance:
    """Figures of one run. `sharpe` and `sortino` are yearly, of daily changes of equity, None of too few days.

    `hit_rate` is the share of traded markets that earned, with `markets_decided` those whose outcome is known.
    `brier` is of the strategy's beliefs in markets that ended, `market_brier` of the midpoints then; one market counts
    once, with its first belief. `profit_low` and `profit_high` bound 95 % of the profit when traded markets are drawn
    again with replacement; None below two markets.
    """

    profit: Profit
    by_market: Mapping[str, Decimal]
    orders: int
    turnover: Decimal
    max_drawdown: Decimal
    sharpe: float | None
    sortino: float | None
    hit_rate: float | None
    markets_decided: int
    brier: float | None
    market_brier: float | None
    scored: int
    profit_low: Decimal | None
    profit_high: Decimal | None


def performance(run: Run, replay: Replay, *, seed: int) -> Performance:
    """Judge a run that has ended. The profits by market sum to the profit of the account's ledger."""
    fees = sum((each.fee for each in run.fills), Decimal(0))
    spread = sum((each.spread_cost for each in run.fills), Decimal(0))
    by_market = _by_market(run.fills, replay)
    decided = {each.trade.market_id for each in run.fills if replay.winner(each.trade.market_id) is not None}
    earned = [profit for profit in by_market.values() if profit > 0]
    daily = _daily_changes(run.equity)
    brier, market_brier, scored = _brier(run.beliefs, replay)
    low, high = _bootstrap(list(by_market.values()), seed)
    return Performance(
        profit=Profit(run.profit, run.profit + fees + spread, -spread, -fees),
        by_market=by_market,
        orders=len(run.fills),
        turnover=sum((each.paid for each in run.fills), Decimal(0)),
        max_drawdown=_drawdown([equity for _, equity in run.equity]),
        sharpe=_ratio(daily, daily),
        sortino=_ratio(daily, [min(each, 0.0) for each in daily]),
        hit_rate=len(earned) / len(by_market) if by_market else None,
        markets_decided=len(decided),
        brier=brier,
        market_brier=market_brier,
        scored=scored,
        profit_low=low,
        profit_high=high,
    )


def _by_market(fills: Sequence[Fill], replay: Replay) -> dict[str, Decimal]:
    """By question: what the shares are worth at the end, less what they cost."""
    found: dict[str, Decimal] = {}
    for fill in fills:
        question = replay.question(fill.trade.market_id)
        worth = replay.midpoint(fill.trade.token_id) or Decimal(0)
        found[question] = found.get(question, Decimal(0)) + fill.trade.size * worth - fill.paid - fill.fee
    return found


def _drawdown(equity: Sequence[Decimal]) -> Decimal:
    """The deepest fall below an earlier height, in dollars."""
    deepest = height = Decimal(0)
    for index, value in enumerate(equity):
        height = value if index == 0 else max(height, value)
        deepest = max(deepest, height - value)
    return deepest


def _daily_changes(equity: Sequence[tuple[datetime, Decimal]]) -> list[float]:
    """Relative changes from one day of simulated time to the next; days without a look change nothing."""
    if not equity:
        return []
    changes, (mark_at, mark), last = [], equity[0], equity[0][1]
    for at, value in equity[1:]:
        while at >= mark_at + _DAY:
            changes.append(float(last / mark - 1) if mark else 0.0)
            mark_at, mark = mark_at + _DAY, last
        last = value
    return changes


def _ratio(changes: Sequence[float], risky: Sequence[float]) -> float | None:
    """Mean over the root mean square of what counts as risk, per year."""
    if len(changes) < _LEAST_DAYS:
        return None
    centre = statistics.fmean(changes) if risky is changes else 0.0
    deviation = math.sqrt(math.fsum((each - centre) ** 2 for each in risky) / (len(changes) - 1))
    return statistics.fmean(changes) / deviation * math.sqrt(_DAYS_A_YEAR) if deviation else None


def _brier(beliefs: Sequence[Belief], replay: Replay) -> tuple[float | None, float | None, int]:
    first: dict[str, Belief] = {}
    for belief in beliefs:
        if replay.winner(belief.condition_id) is not None:
            first.setdefault(belief.condition_id, belief)
    if not first:
        return None, None, 0
    ours, theirs = [], []
    for belief in first.values():
        came_true = float(replay.midpoint(belief.token_id) or 0)
        ours.append((float(belief.fair_value) - came_true) ** 2)
        theirs.append((float(belief.midpoint) - came_true) ** 2)
    return statistics.fmean(ours), statistics.fmean(theirs), len(first)


def _bootstrap(profits: Sequence[Decimal], seed: int) -> tuple[Decimal | None, Decimal | None]:
    if len(profits) < 2:
        return None, None
    rng = random.Random(seed)
    sums = sorted(sum(rng.choices(profits, k=len(profits)), Decimal(0)) for _ in range(_RESAMPLES))
    return sums[int(0.025 * _RESAMPLES)], sums[int(0.975 * _RESAMPLES)]
