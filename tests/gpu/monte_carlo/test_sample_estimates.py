"""Statistics of samples, against definitions and known standard errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.gpu.monte_carlo import sample_estimates as estimates

profits = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=200).map(lambda values: np.sort(np.array(values)))


def test_quantiles_are_order_statistics() -> None:
    ordered = np.arange(1.0, 21.0)
    assert estimates.quantile(ordered, 0.95)["value"] == 19.0
    assert estimates.quantile(ordered, 0.951)["value"] == 20.0
    assert estimates.quantile(ordered, 0.05)["value"] == 1.0


def test_value_at_risk_is_a_positive_loss_and_the_tail_counts_atoms_in_part() -> None:
    # Four times in a hundred 100 dollars are lost, else 1 is won: the worst 5 % hold four of the one, one of the other.
    ordered = np.sort(np.array([-100.0] * 4 + [1.0] * 96))
    (tail,) = estimates.tail_losses(ordered, [0.95])
    assert tail["value_at_risk"]["value"] == -1.0
    assert tail["conditional_value_at_risk"]["value"] == pytest.approx((4 * 100 - 1) / 5)


@given(profits)
def test_the_conditional_value_at_risk_is_never_below_the_value_at_risk(ordered: np.ndarray) -> None:
    for tail in estimates.tail_losses(ordered, [0.5, 0.95, 0.99]):
        assert tail["conditional_value_at_risk"]["value"] >= tail["value_at_risk"]["value"]
        assert tail["conditional_value_at_risk"]["value"] <= -ordered[0] + 1e-9 * (1 + abs(ordered[0]))


def test_standard_errors_match_the_spread_over_repetitions() -> None:
    generator = np.random.default_rng(1)
    repeated = [np.sort(generator.normal(size=4_000)) for _ in range(300)]

    def spread(values: list[float]) -> float:
        return float(np.std(values))

    for statistic in (
        estimates.mean,
        estimates.standard_deviation,
        lambda ordered: estimates.quantile(ordered, 0.9),
        lambda ordered: estimates.tail_losses(ordered, [0.95])[0]["conditional_value_at_risk"],
    ):
        results = [statistic(ordered) for ordered in repeated]
        claimed = float(np.mean([result["standard_error"] for result in results]))
        # The spread of 300 repetitions is itself known to about 4 %.
        assert claimed == pytest.approx(spread([result["value"] for result in results]), rel=0.2)


def test_a_constant_has_no_spread() -> None:
    assert estimates.standard_deviation(np.full(10, 3.0)) == {"value": 0.0, "standard_error": 0.0}
