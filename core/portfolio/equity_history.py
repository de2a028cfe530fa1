"""What the account was worth, once a minute while the desk runs, kept in the desk's file."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from sqlalchemy import and_, delete, func, insert, select

from ..background_tasks import cancelled, repeated
from ..clock import Clock
from ..money import from_micro, to_micro
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import equity
from .snapshot import Portfolio

_log = logging.getLogger(__name__)

_FIRST_AFTER_S = 5.0
_EVERY_S = 60.0
_MICRO = Decimal("0.000001")
_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1) // _MICROSECOND

_THINNED = ((timedelta(days=2), timedelta(hours=1)), (timedelta(days=90), timedelta(days=1)))
"""Of samples older than the first, the last of each span of the second is kept."""


@dataclass(frozen=True, slots=True)
class EquitySample:
    """Dollars at a moment. `equity` is `cash` and `positions_value` as the venue shows them, `settled_equity` the same
    without what fills that are not confirmed have brought or taken."""

    at: datetime
    equity: Decimal
    settled_equity: Decimal
    cash: Decimal
    positions_value: Decimal


class EquityHistory:
    """The samples of one account."""

    def __init__(self, database: Database, *, account: str) -> None:
        self._database = database
        self._account = account

    @property
    def latest(self) -> EquitySample | None:
        rows = self._rows(limit=1, newest_first=True)
        return rows[0] if rows else None

    def since(self, moment: datetime) -> tuple[EquitySample, ...]:
        """The samples from a moment on, oldest first."""
        return self._rows(since=moment)

    def note(self, sample: EquitySample) -> None:
        """Keep a sample; two of one moment are one. What is old is thinned once an hour."""
        values = {
            "equity": to_micro(sample.equity.quantize(_MICRO)),
            "settled": to_micro(sample.settled_equity.quantize(_MICRO)),
            "cash": to_micro(sample.cash.quantize(_MICRO)),
        }
        at = to_micros(sample.at)
        before = self.latest
        with self._database.writing() as connection:
            connection.execute(delete(equity).where(equity.c.account == self._account, equity.c.at == at))
            connection.execute(insert(equity).values(account=self._account, at=at, **values))
            if before is None or to_micros(before.at) // _HOUR != at // _HOUR:
                for older_than, span in _THINNED:
                    self._thin(before=sample.at - older_than, span=span)

    def _thin(self, *, before: datetime, span: timedelta) -> None:
        spans = equity.c.at - equity.c.at % (span // _MICROSECOND)
        old = and_(equity.c.account == self._account, equity.c.at < to_micros(before))
        kept = select(func.max(equity.c.at)).where(old).group_by(spans)
        with self._database.writing() as connection:
            connection.execute(delete(equity).where(old, equity.c.at.not_in(kept)))

    def _rows(
        self, *, since: datetime | None = None, limit: int | None = None, newest_first: bool = False
    ) -> tuple[EquitySample, ...]:
        query = select(equity).where(equity.c.account == self._account)
        if since is not None:
            query = query.where(equity.c.at >= to_micros(since))
        query = query.order_by(equity.c.at.desc() if newest_first else equity.c.at).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            EquitySample(
                at=from_micros(row.at),
                equity=from_micro(row.equity),
                settled_equity=from_micro(row.settled),
                cash=from_micro(row.cash),
                positions_value=from_micro(row.equity - row.cash),
            )
            for row in rows
        )


class EquityWatch:
    """Takes the samples, from entering it on; a minute in which the venue does not answer is left out."""

    def __init__(self, portfolio: Portfolio, history: EquityHistory, clock: Clock) -> None:
        self._portfolio = portfolio
        self._history = history
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="samples of equity")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await cancelled(self._task)

    async def _watch(self) -> None:
        await self._clock.sleep(_FIRST_AFTER_S)
        await repeated(self.sample, every_s=_EVERY_S, clock=self._clock, log=_log, failure="equity is not read")

    async def sample(self) -> EquitySample:
        """Take one now. Raises what the venue's reads raise, and StorageFailed."""
        snapshot = await self._portfolio.snapshot()
        sample = EquitySample(
            at=snapshot.as_of,
            equity=snapshot.equity,
            settled_equity=snapshot.settled_equity,
            cash=snapshot.cash,
            positions_value=snapshot.value,
        )
        self._history.note(sample)
        return sample
