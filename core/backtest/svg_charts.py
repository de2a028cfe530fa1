"""Charts as SVG for a page of its own: no script, no font or picture from elsewhere, colours from the page's style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape

_WIDTH, _HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 12, 26
_TICKS = 5
_ROW = 22
_LABEL = 260
_LONGEST_LABEL = 44

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point beside a line, with what is told of it when it is pointed at. `style` is a class of the page."""

    x: float
    y: float
    style: str
    told: str


def line_chart(
    points: Sequence[Point], *, label: str, marks: Sequence[Mark] = (), steps: bool = False, filled: bool = False
) -> str:
    """A line over time (x in unix seconds); `filled` down or up to 0."""
    ys = [y for _, y in points] + [mark.y for mark in marks] + ([0.0] if filled else [])
    xs = [x for x, _ in points] + [mark.x for mark in marks]
    plane = _Plane(_bounds(xs), _bounds(ys))
    path = _path([plane.at(*point) for point in points], steps=steps)
    parts = [*plane.frame(times=True), f'<path class="line" d="{path}"/>']
    if filled and points:
        zero = plane.at(0, 0)[1]
        first, last = plane.at(*points[0])[0], plane.at(*points[-1])[0]
        parts.insert(-1, f'<path class="area" d="{path}L{last:.1f},{zero:.1f}L{first:.1f},{zero:.1f}Z"/>')
    for mark in marks:
        x, y = plane.at(mark.x, mark.y)
        told = escape(mark.told)
        parts.append(f'<circle class="{mark.style}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{told}</title></circle>')
    return _svg(parts, label, _HEIGHT, kind="plane")


def bar_chart(values: Mapping[str, float], *, label: str) -> str:
    """A row per name, with bars to the left and the right of 0."""
    low, high = _bounds([0.0, *values.values()])
    width = _WIDTH - _LABEL - 80
    zero = _LABEL + (0 - low) / (high - low) * width
    parts = []
    for row, (name, value) in enumerate(values.items()):
        y, x = row * _ROW + 4, _LABEL + (value - low) / (high - low) * width
        short = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
        parts += [
            f'<text x="{_LABEL - 8}" y="{y + 13}" text-anchor="end">'
            f"<title>{escape(name)}</title>{escape(short)}</text>",
            f'<rect class="{"gain" if value >= 0 else "loss"}" x="{min(zero, x):.1f}" y="{y}" '
            f'width="{max(abs(x - zero), 0.5):.1f}" height="{_ROW - 8}"/>',
            f'<text x="{max(zero, x) + 6:.1f}" y="{y + 13}">{value:+,.2f}</text>',
        ]
    return _svg(parts, label, len(values) * _ROW + 8, kind="bars")


def calibration_chart(bins: Sequence[Mapping[str, float]], *, label: str) -> str:
    """What was said against how often it came true, on the diagonal that both would share."""
    plane = _Plane((0.0, 1.0), (0.0, 1.0))
    (x0, y0), (x1, y1) = plane.at(0, 0), plane.at(1, 1)
    parts = [*plane.frame(times=False), f'<path class="rule" d="M{x0:.1f},{y0:.1f}L{x1:.1f},{y1:.1f}"/>']
    for each in bins:
        x, y = plane.at(each["said"], each["came_true"])
        radius = 3 + 2 * math.log10(1 + each["markets"])
        told = f"said {each['said']:.2f}, came true {each['came_true']:.2f}, {each['markets']} markets"
        parts.append(f'<circle class="buy" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{told}</title></circle>')
    return _svg(parts, label, _HEIGHT, kind="plane")


class _Plane:
    """Where values are on the picture."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._x, self._y = x, y

    def at(self, x: float, y: float) -> Point:
        (x0, x1), (y0, y1) = self._x, self._y
        across = _LEFT + (x - x0) / (x1 - x0) * (_WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - (y - y0) / (y1 - y0) * (_HEIGHT - _TOP - _BOTTOM)

    def frame(self, *, times: bool) -> list[str]:
        """Grid lines and what they stand for."""
        parts = []
        for value in _ticks(*self._y):
            _, y = self.at(self._x[0], value)
            parts += [
                f'<path class="grid" d="M{_LEFT},{y:.1f}H{_WIDTH - _RIGHT}"/>',
                f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(value)}</text>',
            ]
        first, last = self._x
        for number in range(_TICKS):
            value = first + (last - first) * number / (_TICKS - 1)
            x, _ = self.at(value, self._y[0])
            anchor = "start" if number == 0 else "end" if number == _TICKS - 1 else "middle"
            word = _moment(value, last - first) if times else f"{value:g}"
            narrow = ' class="between"' if number % 2 else ""
            parts.append(f'<text{narrow} x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{word}</text>')
        return parts


def _svg(parts: Sequence[str], label: str, height: int, *, kind: str) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label, quote=True)}">'
        f"{''.join(parts)}</svg>"
    )


def _path(points: Sequence[Point], *, steps: bool) -> str:
    parts = []
    for number, (x, y) in enumerate(points):
        parts.append(f"M{x:.1f},{y:.1f}" if number == 0 else f"H{x:.1f}V{y:.1f}" if steps else f"L{x:.1f},{y:.1f}")
    return "".join(parts)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within the bounds."""
    rough = (high - low) / (_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _moment(seconds: float, span_s: float) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%d}" if span_s > timedelta(days=4).total_seconds() else f"{at:%m-%d %H:%M}"
