"""A calibration can be looked at, in a terminal and as a picture."""

from __future__ import annotations

import pytest

from polydesk.core.forecasting.calibration_plot import calibration_png, text_plot
from polydesk.core.forecasting.scoring import CalibrationBin

BINS = (CalibrationBin(0.2, 0.3, 12, 0.25, 0.5), CalibrationBin(0.9, 1.0, 3, 1.0, 1.0))


def test_each_tenth_is_a_line_with_what_was_said_and_what_came() -> None:
    first, last = text_plot(BINS)
    assert first == "0.2-0.3 .....|....o.......... n=12"
    assert last == "0.9-1.0 ....................* n=3"


def test_a_picture_is_a_png() -> None:
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    drawn = calibration_png({"polydesk": BINS, "somebody": BINS[:1]})
    assert drawn.startswith(b"\x89PNG")
    assert drawn != calibration_png({"polydesk": BINS})
