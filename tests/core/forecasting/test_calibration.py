"""The correction of prices is small, symmetric, and knows what it was fitted on."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.forecasting.calibration import (
    FEATURES,
    calibration_from,
    group_of,
    log_odds_of,
    probability_of,
    published_tables,
    shipped_calibration,
)


def test_the_weights_say_what_they_were_fitted_on() -> None:
    shipped = shipped_calibration()
    assert len(shipped.coefficients) == len(shipped.covariance) == len(FEATURES)
    assert shipped.data
    for each in shipped.data:
        assert each.rows >= each.events > 0
        assert each.begins <= each.ends <= shipped.fitted_on
        assert all(len(digest) == 64 for digest in each.sha256)
    assert shipped.measured.events >= 30
    assert shipped.measured.gain == pytest.approx(shipped.measured.market_brier - shipped.measured.brier, abs=2e-5)


def test_weights_of_other_features_are_refused() -> None:
    raw = json.loads(files("polydesk.core.forecasting").joinpath("weights", "fair_value.json").read_text())
    with pytest.raises(ValueError, match="other features"):
        calibration_from(raw | {"features": ["log_odds"]})


@given(
    price=st.floats(0.001, 0.999),
    group=st.sampled_from(["sports", "crypto", "politics", "other"]),
    days=st.none() | st.floats(0.001, 3000),
    is_yes=st.sampled_from([-1.0, 0.0, 1.0]),
)
def test_the_two_outcomes_of_a_market_agree(price: float, group: str, days: float | None, is_yes: float) -> None:
    shipped = shipped_calibration()
    one = shipped.probability(price, group=group, days=days, is_yes=is_yes)  # type: ignore[arg-type]
    other = shipped.probability(1 - price, group=group, days=days, is_yes=-is_yes)  # type: ignore[arg-type]
    assert one + other == pytest.approx(1)
    assert abs(one - price) < 0.05


@pytest.mark.parametrize(
    ("texts", "group"),
    [
        (("", "Will the Chiefs win the AFC West?"), "sports"),
        (("Crypto", "Will it rain?"), "crypto"),
        (("crypto_prices",), "crypto"),
        (("unknown", "Khamenei out as Supreme Leader of Iran by March 31?"), "politics"),
        (("Economy", "Will the Fed cut rates?"), "other"),
        ((), "other"),
    ],
)
def test_the_first_text_that_tells_names_the_group(texts: tuple[str, ...], group: str) -> None:
    assert group_of(texts) == group


def test_tables_of_markets_and_of_trades_are_kept_apart() -> None:
    tables = {table.name: table for table in published_tables()}
    markets, trades = tables["allium_2026_binary"], tables["dellavedova_2026"]
    assert (markets.level, trades.level) == ("market", "trade")
    assert markets.probability(0.45) == pytest.approx(0.478)
    assert trades.probability(0.225) == pytest.approx(0.1255)
    assert markets.probability(0.5) == pytest.approx(0.5225, abs=0.001)
    assert 0 < markets.probability(0.001) < 0.001
    assert abs(trades.probability(0.2) - 0.2) > 3 * abs(markets.probability(0.2) - 0.2)


@given(st.floats(-700, 700))
def test_log_odds_and_probability_never_overflow(log_odds: float) -> None:
    assert 0 <= probability_of(log_odds) <= 1
    assert abs(log_odds_of(probability_of(log_odds))) <= 7.601
