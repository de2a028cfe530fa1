"""Choosing among sets of parameters: by what, how much is luck, and that only what was not used counts as new."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.backtest.bars import BarAssumptions, bar_recording
from polydesk.core.backtest.price_series import read_price_series
from polydesk.core.backtest.returns import daily_sharpe_ratio
from polydesk.core.backtest.significance import kurtosis_of, probabilistic_sharpe, skewness_of
from polydesk.core.backtest.sweep import SweptRun, grid, judge
from polydesk.core.backtest.windows import between, span_of, windows
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.replay.moments import BookMoment, LevelMoment, ResolutionMoment, TickMoment
from polydesk.core.exchange.replay.recording import Recording

D = Decimal


def run(name: int, window: int, profit: float, changes: tuple[float, ...] = ()) -> SweptRun:
    told: dict[str, Any] = {"profit": {"total": profit}, "in_sample": False, "orders": 1, "sharpe": None}
    return SweptRun({"a": D(name)}, window, told, changes)


def test_every_combination_is_tried_once() -> None:
    assert grid({"a": [D(1), D(2)], "b": [D(3), D(4)]}) == [
        {"a": D(1), "b": D(3)},
        {"a": D(1), "b": D(4)},
        {"a": D(2), "b": D(3)},
        {"a": D(2), "b": D(4)},
    ]
    with pytest.raises(ConfigurationError, match="1001 sets"):
        grid({"a": [D(number) for number in range(1001)]})
    with pytest.raises(ConfigurationError, match="no values"):
        grid({"a": []})


def test_what_is_chosen_in_a_window_is_judged_in_the_next() -> None:
    runs = [run(1, 0, 5), run(2, 0, 3), run(1, 1, -4), run(2, 1, 9), run(1, 2, 7), run(2, 2, 1)]
    verdict = judge(runs, in_sample=False)
    assert [(int(fold.chosen["a"]), fold.chosen_profit, fold.next_profit) for fold in verdict.folds] == [
        (1, 5, -4),
        (2, 9, 1),
    ]
    assert (verdict.out_of_sample_profit, verdict.best, verdict.tried, verdict.criterion) == (-3, None, 2, "profit")
    assert judge(list(reversed(runs)), in_sample=False).folds == verdict.folds


def test_days_out_of_sample_are_deflated_too() -> None:
    rng = random.Random(4)
    means = {1: 0.008, 2: 0.0, 3: -0.002, 4: 0.001}
    runs = [
        run(name, window, mean, tuple(rng.gauss(mean, 0.01) for _ in range(20)))
        for window in range(4)
        for name, mean in means.items()
    ]
    verdict = judge(runs, in_sample=False)
    assert [fold.chosen["a"] for fold in verdict.folds] == [1, 1, 1]
    changes = [change for each in runs if each.parameters["a"] == 1 and each.window for change in each.daily_changes]
    ratio = daily_sharpe_ratio(changes)
    assert ratio is not None and verdict.out_of_sample_deflated_sharpe is not None
    # Luck alone would leave the best of four above 0: less is left than of a ratio that nothing was chosen for.
    alone = probabilistic_sharpe(
        ratio, 0, observations=60, skewness=skewness_of(changes), kurtosis=kurtosis_of(changes)
    )
    assert 0.5 < verdict.out_of_sample_deflated_sharpe < alone
    assert judge(runs, in_sample=True).out_of_sample_deflated_sharpe is None
    assert judge([each for each in runs if not each.window], in_sample=False).out_of_sample_deflated_sharpe is None


def test_the_best_of_many_lucky_sets_is_deflated_and_one_with_skill_stays() -> None:
    rng = random.Random(2)
    lucky = [run(name, 0, 1, tuple(rng.gauss(0, 0.01) for _ in range(60))) for name in range(40)]
    verdict = judge(lucky, in_sample=False)
    assert verdict.criterion == "Sharpe ratio"
    assert verdict.deflated_sharpe is not None and verdict.deflated_sharpe < 0.9
    assert verdict.overfitting is not None and verdict.overfitting > 0.2
    skilled = [*lucky, run(99, 0, 1, tuple(rng.gauss(0.012, 0.01) for _ in range(60)))]
    verdict = judge(skilled, in_sample=False)
    assert verdict.best is not None and verdict.best.parameters == {"a": 99}
    assert verdict.deflated_sharpe is not None and verdict.deflated_sharpe > 0.99
    withheld = judge(skilled, in_sample=True)
    assert (withheld.deflated_sharpe, withheld.overfitting, withheld.out_of_sample_sharpe) == (None, None, None)


def test_runs_that_failed_are_counted_and_left_out() -> None:
    verdict = judge([run(1, 0, 5), SweptRun({"a": D(2)}, 0, {}, (), "no such thing")], in_sample=False)
    assert (verdict.tried, verdict.failed) == (2, 1)
    assert verdict.best is not None and verdict.best.parameters == {"a": 1}
    nothing = judge([SweptRun({"a": D(2)}, 0, {}, (), "no such thing")], in_sample=False)
    assert (nothing.best, nothing.failed, nothing.criterion) == (None, 1, "profit")


def recording() -> Recording:
    rows = [{"t": 1_950_000_000 + 100 * at, "market_id": market, "price": 0.4 + at / 100, "yes_won": 1}
            for market, count in (("long", 10), ("short", 4)) for at in range(count)]  # fmt: skip
    return bar_recording(read_price_series(rows), BarAssumptions())


def test_windows_share_nothing_and_hold_everything() -> None:
    whole = recording()
    first, last = span_of(whole)
    edges = windows(first, last, 3)
    assert (edges[0][0], edges[-1][1]) == (first, last + 1)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(edges))
    parts = [between(whole, *each) for each in edges]
    later = [each for part in parts for each in part.moments if each in whole.moments]
    assert len(later) == len(whole.moments)
    # What was decided in an earlier window is no market of a later one.
    assert [len(part.catalogue.markets) for part in parts] == [2, 2, 1]
    with pytest.raises(ConfigurationError, match="Nothing happened"):
        between(whole, last + 10, last + 20)


def test_a_window_begins_with_the_book_as_it_stood() -> None:
    whole = recording()
    market = str(whole.catalogue.markets[0].gamma["conditionId"])
    token = next(iter(each.token_id for each in whole.moments if isinstance(each, BookMoment)))
    moments = (
        BookMoment(10, market, token, {4000: 5, 3900: 7}, {4200: 6}),
        TickMoment(11, market, 10),
        LevelMoment(20, market, ((token, "BUY", 4000, 0), ("other", "SELL", 6000, 0), (token, "SELL", 4100, 9))),
        LevelMoment(21, market, (("other", "BUY", 5800, 3),)),
        LevelMoment(30, market, ((token, "BUY", 4050, 1),)),
        ResolutionMoment(40, market, token),
    )
    small = Recording(whole.catalogue, moments, frozenset({token}))
    part = between(small, 25, 35)
    assert part.moments == (
        TickMoment(25, market, 10),
        BookMoment(25, market, token, {3900: 7}, {4200: 3, 4100: 9}),
        moments[4],
    )
    with pytest.raises(ConfigurationError, match="Nothing happens"):
        span_of(Recording(whole.catalogue, (), frozenset()))
