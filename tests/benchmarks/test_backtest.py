"""The backtest benchmark plays a looped recording on our desk, and says so where the other package is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import backtest
from benchmarks.breakout import Breakout
from benchmarks.looped_recording import looped
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.core.exchange.replay.timeline import timeline_of


def test_without_the_other_package_ours_is_measured_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(backtest, "DATA", tmp_path / "absent")
    monkeypatch.setattr(backtest, "EVENTS", 2_000)
    monkeypatch.setenv("POLYDESK_PAPER_TRADER_PYTHON", str(tmp_path / "python"))
    result = backtest.run()
    assert result.about.startswith("btc_updown_15m, looped")
    assert result.about.endswith("polymarket-paper-trader could not be run: FileNotFoundError")
    assert result.measured["ours: events"] >= 2_000 * 0.9
    assert list(result.ratios) == ["events a second / 100,000"]


def test_both_follow_one_rule_on_the_same_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"seconds": 2.0, "snapshots": 500, "trades": 4, "errors": 0}
    given: list[tuple[str, float]] = []
    monkeypatch.setattr(backtest, "DATA", backtest.SAMPLE)
    monkeypatch.setattr(backtest, "EVENTS", 1)

    def paper_trader(rows: list[tuple[str, float]]) -> dict[str, float]:
        given.extend(rows)
        return told

    monkeypatch.setattr(backtest, "paper_trader", paper_trader)
    result = backtest.run()
    assert result.measured["polymarket-paper-trader: snapshots a second"] == 250
    assert len(given) == result.measured["ours: moments looked at"]


def test_copies_of_a_recording_are_other_markets_one_after_another() -> None:
    once = read_recording([backtest.SAMPLE])
    thrice = looped(once, 3)
    events = timeline_of(once).events_before(len(timeline_of(once)))
    steps = timeline_of(thrice)
    assert steps.events_before(len(steps)) == 3 * events
    assert len({market.gamma["conditionId"] for market in thrice.catalogue.markets}) == 3
    assert list(steps.times_ms) == sorted(steps.times_ms)


def test_the_rule_buys_a_break_out_and_sells_it_once() -> None:
    rule = Breakout()
    prices = [0.5] * 120 + [0.7] * 10 + [0.4] * 10 + [0.9] * 200
    assert [side for price in prices if (side := rule.side(price))] == ["buy", "sell"]
