"""Strategies on prices whose answer is known: they earn what was planted, and leave alone what has no memory."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.backtest.bars import BarAssumptions, bar_recording
from polydesk.core.backtest.price_series import PriceRow, PriceSeries
from polydesk.core.backtest.reference_prices import RecordedReference
from polydesk.core.backtest.run import Run, run_strategy
from polydesk.core.backtest.surroundings import replay_surroundings
from polydesk.core.models import PricePoint
from polydesk.core.money import from_micro
from polydesk.core.strategies.registry import strategy_class
from polydesk.server.replay_desk import TOKEN_PREFIX, replay_desk

D = Decimal
START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def series_of(
    prices: Sequence[float], *, key: str, question: str = "", event: str = "", won: bool | None = None
) -> PriceSeries:
    rows = [
        PriceRow(int((START + number * HOUR).timestamp() * 1000), round(D(str(price)), 3))
        for number, price in enumerate(prices)
    ]
    ends = START + len(prices) * HOUR
    return PriceSeries(key, question or f"Will {key} happen?", event or key, ends, won, rows)


async def _lived(
    name: str,
    series: Sequence[PriceSeries],
    *,
    half_spread: str = "0.005",
    fee_rate: str = "0",
    reference: Sequence[PricePoint] = (),
    **parameters: Any,
) -> Run:
    assumptions = BarAssumptions(half_spread=D(half_spread), fee_rate=D(fee_rate))
    recording = bar_recording(series, assumptions)
    async with replay_desk(recording, starting_balance=D(1000), seed=1) as (replay, desk, execution):
        kind = strategy_class(name)
        surroundings = replay_surroundings(
            replay,
            desk,
            execution,
            prefix=TOKEN_PREFIX,
            seed=1,
            reference=RecordedReference({"BTC": reference}, replay.clock) if reference else None,
        )
        strategy = kind.of(surroundings, kind.declaration.read_parameters(parameters))
        run = await run_strategy(strategy, replay, Run(D(1000)), every=HOUR)
        if not any(holding.size for holding in replay.account.positions.values()):
            assert from_micro(replay.account.cash) == D(1000) + run.profit  # the ledger says the same
        return run


def lived(name: str, *series: PriceSeries, **given: Any) -> Run:
    return asyncio.run(_lived(name, series, **given))


def walk(seed: int, *, steps: int = 240, step: float = 0.08, start: float = 0.0) -> list[float]:
    """Prices whose log-odds take independent steps."""
    rng, level, prices = random.Random(seed), start, []
    for _ in range(steps):
        prices.append(1 / (1 + math.exp(-level)))
        level += rng.gauss(0, step)
    return prices


def drifting(seed: int) -> list[float]:
    """From 0.27 to 0.82 by the same small step every hour, with little noise around it."""
    rng = random.Random(seed)
    return [1 / (1 + math.exp(-(-1.0 + 0.0105 * hour + rng.gauss(0, 0.005)))) for hour in range(240)]


def swinging(seed: int, *, centre: float = 0.0) -> list[float]:
    """Log-odds that are pulled back to their centre by half in an hour."""
    rng, level, prices = random.Random(seed), centre, []
    for _ in range(240):
        prices.append(1 / (1 + math.exp(-level)))
        level += -0.5 * (level - centre) + rng.gauss(0, 0.25)
    return prices


def test_five_cents_that_were_planted_are_earned() -> None:
    # Above 100,000 implies above 90,000 and costs more all the same: Yes at 0.405 and No at 0.545 pay a dollar.
    quiet = [0.40] * 10
    wide = series_of(quiet, key="wide", question="Will Bitcoin be above $90,000 on March 5?", event="btc", won=True)
    for narrow_won in (True, False):
        narrow = series_of(
            [0.40, 0.40, *[0.46] * 8],
            key="narrow",
            question="Will Bitcoin be above $100,000 on March 5?",
            event="btc",
            won=narrow_won,
        )
        run = lived("arbitrage", wide, narrow, largest_basket_usd=95)
        shares = {fill.trade.size for fill in run.fills[:2]}
        assert len(shares) == 1
        assert sum(fill.trade.price for fill in run.fills[:2]) == D("0.95")
        earned = run.profit / sum((fill.trade.size for fill in run.fills), D(0)) * 2
        assert earned >= D("0.05")  # exactly five cents a set, or a dollar more where both legs pay


@pytest.mark.parametrize(("name", "made"), [("momentum", drifting), ("mean_reversion", swinging)])
@pytest.mark.parametrize("seeds", [(1,), pytest.param((1, 2, 3), marks=pytest.mark.takeover)])
def test_a_planted_tendency_is_earned(name: str, made: Any, seeds: tuple[int, ...]) -> None:
    hours = 2 if made is swinging else 6
    runs = [lived(name, series_of(made(seed), key=f"it{seed}"), window_hours=hours) for seed in seeds]
    assert all(run.fills for run in runs)
    assert sum(run.profit for run in runs) > 0


def test_momentum_is_not_reversion() -> None:
    assert not lived("mean_reversion", series_of(drifting(1), key="up")).fills
    assert not lived("momentum", series_of(swinging(1), key="swing"), window_hours=2).fills


def test_a_gap_between_tied_markets_is_earned() -> None:
    rng, common, prices_a, prices_b, gap = random.Random(5), 0.0, [], [], 0.0
    for _ in range(240):
        common += rng.gauss(0, 0.03)
        gap += -0.3 * gap + rng.gauss(0, 0.12)
        prices_a.append(1 / (1 + math.exp(-common)))
        prices_b.append(1 / (1 + math.exp(-(common + gap))))
    run = lived(
        "statistical_arbitrage",
        series_of(prices_a, key="a", event="one"),
        series_of(prices_b, key="b", event="one"),
        enter_z=2,
    )
    assert run.fills
    assert run.profit > 0


@pytest.mark.parametrize("hours", [60, pytest.param(120, marks=pytest.mark.takeover)])
def test_moves_against_the_others_that_turn_back_are_earned_on_both_sides(hours: int) -> None:
    panel = [series_of(swinging(seed)[:hours], key=f"m{seed}") for seed in range(6)]
    run = lived("market_neutral", *panel, window_hours=3)
    bought = {fill.trade.outcome for fill in run.fills if fill.trade.side == "BUY"}
    assert bought == {"Yes", "No"}
    assert run.profit > 0


def coin(seed: int, *, hours: int, volatility: float = 0.5) -> list[float]:
    rng, price, prices = random.Random(seed), 100_000.0, []
    for _ in range(hours):
        prices.append(price)
        price *= math.exp(rng.gauss(0, volatility / math.sqrt(365 * 24)))
    return prices


def test_a_band_that_is_far_too_cheap_is_bought_and_pays_on_average() -> None:
    profits = []
    for seed in range(6):
        past = coin(seed, hours=24 * 8)
        points = [
            PricePoint(START - timedelta(days=7) + number * HOUR, D(str(round(price, 2))))
            for number, price in enumerate(past)
        ]
        low, high = sorted((0.9 * past[24 * 7], 1.1 * past[24 * 7]))  # about nine in ten by the coin's own volatility
        question = f"Will the price of Bitcoin be between ${low:,.0f} and ${high:,.0f} on March 2?"
        band = series_of([0.5] * 24, key=f"band{seed}", question=question, won=low < past[-1] < high)
        run = lived("option_ladder", band, reference=points)
        assert run.fills
        profits.append(run.profit)
    assert sum(profits) > 0


def test_an_ensemble_listens_to_the_member_that_was_right() -> None:
    run = lived("ensemble", series_of(drifting(4), key="up"))
    assert run.fills
    assert {fill.trade.outcome for fill in run.fills if fill.trade.side == "BUY"} == {"Yes"}
    assert run.profit > 0


@pytest.mark.parametrize(
    "name", ["momentum", "mean_reversion", "statistical_arbitrage", "market_neutral", "arbitrage", "ensemble"]
)
@pytest.mark.parametrize(("count", "steps"), [(2, 120), pytest.param(8, 240, marks=pytest.mark.takeover)])
def test_prices_without_memory_are_left_alone(name: str, count: int, steps: int) -> None:
    markets = [series_of(walk(seed, steps=steps), key=f"m{seed}", event=f"e{seed // 4}") for seed in range(count)]
    run = lived(name, *markets, half_spread="0.01", fee_rate="0.05")
    assert run.looks >= steps
    assert not run.fills
