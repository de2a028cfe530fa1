"""What a run earned, why, and whether that is more than luck."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..forecasting.scoring import CalibrationBin
from ..identifiers import ConditionId
from .fills import Fill
from .no_skill import Bet, NoSkill, QuoteLog, no_skill
from .profit import Profit, profit_by_market, profit_of
from .replay import Replay
from .returns import Drawdown, daily_changes, sharpe_ratio, sortino_ratio, worst_drawdown
from .run import Belief, Run
from .significance import Interval, block_bootstrap


@dataclass(frozen=True, slots=True)
class Performance:
    """Figures of one run. `sharpe` and `sortino` are yearly, of `daily_changes` of equity, None of too few days.

    `by_market` is by question. `hit_rate` is the share of traded markets that earned, with `markets_decided` those
    whose outcome is known. `brier` is of the strategy's beliefs in markets that ended, `market_brier` of the midpoints
    then; one market counts once, with its first belief, also in `calibration` (by tenths of what was believed).
    Intervals hold 95 %: `profit_by_markets` in dollars when traded markets are drawn again with replacement,
    `sharpe_interval` by the circular block bootstrap of days. `no_skill` is what the same trades earn at random
    moments on random sides.
    """

    profit: Profit
    by_market: Mapping[str, Decimal]
    orders: int
    turnover: Decimal
    drawdown: Drawdown
    daily_changes: tuple[float, ...]
    sharpe: float | None
    sortino: float | None
    sharpe_interval: Interval | None
    hit_rate: float | None
    markets_decided: int
    brier: float | None
    market_brier: float | None
    scored: int
    calibration: tuple[CalibrationBin, ...]
    profit_by_markets: Interval | None
    no_skill: NoSkill | None


def performance(run: Run, replay: Replay, *, quotes: QuoteLog, seed: int) -> Performance:
    """Judge a run that has ended. Its profit, by cause and by market, is the exchange's ledger to the millionth.

    `quotes` are the prices of the run's looks, for the comparison with trades without skill. Raises RuntimeError if
    the ledger disagrees, which would be a fault of this program.
    """
    profit = profit_of(run.fills, last_midpoint=replay.last_midpoint, worth=replay.worth_of, rewards=replay.rewards())
    if profit.total != run.profit:
        raise RuntimeError(f"the fills have brought {profit.total} dollars, the exchange's ledger says {run.profit}")
    by_condition = profit_by_market(run.fills, worth=replay.worth_of)
    by_market = {name: by_condition[each] for each, name in _names(by_condition, replay).items()}
    decided = {each.trade.market_id for each in run.fills if replay.winner(each.trade.market_id) is not None}
    earned = [profit for profit in by_market.values() if profit > 0]
    daily = daily_changes(run.equity)
    beliefs = _decided(run.beliefs, replay)
    return Performance(
        profit=profit,
        by_market=by_market,
        orders=len({each.trade.order_id for each in run.fills}),
        turnover=sum((each.cash for each in run.fills), Decimal(0)),
        drawdown=worst_drawdown(run.equity),
        daily_changes=tuple(daily),
        sharpe=sharpe_ratio(daily),
        sortino=sortino_ratio(daily),
        sharpe_interval=block_bootstrap(daily, sharpe_ratio, seed=seed),
        hit_rate=len(earned) / len(by_market) if by_market else None,
        markets_decided=len(decided),
        brier=_mean((said - came_true) ** 2 for said, _, came_true in beliefs),
        market_brier=_mean((price - came_true) ** 2 for _, price, came_true in beliefs),
        scored=len(beliefs),
        calibration=tuple(_bins([(said, came_true) for said, _, came_true in beliefs])),
        profit_by_markets=block_bootstrap([float(each) for each in by_market.values()], sum, seed=seed, block=1),
        no_skill=no_skill(
            [_bet(each) for each in run.fills if each.bought > 0],
            quotes,
            replay.worth_of_first,
            profit=float(run.profit),
            seed=seed,
        ),
    )


def _names(condition_ids: Iterable[ConditionId], replay: Replay) -> dict[ConditionId, str]:
    """Questions; those that several markets share are told with the beginning of the condition id."""
    questions = {each: replay.question(each) for each in condition_ids}
    often = Counter(questions.values())
    return {each: f"{asked} [{each[:10]}]" if often[asked] > 1 else asked for each, asked in questions.items()}


def _bet(fill: Fill) -> Bet:
    price, shares = float(fill.trade.price), float(fill.trade.size)
    variance = price * (1 - price)
    return Bet(fill.trade.market_id, shares, float(fill.fee) / (shares * variance) if variance else 0.0)


def _decided(beliefs: Sequence[Belief], replay: Replay) -> list[tuple[float, float, float]]:
    """What was believed, the midpoint then, and 1 or 0: of the first belief in each market that has ended."""
    first: dict[str, Belief] = {}
    for belief in beliefs:
        if replay.winner(belief.condition_id) is not None:
            first.setdefault(belief.condition_id, belief)
    return [
        (float(each.fair_value), float(each.midpoint), float(replay.midpoint(each.token_id) or 0))
        for each in first.values()
    ]


def _bins(pairs: Sequence[tuple[float, float]]) -> Iterator[CalibrationBin]:
    for tenth in range(10):
        inside = [pair for pair in pairs if min(int(pair[0] * 10), 9) == tenth]
        if inside:
            said, came_true = zip(*inside, strict=True)
            yield CalibrationBin(
                tenth / 10, (tenth + 1) / 10, len(inside), statistics.fmean(said), statistics.fmean(came_true)
            )


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.fmean(found) if found else None
