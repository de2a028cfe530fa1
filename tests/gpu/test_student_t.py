"""Student's t and chi-square against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from polydesk.gpu.student_t import chi_square_cdf, chi_square_quantile, t_cdf, t_quantile

CHANCES = np.array([1e-6, 0.001, 0.2, 0.45, 0.9, 0.99999])


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 30, 101])
def test_distribution_functions_and_quantiles(degrees: int) -> None:
    points = np.linspace(-30, 30, 101)
    assert np.abs(t_cdf(points, degrees) - stats.t.cdf(points, degrees)).max() < 1e-13
    assert t_quantile(CHANCES, degrees) == pytest.approx(stats.t.ppf(CHANCES, degrees), rel=1e-7)
    positive = np.linspace(0, 3 * degrees + 20, 51)
    assert np.abs(chi_square_cdf(positive, degrees) - stats.chi2.cdf(positive, degrees)).max() < 1e-12
    assert chi_square_quantile(CHANCES, degrees) == pytest.approx(stats.chi2.ppf(CHANCES, degrees), rel=1e-4)
