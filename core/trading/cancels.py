"""Takes orders off the book, and back from whoever has still to send them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..clock import Clock
from ..errors import PolymarketAPIError
from ..identifiers import ConditionId, OrderId
from ..models import CancelResult, OrderSide, OrderStatus
from ..storage.audit_log import AuditLog
from ..venues.venue import Venue
from .dead_letters import DeadLetters
from .journal import OrderJournal
from .person_wait import PersonWait

_LANDING_S = 10.0
"""Seconds a cancel of everything waits for orders that were already on their way."""

_CANCELLED = "It was cancelled before a person answered."


@dataclass(frozen=True, slots=True)
class Cancellation:
    """`withdrawn` are attempts that were still waiting for a person.

    `on_their_way` are attempts whose outcome is not known: they may rest after all.
    """

    result: CancelResult
    withdrawn: tuple[str, ...] = ()
    on_their_way: tuple[str, ...] = ()


class Cancels:
    """Cancels of one account. `landed` is set while none of its orders is on its way.

    A cancel that fails is kept as a dead letter and raised: orders may still rest.
    """

    def __init__(
        self,
        venue: Venue,
        journal: OrderJournal,
        person: PersonWait,
        letters: DeadLetters,
        audit: AuditLog,
        clock: Clock,
        landed: asyncio.Event,
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._person = person
        self._letters = letters
        self._audit = audit
        self._clock = clock
        self._landed = landed

    async def of(self, order_ids: Sequence[OrderId]) -> Cancellation:
        """Cancel orders by their ids."""
        with self._kept(order_ids=list(order_ids)):
            return Cancellation(self._noted(await self._venue.cancel(order_ids)))

    async def of_market(self, condition_id: ConditionId) -> Cancellation:
        """Cancel what rests in a market, what lands there meanwhile, and what waits for a person."""
        await self._landing()
        with self._kept(condition_id=condition_id):
            result = self._noted(await self._venue.cancel_market(condition_id))
        withdrawn = self._person.withdraw(_CANCELLED, condition_id=condition_id)
        return Cancellation(result, withdrawn, self._uncertain(condition_id))

    async def of_everything(self) -> Cancellation:
        """Cancel everything that rests, what lands meanwhile, and everything that waits for a person."""
        await self._landing()
        with self._kept(everything=True):
            result = self._noted(await self._venue.cancel_all())
        return Cancellation(result, self._person.withdraw(_CANCELLED), self._uncertain())

    async def of_kind(
        self, *, side: OrderSide | None, older_than: timedelta | None, condition_id: ConditionId | None
    ) -> Cancellation:
        """Cancel the resting orders that are of a side, of an age or of a market, as far as given."""
        now = self._clock.now()
        order_ids = [
            order.id
            for order in await self._venue.open_orders()
            if side in (None, order.side)
            and condition_id in (None, order.condition_id)
            and (older_than is None or now - order.created_at >= older_than)
        ]
        return await self.of(order_ids) if order_ids else Cancellation(CancelResult((), {}))

    @contextlib.contextmanager
    def _kept(self, **what: Any) -> Iterator[None]:
        """Write down what is asked for, and keep it as a dead letter when it fails."""
        self._audit.write("cancel.asked", now=self._clock.now(), **what)
        try:
            yield
        except PolymarketAPIError as error:
            self._letters.of_cancel(error.message, now=self._clock.now(), **what)
            raise

    def _noted(self, result: CancelResult) -> CancelResult:
        now = self._clock.now()
        with self._journal.atomically():
            self._audit.write(
                "cancel.answered", now=now, canceled=list(result.canceled), not_canceled=dict(result.not_canceled)
            )
            for order_id in result.canceled:
                record = self._journal.by_order(order_id)
                if record is not None and record.may_change:
                    self._journal.move(record, OrderStatus.CANCELED, now=now)
        return result

    async def _landing(self) -> None:
        """Wait, not for ever, until orders that were already on their way have an outcome."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LANDING_S):
                await self._landed.wait()

    def _uncertain(self, condition_id: ConditionId | None = None) -> tuple[str, ...]:
        uncertain = self._journal.in_state(OrderStatus.SENDING, OrderStatus.UNKNOWN, condition_id=condition_id)
        return tuple(record.attempt_id for record in uncertain)
