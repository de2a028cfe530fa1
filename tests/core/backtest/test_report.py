"""The report of a backtest: what it holds, in which order, and that nothing in it comes from elsewhere."""

from __future__ import annotations

import copy
import json
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.backtest.report import write_report
from polydesk.core.backtest.report_contents import falls_of
from polydesk.core.backtest.report_page import report_html
from polydesk.core.backtest.verdict import verdict

START = datetime(2026, 3, 1, tzinfo=UTC)
HOSTILE = (
    '<script src="https://evil.example/x.js"></script><img src=x onerror=alert(1)> $\\frac{1}{2}$ 🎲 Will it rain?'
)


def moment(hour: int) -> str:
    return (START + timedelta(hours=hour)).isoformat()


@pytest.fixture
def told() -> dict[str, Any]:
    """The summary of a run with two fills in a market with a hostile question."""
    found: dict[str, Any] = {
        "strategy": "momentum",
        "parameters": {"window": 5.0},
        "data": "prices.csv",
        "news": None,
        "seed": 1,
        "fidelity": "bars",
        "assumption": "bars: half a spread of 0.01 dollars",
        "in_sample": False,
        "in_sample_with": [],
        "warnings": ["3 items have only the date they claim"],
        "began": moment(0),
        "ended": moment(300),
        "markets": 2,
        "looks": 300,
        "signals": 3,
        "orders": 2,
        "refused": {"too_small": 1},
        "no_signal_because": {},
        "starting_balance": 1000.0,
        "profit": {
            "total": 6.5,
            "by_cause": {"prices": 8.0, "spread": -1.0, "fees": -0.5},
            "interval_95": [-4.0, 17.0],
        },
        "doing_nothing": 0.0,
        "no_skill": {"draws": 1000, "mean": -1.2, "interval_95": [-9.0, 8.0], "beaten_by": 0.21},
        "by_market": {HOSTILE: 8.5, "Will it snow?": -2.0},
        "turnover": 90.0,
        "capacity": None,
        "max_drawdown": {
            "dollars": 12.0,
            "share": 0.012,
            "peak_at": moment(10),
            "trough_at": moment(20),
            "recovered_at": None,
        },
        "days": 13,
        "sharpe": 1.25,
        "sharpe_interval_95": [-0.5, 3.0],
        "sortino": 2.0,
        "hit_rate": 0.5,
        "markets_decided": 2,
        "brier": 0.2,
        "market_brier": 0.24,
        "forecasts_scored": 2,
        "calibration": [{"low": 0.4, "high": 0.5, "markets": 2, "said": 0.45, "came_true": 0.5}],
        "fills": [
            {
                "at": moment(5),
                "outcome": "Yes",
                "side": "BUY",
                "market_id": "0x1",
                "shares": 10.0,
                "price": 0.4,
                "fee": 0.1,
            },
            {
                "at": moment(9),
                "outcome": "No",
                "side": "BUY",
                "market_id": "0x1",
                "shares": 10.0,
                "price": 0.3,
                "fee": 0.1,
            },
        ],
        "prices": {
            "0x1": {
                "question": HOSTILE,
                "first_outcome": "Yes",
                "midpoints": [[moment(hour), 0.4 + hour / 1000] for hour in range(20)],
            }
        },
        "equity": [[moment(hour), 1000.0 + value] for hour, value in ((0, 0), (10, 4), (20, -8), (300, 6.5))],
    }
    return {**found, "conclusion": verdict(found)}


class Page(HTMLParser):
    """The headings, in their order, and everything that a browser would fetch or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.fetched: list[tuple[str, str | None]] = []
        self.charts = 0
        self.inside = ""
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.charts += tag == "svg"
        if tag in ("script", "img", "link", "iframe", "object", "use"):
            self.fetched.append((tag, None))
        self.fetched += [each for each in attrs if each[0] in ("src", "href", "srcset") or each[0].startswith("on")]

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.inside in ("h1", "h2") and data.strip():
            self.headings.append(data)


def test_assumptions_come_first_then_what_follows(told: dict[str, Any]) -> None:
    page = Page(report_html(told))
    assert page.headings[:5] == [
        "momentum: backtest 2026-03-01 to 2026-03-13",
        "What was assumed",
        "What follows from it",
        "Figures",
        "Equity in dollars",
    ]
    assert [each.split(":")[0] for each in page.headings[5:]] == [
        "Dollars below the highest so far",
        "Profit by cause, dollars",
        "Profit by market, dollars",
        "Fills on the price of",
        "Calibration",
        "Markets",
        "Fills",
    ]
    assert page.charts == 6
    for said in ("half a spread", "3 items have only", "window=5", "+6.50 dollars", "21.0% of 1000 draws", "1.25"):
        assert said in page.words


def test_the_page_fetches_nothing_and_runs_nothing(told: dict[str, Any]) -> None:
    html = report_html(told)
    assert Page(html).fetched == []
    assert "default-src 'none'" in html
    assert "url(" not in html and "@import" not in html
    assert "prefers-color-scheme: dark" in html
    assert "Will it rain?" in Page(html).words


def test_the_conclusion_is_no_bolder_than_the_figures(told: dict[str, Any]) -> None:
    said = " ".join(told["conclusion"])
    assert "not told from luck: 21%" in said
    assert "a loss is within the 95 % interval" in said
    assert "no depth" in said
    lost = copy.deepcopy(told)
    lost["profit"]["total"] = -3.0
    assert "It lost 3.00 dollars" in verdict(lost)[0]
    known = {**told, "in_sample": True, "sharpe": None, "fidelity": "l2"}
    assert any("in sample" in each for each in verdict(known))
    short = {**told, "sharpe": None, "days": 3, "brier": 0.3, "market_brier": 0.2}
    assert any("Of 3 days no Sharpe" in each for each in verdict(short))
    assert any("no better than the market's own prices" in each for each in verdict(short))
    sure = copy.deepcopy(told)
    sure["no_skill"]["beaten_by"] = 0.001
    sure["profit"]["interval_95"] = [1.0, 9.0]
    assert any("0.1% earned as much" in each for each in verdict(sure))
    assert any("2 markets are few" in each for each in verdict(sure))
    alone = copy.deepcopy(told)
    alone["profit"]["interval_95"] = None
    assert any("One market is one outcome" in each for each in verdict(alone))
    even = copy.deepcopy(told)
    even["profit"]["total"] = 0
    assert "came out even on 2 fills" in verdict(even)[0]


@pytest.mark.parametrize(
    ("refused", "because", "words"),
    [
        ({"too_small": 7}, {}, "7 were refused (too_small)"),
        ({}, {"no news": 5, "no book": 2}, "No signal, 5 times because no news"),
        ({}, {}, "No order was filled"),
    ],
)
def test_a_run_without_trades_shows_nothing(
    told: dict[str, Any], refused: dict[str, int], because: dict[str, int], words: str
) -> None:
    idle = {**told, "orders": 0, "refused": refused, "no_signal_because": because}
    (said,) = verdict(idle)
    assert words in said and "no edge and no loss" in said
    empty = {**idle, "conclusion": [said], "fills": [], "prices": {}, "by_market": {}, "calibration": []}
    empty |= {"no_skill": None, "hit_rate": None, "brier": None, "sharpe": None, "sharpe_interval_95": None}
    empty["max_drawdown"] = {"dollars": 0.0, "share": 0.0, "peak_at": None, "trough_at": None, "recovered_at": None}
    empty["equity"] = [[moment(0), 1000.0]]
    assert Page(report_html(empty)).charts == 2


def test_page_figures_and_picture_are_written(told: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    written = write_report(told, tmp_path / "new" / "folder")
    assert [each.name for each in written] == ["report.html", "report.json", "report.png"]
    assert json.loads(written[1].read_text()) == told
    header = written[2].read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(header[16:20]) == 1200
    again = write_report(told, tmp_path / "again")
    assert [each.read_bytes() for each in again] == [each.read_bytes() for each in written]


def test_without_matplotlib_the_page_is_written_all_the_same(
    told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert [each.name for each in write_report(told, tmp_path)] == ["report.html", "report.json"]


def test_falls_are_from_the_highest_so_far() -> None:
    assert falls_of([(0, 5.0), (1, 7.0), (2, 4.0), (3, 8.0)]) == [(0, 0), (1, 0), (2, -3.0), (3, 0)]
