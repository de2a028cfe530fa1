"""Orders that wait for a person: the question, the wait, and what the answer leads to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from ..clock import Clock
from ..identifiers import ConditionId
from ..models import OrderStatus
from ..money import text
from ..untrusted_text import quoted
from .approvals import ApprovalBox, Decision
from .journal import OrderJournal
from .order_plan import OrderPlan
from .order_record import OrderRecord, PendingApproval, Refusal

_log = logging.getLogger(__name__)

APPROVAL_WINDOW = timedelta(minutes=5)

Release = Callable[[OrderRecord, OrderPlan], Awaitable[None]]


class PersonWait:
    """Holds orders until somebody outside the chat has said yes, and hands them to `release` then."""

    def __init__(self, approvals: ApprovalBox, journal: OrderJournal, clock: Clock, release: Release) -> None:
        self._approvals = approvals
        self._journal = journal
        self._clock = clock
        self._release = release
        self._waiting: set[asyncio.Task[None]] = set()

    def ask(self, record: OrderRecord, plan: OrderPlan) -> OrderRecord:
        """Put the question and return at once; the order is sent, or not, when it is answered."""
        now = self._clock.now()
        request = self._approvals.ask(describe_for_person(plan), expires_at=now + APPROVAL_WINDOW)
        record = self._journal.move(
            record,
            OrderStatus.AWAITING_PERSON,
            now=now,
            plan=plan,
            approval=PendingApproval(request.code, request.expires_at),
        )
        self._wait_for(record, plan, request.code)
        return record

    def withdraw(
        self, why: str, *, condition_id: ConditionId | None = None, attempt_id: str | None = None, mine: bool = False
    ) -> tuple[str, ...]:
        """End what waits, in one market or in all, so that a later yes comes to nothing. Answers attempt ids.

        With `attempt_id` only that attempt, with `mine` only what this process has asked for.
        """
        ended: list[OrderRecord] = []
        with self._journal.atomically():
            for record in self._journal.in_state(OrderStatus.AWAITING_PERSON, condition_id=condition_id):
                if mine and record.desk != self._journal.process_id:
                    continue
                if attempt_id not in (None, record.attempt_id):
                    continue
                self._refuse(record, "withdrawn", why)
                ended.append(record)
        for record in ended:
            if record.approval is not None:
                self._approvals.remove(record.approval.code)
        return tuple(record.attempt_id for record in ended)

    def resume(self, record: OrderRecord) -> None:
        """Go on waiting for the answer that another process, which is gone, had asked for."""
        assert record.plan is not None and record.approval is not None  # written with the question
        self._approvals.adopt(record.approval.code, self._clock.now())
        self._wait_for(record, record.plan, record.approval.code)

    async def aclose(self) -> None:
        """Stop waiting. Nothing that waits is sent."""
        self.withdraw("The desk was closed before a person answered.", mine=True)
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def _wait_for(self, record: OrderRecord, plan: OrderPlan, code: str) -> None:
        task = asyncio.create_task(self._wait(record, plan, code), name=f"approval {code}")
        self._waiting.add(task)
        task.add_done_callback(self._end)

    async def _wait(self, record: OrderRecord, plan: OrderPlan, code: str) -> None:
        try:
            decision = await self._approvals.decision(code, self._clock)
            if self._journal.current(record).status is not OrderStatus.AWAITING_PERSON:
                return
            if decision is Decision.APPROVED:
                self._journal.note("person.approved", record, now=self._clock.now(), code=code)
                await self._release(record, plan)
            elif decision is Decision.EXPIRED:
                self._refuse(record, "expired", "Nobody answered in time.", status=OrderStatus.EXPIRED)
            else:
                self._refuse(record, "declined", "The person said no.")
        except Exception:
            if self._journal.current(record).status is OrderStatus.AWAITING_PERSON:
                self._refuse(record, "failed", "The desk failed while it waited; its log says why.")
            raise
        finally:
            self._approvals.remove(code)

    def _refuse(
        self, record: OrderRecord, code: str, message: str, *, status: OrderStatus = OrderStatus.REFUSED
    ) -> None:
        self._journal.move(record, status, now=self._clock.now(), refusal=Refusal("person", code, message))

    def _end(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s ended in a defect", task.get_name(), exc_info=error)


def describe_for_person(plan: OrderPlan) -> str:
    """The question a person answers, from the desk's own numbers; the words of strangers are quoted and cut."""
    ticket = plan.ticket
    return (
        f"{ticket.side} {text(ticket.shares)} shares of {quoted(plan.intent.outcome.label, 40)} at "
        f"{text(ticket.price)} or better ({ticket.time_in_force}), costing at most ${text(plan.worst_cost)} of real "
        f'money, fee included. Market: "{quoted(plan.intent.market.question, 120)}"'
    )
