"""From a plan to the venue: approved, signed and written down in one step, then sent once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..clock import Clock
from ..errors import OrderError, PolymarketAPIError
from ..models import OrderStatus
from ..risk.kill_switch import KillSwitch
from ..venues.venue import SignedTicket, Venue
from .cancels import Cancels
from .desk_state import DeskStates
from .draft_book import DraftBook
from .journal import OrderJournal
from .order_record import OrderRecord
from .preparation import Preparation, Prepared
from .reconciliation import Reconciler
from .recovery import Recovery
from .submission import conclude, submit


@dataclass(frozen=True, slots=True)
class Signed:
    """An order that is written down as being sent."""

    record: OrderRecord
    ticket: SignedTicket


class Sending:
    """Sends orders of one account. `landed` is clear while any is on its way."""

    def __init__(
        self,
        venue: Venue,
        journal: OrderJournal,
        drafts: DraftBook,
        preparation: Preparation,
        states: DeskStates,
        reconciler: Reconciler,
        recovery: Recovery,
        kill_switch: KillSwitch,
        cancels: Cancels,
        clock: Clock,
        landed: asyncio.Event,
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._drafts = drafts
        self._preparation = preparation
        self._states = states
        self._reconciler = reconciler
        self._recovery = recovery
        self._kill_switch = kill_switch
        self._cancels = cancels
        self._clock = clock
        self._landed = landed
        self._under_way: set[str] = set()
        landed.set()

    def sign(self, orders: Sequence[tuple[OrderRecord, Prepared]]) -> list[Signed]:
        """Approve, sign and write down orders in one step: of those that fit a limit only alone, one passes.

        All or none: when the gate refuses one, none of them is written down. Raises RiskRefused.
        """
        now = self._clock.now()
        signed = []
        with self._journal.atomically():
            for record, prepared in orders:
                approved = self._preparation.approve(prepared)
                ticket = self._venue.sign(approved)
                written = self._journal.move(
                    record,
                    OrderStatus.SENDING,
                    now=now,
                    body=ticket.wire,
                    gate=approved.controls,
                    plan=prepared.plan,
                    order_id=ticket.order_id,
                    sent_at=now,
                )
                signed.append(Signed(written, ticket))
        self._under_way |= {each.record.attempt_id for each in signed}
        self._landed.clear()
        return signed

    async def send(self, order: Signed) -> OrderRecord:
        """Send one order and write down its outcome. Raises what the venue refused it with, and OutcomeUnknown."""
        try:
            await submit(self._venue, self._journal, self._reconciler, order.record, order.ticket, self._clock)
            await self._withdraw_if_halted([order])
            return self._journal.current(order.record)
        except OrderError as error:
            self._note_region(error)
            raise
        finally:
            self._landing([order])

    async def send_all(self, orders: Sequence[Signed]) -> list[OrderRecord]:
        """Send orders together and write down what the venue answered to each."""
        try:
            answers = await self._venue.submit_many([order.ticket for order in orders])
            for order, answer in zip(orders, answers, strict=True):
                if isinstance(answer, OrderError):
                    self._note_region(answer)
                with contextlib.suppress(PolymarketAPIError):  # the record tells
                    await conclude(self._journal, self._reconciler, order.record, order.ticket, answer, self._clock)
            await self._withdraw_if_halted(orders)
        except BaseException:
            for order in orders:
                if self._journal.current(order.record).status is OrderStatus.SENDING:
                    self._journal.move(order.record, OrderStatus.UNKNOWN, now=self._clock.now())
            raise
        finally:
            self._landing(orders)
        return [self._journal.current(order.record) for order in orders]

    def _note_region(self, error: OrderError) -> None:
        if error.restriction == "region":
            self._states.region_refused_at = self._clock.now()

    async def _withdraw_if_halted(self, orders: Sequence[Signed]) -> None:
        """Take back what landed on a desk that was halted meanwhile."""
        if self._kill_switch.current() is None:
            return
        current = [self._journal.current(order.record) for order in orders]
        resting = [each.order_id for each in current if each.status.open and each.order_id is not None]
        if resting:
            with contextlib.suppress(PolymarketAPIError):
                await self._cancels.of(resting)

    def _landing(self, orders: Sequence[Signed]) -> None:
        for order in orders:
            ended = self._journal.current(order.record)
            if not ended.attempted:
                self._drafts.release(ended.attempt_id)
            if ended.status is OrderStatus.UNKNOWN:
                self._recovery.look()
            self._under_way.discard(ended.attempt_id)
        if not self._under_way:
            self._landed.set()
