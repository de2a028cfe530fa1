"""Carries sliced orders on, slice after slice through the desk, over restarts and never one twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Self

from ..background_tasks import cancelled
from ..clock import Clock
from ..errors import (
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    RiskRefused,
    VenueUnavailable,
)
from ..models import OrderStatus
from ..money import text
from ..venues.venue import Venue
from .desk import TradingDesk
from .order_record import OrderRecord
from .run_book import Run, RunBook, RunStatus
from .slicing import Filled, SlicedOrder, check_sliced, filled_by, order_from_text, order_to_text

_log = logging.getLogger(__name__)

KIND = "slices"

_LOOK_S = 1.0
"""How often a run looks whether it was stopped, the desk halted, or its last slice answered."""

_MOST_FAILURES = 3
"""So many slices in a row that the venue could not be reached for end a run."""

_UNANSWERED = (OrderStatus.DRAFT, OrderStatus.AWAITING_PERSON, OrderStatus.SENDING)


@dataclass(frozen=True, slots=True)
class SliceProgress:
    """How far a sliced order has come. `next_at` is None where no slice is due, `waits_for` a code for a person."""

    run: Run
    order: SlicedOrder
    placed: tuple[OrderRecord, ...]
    filled: Filled
    next_at: datetime | None
    waits_for: str | None

    @property
    def remaining(self) -> Decimal:
        """Shares that have not traded."""
        return max(self.order.size - self.filled.shares, Decimal(0))


@dataclass(slots=True)
class _Course:
    """What a run has met in this process: failures in a row, and the moment before which it does not try again."""

    failures: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class _End:
    status: RunStatus
    cause: str


@dataclass(slots=True)
class SliceRuns:
    """The sliced orders of one account. An `async with` takes over what a process that is gone has left.

    Which slices were placed is read from the journal: each has a token of its run's id and its number, and the desk
    places a token once. On leaving, runs stay as they are for the next process.
    """

    desk: TradingDesk
    venue: Venue
    book: RunBook
    clock: Clock
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self.take_over()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in list(self._tasks.values()):
            await cancelled(task)

    @property
    def active(self) -> int:
        """How many runs this process is carrying on."""
        return len(self._tasks)

    def take_over(self) -> None:
        """Carry on what processes that are gone have left, orders on their way included."""
        adopted = self.book.adopt_orphans(KIND, now=self.clock.now())
        if adopted:
            self.desk.take_over()
        for run in adopted:
            self._carry_on(run)

    def start(self, order: SlicedOrder, *, client_token: str | None = None) -> tuple[Run, bool]:
        """Begin, and whether this is a new run; a repeated call answers the run that it repeats.

        Raises InputRejected for what could not be split so, and for a token that began other work.
        """
        check_sliced(order)
        run, is_new = self.book.open(
            KIND,
            order_to_text(order),
            fingerprint=order.fingerprint,
            client_token=client_token,
            now=self.clock.now(),
        )
        if is_new:
            self._carry_on(run)
        return run, is_new

    def stop(self, run_id: str, cause: str) -> Run:
        """End a run now. A slice that is on its way is not called back, one that waits for a person is.

        Raises InputRejected `unknown_run`.
        """
        run = self.book.end(run_id, RunStatus.STOPPED, cause, now=self.clock.now())
        for record in self._placed(run):
            if record.status is OrderStatus.AWAITING_PERSON:
                self.desk.withdraw(record.attempt_id, "Its run was stopped before a person answered.")
        return run

    async def progress(self, run: Run) -> SliceProgress:
        """How far a run has come by now. Raises what reading the account's trades raises."""
        order, placed = order_from_text(run.document), self._placed(run)
        running = run.status is RunStatus.RUNNING
        waiting = next((each.approval for each in placed if each.status is OrderStatus.AWAITING_PERSON), None)
        return SliceProgress(
            run=run,
            order=order,
            placed=tuple(placed),
            filled=filled_by(placed, await self.venue.trades()),
            next_at=order.next_at(run.run_id, run.created_at, placed) if running and not waiting else None,
            waits_for=waiting.code if waiting else None,
        )

    def _placed(self, run: Run) -> list[OrderRecord]:
        return self.desk.journal.of_tokens(f"{run.run_id}/")

    def _carry_on(self, run: Run) -> None:
        task = asyncio.create_task(self._run(run), name=f"run {run.run_id}")
        self._tasks[run.run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run.run_id, None))

    async def _run(self, run: Run) -> None:
        order, course = order_from_text(run.document), _Course()
        try:
            while self.book.is_mine(run.run_id):
                end = await self._step(run, order, course)
                if end is not None:
                    self.book.end(run.run_id, end.status, end.cause, now=self.clock.now())
        except Exception:
            _log.exception("%s failed", run.run_id)
            self.book.end(run.run_id, RunStatus.STOPPED, "the desk failed; its log says why", now=self.clock.now())

    async def _step(self, run: Run, order: SlicedOrder, course: _Course) -> _End | None:
        """Wait for what comes next, or place a slice; why the run is over, if it is."""
        halt = self.desk.halt
        if halt is not None:
            return _End(RunStatus.STOPPED, f"trading was halted: {halt.reason}")
        placed = self._placed(run)
        if placed and (unfinished := await self._unfinished(placed[-1])):
            return None if unfinished is True else unfinished
        now = self.clock.now()
        if now > order.ends_at(run.created_at):
            return _End(RunStatus.STOPPED, "its time was over before all of it had traded")
        due = order.next_at(run.run_id, run.created_at, placed)
        wait_s = (max(due, course.not_before or due) - now).total_seconds()
        if wait_s > 0:
            await self.clock.sleep(min(wait_s, _LOOK_S))
            return None
        try:
            end = await self._place_next(run, order, placed, course)
        except PolymarketAPIError as error:
            # It cannot be reached, or refuses to be read for a while, as paper does without news of a market.
            course.failures += 1
            if course.failures >= _MOST_FAILURES:
                return _End(RunStatus.STOPPED, f"the venue could not be read or reached: {error.message}")
            self._later(order, course)
            return None
        course.failures = 0
        return end

    async def _unfinished(self, last: OrderRecord) -> _End | bool:
        """Whether the last slice is still under way, after a wait; or why there will be no other."""
        if last.refusal is not None and last.refusal.stage == "person":
            return _End(RunStatus.STOPPED, f"a person did not agree to a slice: {last.refusal.message}")
        if last.status not in _UNANSWERED and not last.may_change:
            return False
        if last.may_change:
            with contextlib.suppress(PolymarketAPIError):  # asked again after the wait
                await self.desk.refresh()
        await self.clock.sleep(_LOOK_S)
        return True

    async def _place_next(
        self, run: Run, order: SlicedOrder, placed: list[OrderRecord], course: _Course
    ) -> _End | None:
        book = await self.venue.book(order.intent.outcome.token_id)
        if book is None:
            return _End(RunStatus.STOPPED, "the market has closed")
        filled = filled_by(placed, await self.venue.trades())
        remaining = max(order.size - filled.shares, Decimal(0))
        left = order.slices - len(placed)
        if remaining == 0 or order.too_small(remaining, book):
            return _End(RunStatus.DONE, "all of it has traded" if not remaining else "the rest is too small to trade")
        if left <= 0:
            return _End(RunStatus.DONE, "every slice was placed, and some of it found nobody to trade with")
        if order.beyond_limit(book):
            return _End(RunStatus.STOPPED, f"nothing rests at {text(order.limit)} or better any more")
        shares = order.slice_size(remaining, book, left=left)
        if not shares:
            self._later(order, course)
            return None
        return await self._place(order, shares, token=f"{run.run_id}/{len(placed) + 1}")

    async def _place(self, order: SlicedOrder, shares: Decimal, *, token: str) -> _End | None:
        """Place one slice; why the run is over when it was refused for a reason that will not pass."""
        try:
            await self.desk.place(order.slice_intent(shares), client_token=token)
        except OutcomeUnknown:
            return None  # the next step waits until it is known
        except (VenueUnavailable, RateLimitError):
            raise
        except PolymarketAPIError as error:
            passes = isinstance(error, RiskRefused) and error.retry_after_s is not None
            nobody = isinstance(error, OrderError) and error.code in ("fak_not_filled", "order_delayed")
            if passes or nobody:
                return None
            if isinstance(error, InputRejected) and error.code == "refused_by_venue":
                raise  # prices that it needs could not be read: nothing was sent
            return _End(RunStatus.STOPPED, f"a slice was refused: {error.message}")
        return None

    def _later(self, order: SlicedOrder, course: _Course) -> None:
        course.not_before = self.clock.now() + order.interval
