"""What all pictures share: a figure without a display, colours, and the bytes of a PNG."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

GAIN, LOSS, PLAIN, FAINT = "#1a7f4b", "#b3372f", "#1f6fb2", "#8a929c"
SERIES = ("#1f6fb2", "#d9822b", "#1a7f4b", "#8e5bb5", "#b3372f", "#6b7785")
"""Colours of lines in one chart, told apart in the usual kinds of colour blindness by lightness too."""

_DOTS_PER_INCH = 100
_FEWEST_BARS = 4


def picture(paint: Callable[[Any], None], *, inches: tuple[float, float]) -> bytes:
    """A PNG of what `paint` draws on a figure. Raises ImportError without matplotlib."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A market's `$` begins no formula, and a character that the font lacks is no reason to fail.
    with matplotlib.rc_context({"text.parse_math": False, "date.converter": "concise"}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = Figure(figsize=inches, dpi=_DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)  # draws without a display
        paint(figure)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()


def headline(figure: Any, title: str, note: str) -> None:
    """What a picture shows, and beneath it which money this is and how old: a picture is read without its message."""
    figure.suptitle(textwrap.shorten(title, 110, placeholder=" …"), x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.text(0.99, 0.005, note, ha="right", va="bottom", fontsize=7.5, color=FAINT)
    figure.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))


def finish(axes: Any, title: str = "") -> None:
    """The frame that every chart has."""
    axes.set_title(title, fontsize=9, loc="left")
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def bars(axes: Any, values: dict[str, float], title: str, *, longest_name: int = 36) -> None:
    """Horizontal bars, the first on top; gains and losses have their colours."""
    names = [name if len(name) <= longest_name else name[: longest_name - 1] + "…" for name in values]
    places = range(len(names))
    axes.barh(places, list(values.values()), color=[GAIN if value >= 0 else LOSS for value in values.values()])
    axes.set_yticks(list(places), names)
    axes.set_ylim(max(len(names), _FEWEST_BARS) - 0.5, -0.5)  # the first on top, and a single bar no wall
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.locator_params(axis="x", nbins=6)
    finish(axes, title)
