"""The report of a sweep: the choice with its luck, windows one after another, and nobody's words as code."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from polydesk.core.backtest.sweep_page import sweep_html

HOSTILE = "<script>alert(1)</script>.csv"


@pytest.fixture
def told() -> dict[str, Any]:
    """Two sets on the whole."""
    return {
        "strategy": "momentum",
        "data": HOSTILE,
        "news": None,
        "seed": 1,
        "fixed": {"largest_order_usd": 50.0},
        "starting_balance": 1000.0,
        "fidelity": "bars",
        "assumption": "half a spread of 0.01 dollars",
        "began": "2031-05-01T00:00:00+00:00",
        "ended": "2031-05-11T00:00:00+00:00",
        "windows": [["2031-05-01T00:00:00+00:00", "2031-05-11T00:00:00+00:00"]],
        "tried": 2,
        "failed": 1,
        "stopped": False,
        "in_sample": False,
        "chosen_by": "profit",
        "best": {"window_hours": 6.0},
        "best_profit": 12.5,
        "deflated_sharpe": 0.61,
        "overfitting": 0.4,
        "out_of_sample_profit": None,
        "out_of_sample_sharpe": None,
        "out_of_sample_deflated_sharpe": None,
        "folds": [],
        "runs": [
            {"parameters": {"window_hours": 6.0}, "window": 0, "problem": "", "profit": 12.5, "orders": 3,
             "sharpe": 1.2},
            {"parameters": {"window_hours": 0.0}, "window": 0, "problem": "<b>no</b>", "profit": None, "orders": None,
             "sharpe": None},
        ],
        "conclusion": ["2 sets were tried, chosen by profit."],
    }  # fmt: skip


def test_the_choice_stands_with_its_luck_and_every_run(told: dict[str, Any]) -> None:
    page = sweep_html(told)
    for said in ("window_hours=6", "+12.50", "61.0%", "40.0%", "largest_order_usd=50", "Dollars by set"):
        assert said in page
    assert "&lt;script&gt;" in page and "&lt;b&gt;no&lt;/b&gt;" in page
    for code in ("<script", "<b>", "http://", "https://", "src="):
        assert code not in page
    assert "default-src 'none'" in page
    assert "Window by window" not in page


def test_windows_are_told_one_after_another(told: dict[str, Any]) -> None:
    edges = [f"2031-05-{day:02}T00:00:00+00:00" for day in (1, 4, 7, 10)]
    folds = [
        {"window": window, "chosen": {"window_hours": 6.0}, "profit_where_chosen": 3.0, "profit_after": after}
        for window, after in ((0, -1.5), (1, 4.25))
    ]
    page = sweep_html(
        {
            **told,
            "windows": list(itertools.pairwise(edges)),
            "best": None,
            "best_profit": None,
            "deflated_sharpe": None,
            "folds": folds,
            "out_of_sample_profit": 2.75,
            "out_of_sample_deflated_sharpe": 0.335,
        }
    )
    for said in ("Window by window", "2031-05-04 00:00 to 2031-05-07 00:00", "-1.50", "+4.25", "+2.75", "33.5%"):
        assert said in page
    assert "best on the whole" not in page


def test_a_sweep_that_was_stopped_at_once_has_a_page(told: dict[str, Any]) -> None:
    assert "</html>" in sweep_html({**told, "runs": [], "best": None, "best_profit": None})
