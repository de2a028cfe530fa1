"""Midpoints over time: the recorded ones, then the exchange's own, answered under the venue's rules for windows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from decimal import Decimal

from .rejections import Rejection

_INTERVALS_S = {"1h": 3600, "6h": 6 * 3600, "1d": 86_400, "1w": 7 * 86_400, "1m": 30 * 86_400}
_WHOLE = ("max", "all")
_MIN_FIDELITY = {"1w": 5, "1m": 10}
_MAX_WINDOW_S = 15 * 86_400
_MAX_WHOLE_S = 31 * 86_400
_MAX_POINTS = 4300
_UNKNOWN_INTERVAL = "invalid filters: the 'interval' value is unknown. Known values: '1m', '1w', '1d', '6h', '1h'"


class MidpointHistory:
    """When the midpoint of a market's first outcome changed. The oldest points are forgotten beyond `limit`."""

    def __init__(self, recorded: Iterable[tuple[int, Decimal]], *, limit: int = 50_000) -> None:
        self._limit = limit
        self._times: list[int] = []
        self._prices: list[Decimal] = []
        for at, price in recorded:
            self.add(at, price)

    def add(self, at: int, price: Decimal) -> None:
        """Note the midpoint at a unix second. Times do not go back; the last note of a second wins."""
        if self._prices and self._prices[-1] == price:
            return
        if self._times and self._times[-1] == at:
            self._prices[-1] = price
            return
        self._times.append(at)
        self._prices.append(price)
        if len(self._times) > self._limit:
            del self._times[: self._limit // 10]
            del self._prices[: self._limit // 10]

    @property
    def first_at(self) -> int | None:
        return self._times[0] if self._times else None

    @property
    def last_at(self) -> int | None:
        return self._times[-1] if self._times else None

    def at(self, moment: int) -> Decimal | None:
        """The midpoint that held at a unix second, None before the first point."""
        index = bisect_right(self._times, moment)
        return self._prices[index - 1] if index else None

    def sampled(self, start: int, end: int, *, step_s: int) -> list[tuple[int, Decimal]]:
        """The midpoint at every whole multiple of `step_s` within [start, end], carried forward between changes."""
        if not self._times:
            return []
        begin = max(start, self._times[0])
        points = []
        for moment in range(-(-begin // step_s) * step_s, end + 1, step_s):
            price = self.at(moment)
            if price is not None:
                points.append((moment, price))
        return points

    def candles(self, start: int, end: int, *, step_s: int, most: int) -> list[tuple[int, tuple[Decimal, ...]]]:
        """(begin, (open, high, low, close)) of the first `most` buckets from `start` on that have a price."""
        found: list[tuple[int, tuple[Decimal, ...]]] = []
        if not self._times:
            return found
        begin = max(start, self._times[0]) // step_s * step_s
        while begin <= end and len(found) < most:
            first, last = bisect_left(self._times, begin), bisect_left(self._times, begin + step_s)
            changes = self._prices[first:last]
            carried = self._prices[first - 1 : first] if first else []
            prices = carried + changes
            found.append((begin, (prices[0], max(prices), min(prices), prices[-1])))
            begin += step_s
        return found


class HistoryWindow:
    """What part of a history a request asks for, checked. `start` is None for everything that is kept."""

    __slots__ = ("end", "start", "step_s")

    def __init__(self, *, start: int | None, end: int, step_s: int) -> None:
        self.start = start
        self.end = end
        self.step_s = step_s

    def of(self, history: MidpointHistory, *, now: int, closed: bool) -> list[tuple[int, Decimal]]:
        """Samples of the window and one more point that carries the present time.

        A closed market has no samples after its last change, and whole-history requests give it nothing.
        """
        last = history.last_at
        if last is None or (closed and self.start is None):
            return []
        start = self.start if self.start is not None else now - _MAX_WHOLE_S
        end = min(self.end, last) if closed else min(self.end, now)
        step = max(self.step_s, -(-(end - max(start, history.first_at or 0)) // _MAX_POINTS // 60) * 60)
        points = history.sampled(start, end, step_s=step)
        latest = history.at(now)
        if points and latest is not None and points[-1][0] < now:
            points.append((now, latest))
        return points


def parse_window(
    *, interval: str | None, start: str | None, end: str | None, fidelity: str | None, now: int
) -> HistoryWindow:
    """Check the filters of a price history request. Raises Rejection with the venue's text.

    `fidelity` is in minutes. An interval's smallest fidelity applies even beside explicit times; an explicit window
    is at most 15 days, unless only its start is given.
    """
    minutes = _whole_number(fidelity, "fidelity") if fidelity else 1
    if interval and interval not in _INTERVALS_S and interval not in _WHOLE:
        raise Rejection(_UNKNOWN_INTERVAL)
    least = _MIN_FIDELITY.get(interval or "", 1)
    if minutes < least:
        raise Rejection(f"invalid filters: minimum 'fidelity' for '{interval or '1h'}' range is {least}")
    step_s = minutes * 60
    if start:
        begin = _whole_number(start, "startTs")
        if not end:
            return HistoryWindow(start=begin, end=now, step_s=step_s)
        finish = _whole_number(end, "endTs")
        if finish - begin > _MAX_WINDOW_S:
            raise Rejection("invalid filters: 'startTs' and 'endTs' interval is too long")
        return HistoryWindow(start=begin, end=finish, step_s=step_s)
    if not interval:
        raise Rejection(_UNKNOWN_INTERVAL)
    if interval in _WHOLE:
        return HistoryWindow(start=None, end=now, step_s=step_s)
    return HistoryWindow(start=now - _INTERVALS_S[interval], end=now, step_s=step_s)


def _whole_number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Rejection(f"invalid filters: '{name}' is not a number") from None
