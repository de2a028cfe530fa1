"""Changes positions on chain: previewed, agreed to by a person, written down, sent once, followed to their end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import (
    ConfigurationError,
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    VenueUnavailable,
)
from ..models.position_change import PositionOrder, RelayedState
from ..polymarket.relayer import RelayerClient
from ..risk.kill_switch import KillSwitch
from ..untrusted_text import quoted
from ..venues.venue import Venue
from .approvals import ApprovalBox, Decision
from .consent import Consent, ConsentKind, ConsentPolicy
from .person_wait import APPROVAL_WINDOW
from .position_amounts import Measured, measured
from .position_journal import ChangeStatus, PositionChange, PositionJournal

_log = logging.getLogger(__name__)

PREVIEW_LIFETIME = timedelta(minutes=5)
NEVER_ARRIVED_AFTER = timedelta(seconds=60)
"""A transaction that the relayer does not list so long after it was sent, with its nonce still free, is not there."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 15.0
_ANSWER_WITHIN_S = 8.0
"""How long a call waits for the chain before it answers that the transaction is under way."""

_STATUS = {"confirmed": ChangeStatus.CONFIRMED, "failed": ChangeStatus.FAILED, "invalid": ChangeStatus.FAILED}


class PositionDesk:
    """One wallet's changes, one at a time: the next is signed when the fate of the one before is known."""

    def __init__(
        self,
        relayer: RelayerClient,
        venue: Venue,
        journal: PositionJournal,
        consent: ConsentPolicy,
        approvals: ApprovalBox,
        kill_switch: KillSwitch,
        clock: Clock,
    ) -> None:
        self._relayer = relayer
        self._venue = venue
        self._consent = consent
        self._approvals = approvals
        self._kill_switch = kill_switch
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._moved = asyncio.Condition()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.journal = journal

    @property
    def asks_consent(self) -> bool:
        return self._consent.asks

    def consent_for(self, *, host_can_ask: bool) -> ConsentKind:
        """Whose yes any change of this wallet needs."""
        return self._consent.required_of_user(host_can_ask=host_can_ask)

    async def preview(self, order: PositionOrder) -> PositionChange:
        """Measure an order against the account and work out its calls. Nothing is signed and nothing is sent.

        `amount` None means all there is. Raises InputRejected for what the account cannot do, ConfigurationError for
        an account that the relayer does not send for.
        """
        self._relayer.check()
        found = await measured(order, self._venue, self._relayer)
        now = self._clock.now()
        return self.journal.open(
            found.order,
            self._relayer.calls(found.order),
            gives=found.gives,
            gets=found.gets,
            now=now,
            expires_at=now + PREVIEW_LIFETIME,
        )

    async def carry_out(self, change_id: str, *, consent: Consent) -> PositionChange:
        """Send what was previewed, once; a call that repeats one tells what became of it.

        Raises InputRejected (nothing sent), OrderError (the relayer said no), VenueUnavailable, RateLimitError (nothing
        done), OutcomeUnknown (it may or may not happen).
        """
        change = self.journal.get(change_id)
        if change.status is ChangeStatus.PREVIEWED:
            async with self._one_at_a_time:
                change = await self._begin(self.journal.get(change_id), consent)
        if change.status.under_way:
            change = await self._settled_soon(change)
        return change

    async def look_up(self, change: PositionChange) -> PositionChange:
        """The change as the relayer knows it now. Raises what its reads raise."""
        if change.transaction_id:
            told = await self._relayer.transaction(change.transaction_id)
        else:
            told = await self._relayer.find(signature=change.signature, note=_note(change))
        if (current := self._settled(change)) is not None:
            return current
        if told is not None:
            return await self._told(change, told)
        if change.status is ChangeStatus.UNKNOWN and not change.transaction_id and self._is_past(change):
            free = (await self._relayer.next_nonce()).nonce == change.nonce
            if (current := self._settled(change)) is not None:
                return current
            if free or change.void_after is not None:
                return await self._moved_to(
                    change, ChangeStatus.REJECTED, error="It never reached the relayer, and nothing was done."
                )
        return change

    async def __aenter__(self) -> Self:
        """See to what earlier processes left, and follow what is under way."""
        self.take_over()
        self._start(self._follow(), "position changes")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop following and waiting. What was sent stays sent; what waits for a person is not sent."""
        for task in list(self._tasks):
            with contextlib.suppress(Exception):
                await cancelled(task)
        for change in self.journal.in_state(ChangeStatus.AWAITING_PERSON):
            if change.desk == self.journal.process_id:
                self._give_up_waiting(change)

    def take_over(self) -> None:
        """See to changes of processes that are gone: what may have been sent is unknown, what waited is not sent."""
        with self.journal.atomically():
            for change in self.journal.orphans():
                if change.status is ChangeStatus.SENDING:
                    self.journal.move(change, ChangeStatus.UNKNOWN, now=self._clock.now())
                else:
                    self._give_up_waiting(change)
        self._news.set()

    def _give_up_waiting(self, change: PositionChange) -> None:
        self._approvals.remove(change.approval_code)
        self.journal.move(
            change, ChangeStatus.EXPIRED, now=self._clock.now(), error="The desk was closed before a person answered."
        )

    async def _begin(self, change: PositionChange, consent: Consent) -> PositionChange:
        if change.status is not ChangeStatus.PREVIEWED:
            return change
        if self._clock.now() >= change.expires_at:
            raise InputRejected(
                "This preview is older than five minutes.",
                code="preview_expired",
                fix="call again without preview_id",
                next_tool="polymarket_manage_position",
            )
        self._check_free()
        kind = self.consent_for(host_can_ask=consent.host_can_ask)
        if kind is ConsentKind.DIALOG and not consent.agreed_by_user:
            await self._moved_to(change, ChangeStatus.DECLINED, error="The user did not agree.")
            raise InputRejected("The user did not agree to this transaction.", code="not_confirmed")
        if kind is ConsentKind.PERSON:
            return self._ask(change)
        return await self._send(change)

    def _check_free(self) -> None:
        """Raise InputRejected while trading is halted, or while another change may still happen."""
        halt = self._kill_switch.current()
        if halt is not None:
            raise InputRejected(f"Trading is halted: {quoted(halt.reason, 100)}", code="halted")
        for other in self.journal.under_way():
            raise InputRejected(
                f"{other.change_id} is {other.status}, and a wallet does one thing after the other.",
                code="change_under_way",
                fix=f"call with preview_id={other.change_id} until it is confirmed or failed",
                next_tool="polymarket_manage_position",
                retry_after_s=5,
            )

    def _ask(self, change: PositionChange) -> PositionChange:
        """Put the question to a person and return at once."""
        request = self._approvals.ask(describe_change(change), expires_at=self._clock.now() + APPROVAL_WINDOW)
        change = self.journal.move(
            change,
            ChangeStatus.AWAITING_PERSON,
            now=self._clock.now(),
            approval_code=request.code,
            desk=self.journal.process_id,
        )
        self._start(self._wait_for_person(change), f"approval {request.code}")
        return change

    async def _wait_for_person(self, change: PositionChange) -> None:
        try:
            decision = await self._approvals.decision(change.approval_code, self._clock)
            async with self._one_at_a_time:
                if self.journal.current(change).status is not ChangeStatus.AWAITING_PERSON:
                    return
                if decision is Decision.APPROVED:
                    with contextlib.suppress(PolymarketAPIError):  # the journal says why; nobody waits for this call
                        await self._send(change)
                else:
                    expired = decision is Decision.EXPIRED
                    status = ChangeStatus.EXPIRED if expired else ChangeStatus.DECLINED
                    why = "Nobody answered in time." if expired else "The person said no."
                    await self._moved_to(change, status, error=why)
        finally:
            self._approvals.remove(change.approval_code)

    async def _send(self, change: PositionChange) -> PositionChange:
        """Measure again, sign, write down and send. Nothing is sent unless it is what was shown."""
        try:
            self._check_free()
            found = await measured(change.order, self._venue, self._relayer)
            if (found.gives, found.gets) != (change.gives, change.gets):
                raise _changed(found)
            signed = await self._relayer.sign(change.calls, note=_note(change))
            with self.journal.atomically():
                self._check_free()
                change = self.journal.move(
                    change,
                    ChangeStatus.SENDING,
                    now=self._clock.now(),
                    nonce=signed.nonce,
                    signature=signed.signature,
                    void_after=signed.void_after,
                    sent_at=self._clock.now(),
                    desk=self.journal.process_id,
                )
        except PolymarketAPIError as error:
            await self._moved_to(change, ChangeStatus.REJECTED, error=error.message)
            raise
        try:
            told = await self._relayer.submit(signed)
        except (OrderError, RateLimitError, VenueUnavailable, ConfigurationError, InputRejected) as error:
            await self._moved_to(change, ChangeStatus.REJECTED, error=error.message)
            raise
        except BaseException as error:
            await self._moved_to(change, ChangeStatus.UNKNOWN)
            self._news.set()
            if isinstance(error, PolymarketAPIError):
                raise OutcomeUnknown(
                    f"The transaction was sent and its answer never came: {error.message}. It is never sent again; "
                    f"call with preview_id={change.change_id} to see what became of it."
                ) from error
            raise
        # Whatever it says already: what has become of it is read where its error and its hash stand too.
        change = await self._moved_to(
            change, ChangeStatus.SUBMITTED, transaction_id=told.id, transaction_hash=told.hash
        )
        self._news.set()
        return change

    async def _told(self, change: PositionChange, told: RelayedState) -> PositionChange:
        """Write down what the relayer says, and have the venue read balances anew once it is final."""
        status = _STATUS.get(told.state, ChangeStatus.SUBMITTED)
        if status is change.status:
            return change
        change = await self._moved_to(
            change, status, transaction_id=told.id, transaction_hash=told.hash, error=quoted(told.error, 200)
        )
        if status is ChangeStatus.CONFIRMED:
            for token in (None, *change.order.token_ids):
                with contextlib.suppress(PolymarketAPIError):  # the venue reads them by itself, only later
                    await self._venue.refresh_balance(token)
        return change

    async def _moved_to(self, change: PositionChange, status: ChangeStatus, **fields: object) -> PositionChange:
        change = self.journal.move(change, status, now=self._clock.now(), **fields)
        async with self._moved:
            self._moved.notify_all()
        return change

    async def _settled_soon(self, change: PositionChange) -> PositionChange:
        """Wait a little for the end; what takes longer goes on by itself."""

        def is_final() -> bool:
            return not self.journal.current(change).status.under_way

        self._news.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_WITHIN_S), self._moved:
                await self._moved.wait_for(is_final)
        return self.journal.current(change)

    async def _follow(self) -> None:
        """Ask for what is under way until all of it has ended, soon and then less and less often."""
        while True:
            await self._news.wait()
            self._news.clear()
            wait_s = _FIRST_WAIT_S
            while pending := [each for each in self.journal.under_way() if each.status is not ChangeStatus.SENDING]:
                for change in pending:
                    try:
                        await self.look_up(change)
                    except PolymarketAPIError as error:
                        _log.info("%s is still %s: %s", change.change_id, change.status, error.message)
                if self._news.is_set():
                    self._news.clear()
                    wait_s = _FIRST_WAIT_S
                await self._clock.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _settled(self, change: PositionChange) -> PositionChange | None:
        """The change, if its fate became known while it was looked up: a person, or another process, has told it."""
        current = self.journal.current(change)
        return None if current.status.under_way else current

    def _is_past(self, change: PositionChange) -> bool:
        """Whether a transaction that nobody has seen can no longer come."""
        now = self._clock.now()
        assert change.sent_at is not None
        if change.void_after is not None:
            return now.timestamp() > change.void_after + NEVER_ARRIVED_AFTER.total_seconds()
        return now - change.sent_at > NEVER_ARRIVED_AFTER

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(logs_failure(_log, f"{name} ended in a defect"))


def describe_change(change: PositionChange) -> str:
    """The question a person answers, from the desk's own numbers; the words of strangers are quoted and cut."""
    calls = "; ".join(
        f"{each.contract} {each.address} {each.function}("
        + ", ".join(f"{name}={value}" for name, value in each.arguments)
        + ")"
        for each in change.calls
    )
    market = f' Market: "{quoted(change.order.question, 120)}".' if change.order.question else ""
    return (
        f"{change.order.action.value.upper()} with real money: gives {change.gives}, gets {change.gets}.{market} "
        f"Calls, gas paid by the relayer: {calls}"
    )


def _note(change: PositionChange) -> str:
    return f"polydesk {change.change_id}"


def _changed(found: Measured) -> InputRejected:
    return InputRejected(
        f"The account has changed since the preview: it would now give {found.gives} and get {found.gets}.",
        code="account_changed",
        fix="preview it again",
        next_tool="polymarket_manage_position",
    )
