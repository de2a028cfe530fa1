"""Orders whose process is gone, or whose answer was lost, brought to their true state by asking the venue alone."""

from __future__ import annotations

import asyncio
import logging

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import PolymarketAPIError
from ..models import OrderStatus
from .draft_book import DraftBook
from .journal import OrderJournal
from .order_record import OrderRecord, Refusal
from .person_wait import PersonWait
from .reconciliation import Reconciler

_log = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0


class Recovery:
    """Runs beside the desk from `start` to `aclose`. Nothing is ever sent by it."""

    def __init__(
        self, journal: OrderJournal, reconciler: Reconciler, drafts: DraftBook, person: PersonWait, clock: Clock
    ) -> None:
        self._journal = journal
        self._reconciler = reconciler
        self._drafts = drafts
        self._person = person
        self._clock = clock
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.take_over()
        self._task = asyncio.create_task(self._run(), name="order recovery")
        self._task.add_done_callback(logs_failure(_log, "unknown orders are only looked up when somebody asks"))

    async def aclose(self) -> None:
        if self._task is not None:
            await cancelled(self._task)

    def look(self) -> None:
        """There is an order whose outcome is not known: find out, soon and then less and less often."""
        self._news.set()

    def take_over(self) -> None:
        """See to what processes that are gone have left.

        What was not signed yet is refused: nothing was sent. What waits for a person goes on waiting. What may have
        been sent is unknown.
        """
        waiting: list[OrderRecord] = []
        with self._journal.atomically():
            for record in self._journal.orphans():
                now = self._clock.now()
                match record.status:
                    case OrderStatus.DRAFT:
                        gone = Refusal("plan", "abandoned", "The desk ended before anything was sent.")
                        self._journal.move(record, OrderStatus.REFUSED, now=now, refusal=gone)
                        self._drafts.release(record.attempt_id)
                    case OrderStatus.AWAITING_PERSON:
                        waiting.append(self._journal.adopt(record, now=now))
                    case _:
                        self._journal.move(record, OrderStatus.UNKNOWN, now=now)
        for record in waiting:
            self._person.resume(record)
        if self._journal.unknown():
            self.look()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            wait_s = _FIRST_WAIT_S
            while unknown := self._journal.unknown():
                for record in unknown:
                    try:
                        await self._reconciler.look_up(record)
                    except PolymarketAPIError as error:
                        _log.info("%s is still unknown: %s", record.attempt_id, error.message)
                if self._news.is_set():
                    self._news.clear()
                    wait_s = _FIRST_WAIT_S
                await self._clock.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
