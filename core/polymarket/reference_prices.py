"""Prices of the coins that markets are about, followed at the venue's real-time data service and kept for a week."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import VenueUnavailable
from ..models import PricePoint
from ..storage.price_file import PriceFile
from .environments import Environment
from .event_queue import Gap
from .streams import ReferencePriceStream

_log = logging.getLogger(__name__)

_SPELLED: Mapping[str, str] = {"BTC": "btcusdt", "ETH": "ethusdt", "SOL": "solusdt", "XRP": "xrpusdt"}
"""Symbols, and how the service spells them: prices against USDT, by which markets on a coin's price are decided."""

_KEPT = timedelta(days=7)
_MINUTE_S = 60
_STALE = timedelta(minutes=2)
"""The service tells every coin's price about once a second."""

_ANSWER_WITHIN_S = 5.0
_AHEAD = timedelta(minutes=1)
"""A price that is dated further ahead of our clock is no price of now."""

_LINES_BEFORE_REWRITING = 100_000


class FollowedReferencePrices:
    """One price a minute of each coin, the last one told in it. See ReferencePrices of the strategies.

    Nothing is opened before somebody asks; from then on the service is followed until `aclose`. `file` keeps what was
    heard over restarts.
    """

    def __init__(self, environment: Environment, *, clock: Clock, random: Random, file: PriceFile | None) -> None:
        self._environment = environment
        self._clock = clock
        self._random = random
        self._file = file
        self._minutes: dict[str, dict[int, PricePoint]] = {symbol: {} for symbol in _SPELLED}
        self._opening = asyncio.Lock()
        self._heard = asyncio.Condition()
        self._stream: ReferencePriceStream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._lines = 0

    async def prices(self, symbol: str) -> Sequence[PricePoint]:
        """A week of them at most, oldest first; empty for a symbol that nobody knows.

        Raises VenueUnavailable where the service tells no price of now.
        """
        if symbol not in _SPELLED:
            return ()
        stream = await self._followed()
        if not self._is_current(symbol):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_WITHIN_S), self._heard:
                    await self._heard.wait_for(lambda: self._is_current(symbol))
        if not self._is_current(symbol):
            why = f": {stream.last_error}" if stream.last_error else ""
            raise VenueUnavailable(f"The venue's real-time data service tells no price of {symbol} now{why}.")
        now = self._clock.now()
        return [point for point in self._series(symbol) if now - _KEPT <= point.at <= now]

    async def aclose(self) -> None:
        """Stop following, and keep what was heard in the minute that is under way."""
        if self._stream is None or self._reading is None:
            return
        await self._stream.aclose()
        await cancelled(self._reading)
        self._stream = self._reading = None
        self._write([(symbol, points[-1]) for symbol in _SPELLED if (points := self._series(symbol))])

    async def _followed(self) -> ReferencePriceStream:
        async with self._opening:
            if self._stream is None:
                await asyncio.to_thread(self._read_file)
                self._stream = await ReferencePriceStream(
                    self._environment, tuple(_SPELLED.values()), clock=self._clock, random=self._random
                ).__aenter__()
                self._reading = asyncio.create_task(self._follow(self._stream), name="reference prices")
                self._reading.add_done_callback(logs_failure(_log, "following reference prices ended in a defect"))
            return self._stream

    async def _follow(self, stream: ReferencePriceStream) -> None:
        symbols = {spelled: symbol for symbol, spelled in _SPELLED.items()}
        async for update in stream:
            if isinstance(update, Gap) or (symbol := symbols.get(update.symbol)) is None:
                continue  # a minute that nobody heard is a longer step between two prices
            self._write([(symbol, point) for point in self._take(symbol, update.points)])
            async with self._heard:
                self._heard.notify_all()

    def _take(self, symbol: str, points: Sequence[PricePoint]) -> list[PricePoint]:
        """Keep the last price of each minute; those whose minute is now over."""
        minutes, now = self._minutes[symbol], self._clock.now()
        newest_before = max(minutes, default=None)
        touched: set[int] = set()
        for point in points:
            minute, known = _minute(point.at), minutes.get(_minute(point.at))
            if now - _KEPT <= point.at <= now + _AHEAD and (known is None or known.at <= point.at):
                minutes[minute] = point
                touched.add(minute)
        if not touched:
            return []
        newest = max(minutes)
        for minute in [each for each in minutes if each <= newest - _KEPT.total_seconds() // _MINUTE_S]:
            del minutes[minute]
        if newest_before is not None and newest_before != newest:
            touched.add(newest_before)
        return [minutes[minute] for minute in sorted(touched) if minute != newest and minute in minutes]

    def _is_current(self, symbol: str) -> bool:
        minutes = self._minutes[symbol]
        return bool(minutes) and self._clock.now() - minutes[max(minutes)].at <= _STALE

    def _series(self, symbol: str) -> list[PricePoint]:
        return [point for _, point in sorted(self._minutes[symbol].items())]

    def _read_file(self) -> None:
        """Take what an earlier process has kept, and drop what is too old from the file."""
        if self._file is None:
            return
        try:
            rows = self._file.read()
            for symbol, point in rows:
                if symbol in _SPELLED:
                    self._take(symbol, (point,))
            self._file.replace({symbol: self._series(symbol) for symbol in _SPELLED})
        except OSError as error:
            self._forget_file(error)

    def _write(self, rows: Sequence[tuple[str, PricePoint]]) -> None:
        if self._file is None or not rows:
            return
        self._lines += len(rows)
        try:
            if self._lines > _LINES_BEFORE_REWRITING:
                self._lines = 0
                self._file.replace({symbol: self._series(symbol) for symbol in _SPELLED})
            else:
                self._file.append(rows)
        except OSError as error:
            self._forget_file(error)

    def _forget_file(self, error: OSError) -> None:
        _log.warning("Reference prices are kept in memory only: %s", error)
        self._file = None


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // _MINUTE_S
