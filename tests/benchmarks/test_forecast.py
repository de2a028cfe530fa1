"""The forecast benchmark tells scores of model and market, or that there was nothing to measure on."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import forecast


def test_without_resolved_markets_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(forecast, "DATA", tmp_path / "absent")
    result = forecast.run()
    assert result.about.startswith("not measured")
    assert not result.measured


def test_each_later_event_is_scored_beside_the_price(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = [
        f"2026-01-{day:02d}T{hour:02d}:00:00Z,2026-01-{day:02d}T{hour:02d}:30:00Z,{day * 24 + hour},0.{60 + hour},"
        f"{int(hour % 3 > 0)}"
        for day in range(1, 11)
        for hour in range(12)
    ]
    (tmp_path / "prices.csv").write_text("\n".join(["at,ends_at,market_id,price,outcome", *rows]), encoding="utf-8")
    monkeypatch.setattr(forecast, "DATA", tmp_path)
    monkeypatch.setattr(forecast, "SETS", ("prices.csv",))
    result = forecast.run()
    assert result.measured["all later events: events"] == 48
    assert 0 < result.measured["all later events: Brier score, market"] < 0.5
    assert 0.5 < result.ratios["Brier score on all later events, model / market price"] < 2
