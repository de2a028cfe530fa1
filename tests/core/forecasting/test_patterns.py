"""Histories with holes become bars on one clock, without a look ahead."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from polydesk.core.errors import InputRejected
from polydesk.core.forecasting.patterns import PatternSeries, find_patterns
from polydesk.core.identifiers import TokenId
from polydesk.core.models import PriceHistory, PricePoint
from polydesk.gpu.executors.inline import InlineExecutor
from polydesk.gpu.interface import Executor

DAY = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def executor() -> AsyncIterator[Executor]:
    async with InlineExecutor() as executor:
        yield executor


def history(*points: tuple[float, float]) -> PriceHistory:
    """Points of (hours after the day's beginning, price)."""
    return PriceHistory(
        TokenId("1"),
        tuple(PricePoint(DAY + hours * HOUR, Decimal(str(round(price, 4)))) for hours, price in points),
        DAY,
    )


def wave(hours: int, *, phase: float = 0.0, skip: range = range(0)) -> PriceHistory:
    return history(
        *((hour + 0.25, 0.5 + 0.2 * math.sin(hour / 3 + phase)) for hour in range(hours) if hour not in skip)
    )


async def test_a_wave_is_found_in_its_own_past_and_in_others(executor: Executor) -> None:
    outlook = await find_patterns(
        executor,
        latest=PatternSeries("mine", "mine", wave(200)),
        others=[PatternSeries("other", "other", wave(150, phase=1.0, skip=range(60, 90)))],
        step=HOUR,
        length=12,
        horizon=3,
        tick=Decimal("0.01"),
        count=8,
        seed=1,
    )
    assert not outlook.flat
    assert {match.name for match in outlook.matches} == {"mine", "other"}
    assert all(match.correlation > Decimal("0.95") for match in outlook.matches)
    assert all(match.ended + 3 * HOUR < outlook.began for match in outlook.matches)
    # A bar is the last price known at its hour, here that of a quarter past the hour before.
    assert outlook.ended == DAY + 199 * HOUR
    assert outlook.outcome and outlook.base and outlook.outcome.count == 8
    assert outlook.p_value is not None and outlook.p_value > 0
    for match in outlook.matches:
        if match.name == "other":
            assert not DAY + 64 * HOUR < match.ended < DAY + 100 * HOUR


async def test_a_price_that_stands_still_has_no_pattern(executor: Executor) -> None:
    still = history(*((hour, 0.5) for hour in range(40)))
    outlook = await find_patterns(
        executor,
        latest=PatternSeries("mine", "mine", still),
        others=[],
        step=HOUR,
        length=8,
        horizon=2,
        tick=Decimal("0.01"),
        seed=1,
    )
    assert outlook.flat and outlook.matches == () and outlook.p_value is None


@pytest.mark.parametrize("latest", [history(), history((0, 0.5), (30, 0.6)), wave(5)])
async def test_too_little_history_is_refused(executor: Executor, latest: PriceHistory) -> None:
    with pytest.raises(InputRejected, match="not all known"):
        await find_patterns(
            executor,
            latest=PatternSeries("mine", "mine", latest),
            others=[],
            step=HOUR,
            length=8,
            horizon=2,
            tick=Decimal("0.01"),
            seed=1,
        )
