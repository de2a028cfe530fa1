"""Figures of an equity curve, by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from polydesk.core.backtest.returns import daily_changes, falls, sharpe_ratio, sortino_ratio, worst_drawdown

D = Decimal
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def curve(*values: str, step: timedelta = DAY) -> list[tuple[datetime, Decimal]]:
    return [(START + number * step, D(value)) for number, value in enumerate(values)]


def test_days_are_counted_on_the_simulated_clock_and_the_begun_last_one_counts() -> None:
    assert daily_changes(curve("100", "110", "99")) == pytest.approx([0.1, -0.1])
    hourly = curve("100", *["100"] * 22, "105", "120", "126", step=timedelta(hours=1))
    assert daily_changes(hourly) == pytest.approx([0.2, 0.05])
    assert daily_changes([(START, D(100)), (START + 3 * DAY, D(110))]) == pytest.approx([0, 0, 0.1])
    assert daily_changes([]) == []


def test_ratios_are_yearly() -> None:
    changes = [0.01, -0.01, 0.03, 0.01, 0.01, -0.02, 0.01, 0.02, 0.0, 0.04]
    # The mean is 0.01; squared deviations sum to 0.0028, so the deviation is sqrt(0.0028 / 9).
    assert sharpe_ratio(changes) == pytest.approx(0.01 / math.sqrt(0.0028 / 9) * math.sqrt(365))
    assert sortino_ratio(changes) == pytest.approx(0.01 / math.sqrt((0.01**2 + 0.02**2) / 10) * math.sqrt(365))


@pytest.mark.parametrize("changes", [[0.01] * 9, [0.01] * 20])
def test_too_few_days_or_no_variation_have_no_ratio(changes: list[float]) -> None:
    assert (sharpe_ratio(changes), sortino_ratio(changes)) == (None, None)


def test_the_deepest_fall_has_its_dates() -> None:
    fall = worst_drawdown(curve("100", "120", "90", "110", "125", "115"))
    assert (fall.dollars, fall.share) == (D(30), 0.25)
    assert (fall.peak_at, fall.trough_at, fall.recovered_at) == (START + DAY, START + 2 * DAY, START + 4 * DAY)
    lasting = worst_drawdown(curve("100", "120", "90", "119"))
    assert (lasting.dollars, lasting.recovered_at) == (D(30), None)
    never = worst_drawdown(curve("100", "100", "101"))
    assert (never.dollars, never.peak_at) == (D(0), None)
    assert worst_drawdown([]).dollars == 0


def test_a_later_deeper_fall_replaces_an_earlier_one() -> None:
    fall = worst_drawdown(curve("100", "95", "100", "130", "110", "130"))
    assert (fall.dollars, fall.peak_at, fall.recovered_at) == (D(20), START + 3 * DAY, START + 5 * DAY)
    assert [below for _, below in falls(curve("100", "95", "130", "110"))] == [D(0), D(-5), D(0), D(-20)]
