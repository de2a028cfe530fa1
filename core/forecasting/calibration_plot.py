"""Calibration as a picture: what was said, and how often it came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..charts.canvas import FAINT, finish, picture
from .scoring import CalibrationBin

_WIDTH = 20
_INCHES = 6.0


def text_plot(bins: Sequence[CalibrationBin]) -> list[str]:
    """One line per tenth that was forecast, with a scale from 0 to 1: `|` is what was said, `o` how often it came true,
    `*` where both meet."""
    return [_line(each) for each in bins]


def calibration_png(calibrations: Mapping[str, Sequence[CalibrationBin]]) -> bytes:
    """One curve per name against the diagonal; the area of a point grows with its markets.

    Raises ImportError without matplotlib.
    """

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--", label="as said, so it came")
        for name, bins in calibrations.items():
            said, came_true = [each.said for each in bins], [each.came_true for each in bins]
            axes.plot(said, came_true, linewidth=1)
            axes.scatter(said, came_true, s=[20 + 4 * each.markets for each in bins], label=name)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability said", ylabel="share that came true", aspect="equal")
        finish(axes, "Calibration of forecasts")
        axes.legend(loc="upper left", fontsize="small")

    return picture(paint, inches=(_INCHES, _INCHES))


def _line(each: CalibrationBin) -> str:
    said, true = round(each.said * _WIDTH), round(each.came_true * _WIDTH)
    marks = {said: "|", true: "o"} if said != true else {said: "*"}
    scale = "".join(marks.get(place, ".") for place in range(_WIDTH + 1))
    return f"{each.low:.1f}-{each.high:.1f} {scale} n={each.markets}"
