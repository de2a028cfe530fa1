"""How prices of outcomes moved, with the account's own fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .canvas import FAINT, GAIN, LOSS, SERIES, finish, headline, picture

_INCHES = (10.0, 5.2)


@dataclass(frozen=True, slots=True)
class PriceLine:
    """Prices of one outcome, dollars per share, oldest first; `bid` and `ask` are the best ones now."""

    name: str
    points: Sequence[tuple[datetime, float]]
    bid: float | None = None
    ask: float | None = None


@dataclass(frozen=True, slots=True)
class FillMark:
    """A fill of the account's own."""

    at: datetime
    price: float
    bought: bool
    shares: float


def price_png(title: str, note: str, lines: Sequence[PriceLine], fills: Sequence[FillMark] = ()) -> bytes:
    """A line per outcome, on the scale of what is shown, with its last price.

    Raises ImportError without matplotlib.
    """

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for line, colour in zip(lines, SERIES, strict=False):
            _line(axes, line, colour, alone=len(lines) == 1)
        for fill in fills:
            axes.scatter(
                [fill.at],
                [fill.price],
                marker="^" if fill.bought else "v",
                s=60,
                color=GAIN if fill.bought else LOSS,
                edgecolor="white",
                linewidth=0.8,
                zorder=5,
            )
        if fills:
            axes.scatter([], [], marker="^", color=GAIN, label="bought here")
            axes.scatter([], [], marker="v", color=LOSS, label="sold here")
        axes.set_ylabel("dollars per share (probability)", fontsize=8)
        axes.margins(x=0.02)
        finish(axes)
        _widen(axes)
        if len(lines) > 1 or fills:
            axes.legend(fontsize=8, loc="best", framealpha=0.85)
        headline(figure, title, note)

    return picture(paint, inches=_INCHES)


def _line(axes: Any, line: PriceLine, colour: str, *, alone: bool) -> None:
    moments, prices = [at for at, _ in line.points], [price for _, price in line.points]
    axes.plot(moments, prices, color=colour, linewidth=1.6, label=f"{line.name}: {prices[-1]:.3f}")
    if alone:
        axes.annotate(
            f"{prices[-1]:.3f}", (moments[-1], prices[-1]), (6, 0), textcoords="offset points", va="center",
            fontsize=10, color=colour,
        )  # fmt: skip
        axes.fill_between(moments, prices, min(prices), color=colour, alpha=0.08, linewidth=0)
        for name, price in (("bid", line.bid), ("ask", line.ask)):
            if price is not None:
                axes.axhline(price, color=FAINT, linewidth=0.8, linestyle=":")
                axes.annotate(
                    f"best {name} {price:.3f}", (0.005, price), xycoords=("axes fraction", "data"), fontsize=7.5,
                    va="bottom" if name == "ask" else "top", color=FAINT,
                )  # fmt: skip


def _widen(axes: Any) -> None:
    """At least two cents high, so that a tick does not look like a crash; never beyond what a price can be."""
    low, high = axes.get_ylim()
    if high - low < 0.02:
        middle = (high + low) / 2
        low, high = middle - 0.01, middle + 0.01
    axes.set_ylim(max(low, -0.01), min(high, 1.01))
