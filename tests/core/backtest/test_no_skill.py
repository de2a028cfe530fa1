"""Random traders with the same bets: what they earn by closed forms, and that they are the same each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from polydesk.core.backtest.no_skill import Bet, QuoteLog, no_skill

START = datetime(2026, 3, 1, tzinfo=UTC)


def log(*quotes: tuple[float, float], market: str = "rain") -> QuoteLog:
    found = QuoteLog()
    for number, (bid, ask) in enumerate(quotes):
        assert found.due()
        found.note(START + timedelta(hours=number), {market: (bid, ask)})
    return found


def test_a_coin_pays_the_spread_and_the_fee() -> None:
    quotes = log((0.39, 0.41), (0.59, 0.61))
    bets = [Bet("rain", 10, 0.05)] * 50
    found = no_skill(bets, quotes, lambda market: 1.0, profit=100, seed=1)
    assert found is not None
    # A bet loses half the spread and the fee on average: 10 x (0.01 + 0.05 x 0.24).
    assert found.mean == pytest.approx(-50 * 10 * (0.01 + 0.05 * 0.24), abs=6)
    assert found.interval.low < found.mean < found.interval.high
    assert found.beaten_by < 0.05
    assert found == no_skill(bets, quotes, lambda market: 1.0, profit=100, seed=1)
    assert found != no_skill(bets, quotes, lambda market: 1.0, profit=100, seed=2)


def test_who_earns_what_a_coin_does_is_beaten_by_about_half() -> None:
    found = no_skill([Bet("rain", 10, 0.0)] * 21, log((0.5, 0.5)), lambda market: 1.0, profit=0, seed=1)
    assert found is not None
    assert found.beaten_by == pytest.approx(0.5, abs=0.06)


def test_bets_whose_market_nothing_is_known_of_are_left_out() -> None:
    quotes = log((0.4, 0.42))
    assert no_skill([Bet("snow", 10, 0.0)], quotes, lambda market: 1.0, profit=0, seed=1) is None
    assert no_skill([Bet("rain", 10, 0.0)], quotes, lambda market: None, profit=0, seed=1) is None
    assert no_skill([], quotes, lambda market: 1.0, profit=0, seed=1) is None


def test_a_long_run_keeps_some_moments_of_its_whole_length() -> None:
    quotes = QuoteLog(most=10)
    for number in range(1000):
        if quotes.due():
            quotes.note(START + timedelta(minutes=number), {"rain": (0.4, 0.5)})
    kept = [at for at, _, _ in quotes.of("rain")]
    assert 5 <= len(kept) <= 10
    assert kept == sorted(kept)
    assert kept[0] == START
    assert kept[-1] > START + timedelta(minutes=800)
    assert quotes.of("snow") == []
