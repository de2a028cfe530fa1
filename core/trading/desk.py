"""The desk: takes intents, sees each one through to a known end, and answers for what happened."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Self

from ..clock import Clock
from ..errors import InputRejected, OrderError, PolymarketAPIError, RiskRefused
from ..identifiers import ConditionId, OrderId
from ..models import CancelResult, OrderStatus, Trade, TradeStatus
from ..money import text
from ..risk.gate import RiskGate
from ..risk.kill_switch import Halt, KillSwitch
from ..venues.venue import SignedTicket, Venue
from .approvals import ApprovalBox
from .consent import NO_CONSENT_GIVEN, Consent, ConsentKind, ConsentPolicy
from .desk_state import DeskStates
from .draft import Draft
from .draft_book import DraftBook
from .intent import OrderIntent
from .journal import OrderJournal
from .order_plan import OrderPlan
from .order_record import OrderRecord, Refusal
from .order_view import OrderView, order_views
from .person_wait import PersonWait
from .preparation import Preparation, Prepared
from .recovery import Recovery
from .submission import reconcile, submit

_log = logging.getLogger(__name__)

REPEAT_WINDOW = timedelta(seconds=120)
_LISTED = 500
"""Orders that a list goes back, besides all that may still change."""

_BESIDE_POLL_S = 0.1
_BESIDE_POLLS = 100
"""How often a call looks whether another process has sent the same order, before it says that it cannot wait."""

_LANDING_S = 10.0
"""Seconds a cancel of everything waits for orders that were already on their way."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a call to place an order led to. `already_placed` when it repeated an earlier call."""

    record: OrderRecord
    already_placed: bool = False


@dataclass(frozen=True, slots=True)
class Cancellation:
    """`withdrawn` are attempts that were still waiting for a person.

    `on_their_way` are attempts whose outcome is not known: they may rest after all.
    """

    result: CancelResult
    withdrawn: tuple[str, ...] = ()
    on_their_way: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stopped:
    """A halt, and the attempts it withdrew from a person's hands."""

    halt: Halt
    withdrawn: tuple[str, ...]


class TradingDesk:
    """One account's order desk. Every order passes plan, gate and consent, and in one market one after the other."""

    def __init__(
        self,
        venue: Venue,
        gate: RiskGate,
        states: DeskStates,
        kill_switch: KillSwitch,
        journal: OrderJournal,
        drafts: DraftBook,
        consent: ConsentPolicy,
        approvals: ApprovalBox,
        clock: Clock,
    ) -> None:
        self._venue = venue
        self._kill_switch = kill_switch
        self._drafts = drafts
        self._consent = consent
        self._clock = clock
        self._states = states
        self._preparation = Preparation(venue, journal, gate, states, clock)
        self._person = PersonWait(approvals, journal, clock, self._release)
        self._recovery = Recovery(venue, journal, drafts, self._person, clock)
        self._placing = asyncio.Lock()
        self._markets: weakref.WeakValueDictionary[ConditionId, asyncio.Lock] = weakref.WeakValueDictionary()
        self._under_way: set[str] = set()
        self._all_landed = asyncio.Event()
        self._all_landed.set()
        self.journal = journal
        self.gate = gate

    @property
    def halt(self) -> Halt | None:
        return self._kill_switch.current()

    @property
    def asks_consent(self) -> bool:
        """Whether any order of this desk can need somebody's yes."""
        return self._consent.asks

    async def preview(self, intent: OrderIntent) -> Draft:
        """Plan an order and check it, without sending anything. The draft can be placed within five minutes."""
        prepared = await self._preparation.prepare(intent)
        return self._drafts.keep(prepared.plan, now=self._clock.now())

    async def draft_to_ask(self, intent: OrderIntent) -> Draft:
        """The draft of this intent that is being asked about, or a new one: a question reads the same each round."""
        return self._drafts.being_asked(intent, now=self._clock.now()) or await self.preview(intent)

    def ask_about(self, draft: Draft) -> None:
        """Remember that the host's user is being asked about a draft."""
        self._drafts.ask(draft.draft_id)

    def draft(self, draft_id: str) -> Draft:
        """A draft by its id, used or not. Raises InputRejected `unknown_draft`."""
        return self._drafts.get(draft_id, now=self._clock.now())

    def consent_for(self, plan: OrderPlan, *, host_can_ask: bool) -> ConsentKind:
        """Whose yes this order needs."""
        return self._consent.required(plan, host_can_ask=host_can_ask)

    async def place(
        self,
        intent: OrderIntent,
        *,
        client_token: str | None = None,
        draft_id: str | None = None,
        named: bool = False,
        consent: Consent = NO_CONSENT_GIVEN,
    ) -> Placement:
        """Place an order once.

        With `draft_id` exactly the draft's order is sent. The same `client_token` or draft never places a second
        one; without a token, the same intent within two minutes returns the first, unless the caller `named` a new
        draft for it.

        Raises InputRejected and RiskRefused (nothing sent), OrderError (the venue said no), OutcomeUnknown (it may
        have acted) and VenueUnavailable (nothing sent).
        """
        async with self._one_at_a_time(intent.market.condition_id):
            async with self._placing:
                record, draft, is_new = await self._open(
                    intent, client_token=client_token, draft_id=draft_id, named=named
                )
                if not is_new:
                    return Placement(record, already_placed=True)
                async with self._refusing(record):
                    prepared = await self._prepared(intent, draft)
                    kind = self._consent.required(prepared.plan, host_can_ask=consent.host_can_ask)
                    _check_consent(kind, prepared.plan, draft, consent)
                    if kind is ConsentKind.PERSON:
                        return Placement(self._person.ask(record, prepared.plan))
                    record, signed = self._sign(record, prepared)
            return Placement(await self._submit(record, signed))

    async def _open(
        self, intent: OrderIntent, *, client_token: str | None, draft_id: str | None, named: bool
    ) -> tuple[OrderRecord, Draft | None, bool]:
        """A new attempt and the draft it uses up, or the attempt that this call repeats and False.

        Looking and writing are one step, also for other processes. One of them may be in the middle of the same
        order: that is waited for, and its attempt is ended when it turns out to be gone.
        """
        patience = _BESIDE_POLLS
        while True:
            with self.journal.atomically():
                draft = self.draft(draft_id) if draft_id is not None else None
                if draft is not None:
                    self._drafts.settle(draft.draft_id)
                repeated = self.earlier(intent, client_token=client_token, draft=draft, named=named)
                if repeated is None:
                    record = self.journal.open(intent, now=self._clock.now(), client_token=client_token)
                    if draft is not None:
                        self._drafts.use(draft, record.attempt_id)
                    return record, draft, True
            if repeated.status is not OrderStatus.DRAFT:
                return repeated, draft, False
            if not patience:
                raise InputRejected(
                    f"Another process of this desk is preparing the same order ({repeated.attempt_id}).",
                    code="being_placed",
                    fix="repeat the call in a few seconds; it will return that order",
                    retry_after_s=5,
                )
            patience -= 1
            self._recovery.take_over()
            await self._clock.sleep(_BESIDE_POLL_S)

    def earlier(
        self, intent: OrderIntent, *, client_token: str | None, draft: Draft | None = None, named: bool = False
    ) -> OrderRecord | None:
        """The attempt that a call with these arguments would repeat. Raises InputRejected `token_reused`."""
        if draft is not None and draft.attempt_id is not None:
            used = self.journal.get(draft.attempt_id)
            if used is not None and not used.attempted and used.status is not OrderStatus.DRAFT:
                raise InputRejected(
                    f"This draft was refused: {used.refusal.message if used.refusal else used.status}",
                    code="draft_refused",
                    fix="make a new preview if the user wants the order after all",
                    next_tool="polymarket_preview_order",
                )
            return used
        if client_token is None:
            if named:
                return None
            return self.journal.repeated(intent, now=self._clock.now(), within=REPEAT_WINDOW)
        used = self.journal.by_token(client_token)
        if used is not None and used.intent.fingerprint != intent.fingerprint:
            raise InputRejected(
                f"client_token {client_token!r} already placed another order ({used.attempt_id}).",
                code="token_reused",
                fix="use a new client_token for a different order",
                next_tool="polymarket_get_orders",
            )
        return used

    async def cancel(self, order_ids: tuple[OrderId, ...]) -> Cancellation:
        return Cancellation(self._note_cancelled(await self._venue.cancel(order_ids)))

    async def cancel_market(self, condition_id: ConditionId) -> Cancellation:
        """Cancel what rests in a market, what lands there meanwhile, and what waits for a person."""
        await self._landing()
        result = self._note_cancelled(await self._venue.cancel_market(condition_id))
        withdrawn = self._person.withdraw("It was cancelled before a person answered.", condition_id=condition_id)
        return Cancellation(result, withdrawn, self._uncertain(condition_id))

    async def cancel_all(self) -> Cancellation:
        """Cancel everything that rests, what lands meanwhile, and everything that waits for a person."""
        await self._landing()
        result = self._note_cancelled(await self._venue.cancel_all())
        return Cancellation(
            result, self._person.withdraw("It was cancelled before a person answered."), self._uncertain()
        )

    def engage_halt(self, reason: str) -> Stopped:
        """Refuse new orders from now on, in every process that shares the state folder."""
        halt = self._kill_switch.engage(reason, self._clock.now())
        return Stopped(halt, self._person.withdraw("Trading was halted before a person answered."))

    async def _landing(self) -> None:
        """Wait, not for ever, until orders that were already on their way have an outcome."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LANDING_S):
                await self._all_landed.wait()

    def _uncertain(self, condition_id: ConditionId | None = None) -> tuple[str, ...]:
        uncertain = self.journal.in_state(OrderStatus.SENDING, OrderStatus.UNKNOWN, condition_id=condition_id)
        return tuple(record.attempt_id for record in uncertain)

    async def orders(self) -> tuple[OrderView, ...]:
        """Every order of the account that the venue or this desk knows of, newest first, with its fills."""
        open_orders, trades = await asyncio.gather(self._venue.open_orders(), self._venue.trades())
        still_open = {order.id for order in open_orders}
        for record in self.journal.in_state(OrderStatus.UNKNOWN, OrderStatus.LIVE, OrderStatus.DELAYED):
            if not (record.status is OrderStatus.LIVE and record.order_id in still_open):
                await reconcile(self._venue, self.journal, record, self._clock)
        return order_views(self.journal.latest(_LISTED), open_orders, trades)

    def remembered_orders(self) -> tuple[OrderView, ...]:
        """The orders of the journal as last known, without asking the venue; single fills are not among them."""
        return order_views(self.journal.latest(_LISTED), (), ())

    async def fills_of(self, order_id: OrderId) -> tuple[Trade, ...]:
        """The fills of one order so far; void ones are not fills."""
        trades = await self._venue.trades()
        return tuple(each for each in trades if each.order_id == order_id and each.status is not TradeStatus.FAILED)

    def fee_of(self, trade: Trade) -> Decimal:
        """The fee of one of the account's trades, in dollars."""
        return self._preparation.fee_of(trade)

    async def __aenter__(self) -> Self:
        """See to what earlier processes left, and go on finding out what is not known."""
        await self._recovery.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop asking and waiting. Orders at the venue stay as they are."""
        await self._recovery.aclose()
        await self._person.aclose()

    @contextlib.asynccontextmanager
    async def _one_at_a_time(self, condition_id: ConditionId) -> AsyncIterator[None]:
        """One order of a market is planned when the fate of the one before it is known."""
        lock = self._markets.setdefault(condition_id, asyncio.Lock())
        async with lock:
            yield

    @contextlib.asynccontextmanager
    async def _refusing(self, record: OrderRecord) -> AsyncIterator[None]:
        """Whatever goes wrong before the order is on its way ends its record, and is told as nothing sent."""
        try:
            yield
        except PolymarketAPIError as error:
            self._refuse(record, error)
            raise
        except Exception as error:
            _log.exception("attempt %s failed before anything was sent", record.attempt_id)
            defect = PolymarketAPIError("The desk failed before anything was sent; its log says why.")
            self._refuse(record, defect)
            raise defect from error
        except BaseException:
            self._refuse(record, PolymarketAPIError("The call was abandoned before anything was sent."))
            raise

    async def _prepared(self, intent: OrderIntent, draft: Draft | None) -> Prepared:
        if draft is not None:
            return await self._preparation.prepare_again(draft.plan)
        return await self._preparation.prepare(intent)

    def _sign(self, record: OrderRecord, prepared: Prepared) -> tuple[OrderRecord, SignedTicket]:
        """Approve, sign and write down in one step: of orders that fit a limit only alone, one passes."""
        now = self._clock.now()
        with self.journal.atomically():
            approved = self._preparation.approve(prepared)
            signed = self._venue.sign(approved)
            written = self.journal.move(
                record,
                OrderStatus.SENDING,
                now=now,
                body=signed.wire,
                gate=approved.controls,
                plan=prepared.plan,
                order_id=signed.order_id,
                sent_at=now,
            )
        self._under_way.add(record.attempt_id)
        self._all_landed.clear()
        return written, signed

    async def _submit(self, record: OrderRecord, signed: SignedTicket) -> OrderRecord:
        try:
            record = await submit(self._venue, self.journal, record, signed, self._clock)
            if record.status.open and self.halt is not None and record.order_id is not None:
                # It landed on a desk that was halted meanwhile.
                with contextlib.suppress(PolymarketAPIError):
                    self._note_cancelled(await self._venue.cancel([record.order_id]))
            return self.journal.current(record)
        except OrderError as error:
            if error.restriction == "region":
                self._states.region_refused_at = self._clock.now()
            raise
        finally:
            ended = self.journal.current(record)
            if not ended.attempted:
                self._drafts.release(record.attempt_id)
            if ended.status is OrderStatus.UNKNOWN:
                self._recovery.look()
            self._under_way.discard(record.attempt_id)
            if not self._under_way:
                self._all_landed.set()

    async def _release(self, record: OrderRecord, agreed: OrderPlan) -> None:
        """Send an order a person said yes to, exactly as the person saw it."""
        async with self._one_at_a_time(record.intent.market.condition_id):
            async with self._placing:
                try:
                    async with self._refusing(record):
                        prepared = await self._preparation.prepare_again(agreed)
                        if self.journal.current(record).status is not OrderStatus.AWAITING_PERSON:
                            return  # withdrawn while the prices were read
                        record, signed = self._sign(record, prepared)
                except PolymarketAPIError:
                    return  # the journal says why; nobody waits for this call
            with contextlib.suppress(PolymarketAPIError):  # likewise
                await self._submit(record, signed)

    def _refuse(self, record: OrderRecord, error: PolymarketAPIError) -> None:
        record = self.journal.current(record)
        if record.status not in (OrderStatus.DRAFT, OrderStatus.AWAITING_PERSON):
            return
        self._drafts.release(record.attempt_id)
        rejected = error if isinstance(error, InputRejected) else None
        risk = error if isinstance(error, RiskRefused) else None
        self.journal.move(
            record,
            OrderStatus.REFUSED,
            now=self._clock.now(),
            refusal=Refusal(
                stage="gate" if risk else "plan",
                code=rejected.code if rejected else type(error).__name__,
                message=error.message,
                fix=rejected.fix if rejected else "",
                control=risk.control if risk else "",
                value=risk.value if risk else "",
                limit=risk.limit if risk else "",
            ),
        )

    def _note_cancelled(self, result: CancelResult) -> CancelResult:
        for order_id in result.canceled:
            record = self.journal.by_order(order_id)
            if record is not None and record.may_change:
                self.journal.move(record, OrderStatus.CANCELED, now=self._clock.now())
        return result


def _check_consent(kind: ConsentKind, plan: OrderPlan, draft: Draft | None, consent: Consent) -> None:
    """Raise InputRejected unless the yes that `kind` asks for was given to exactly this draft."""
    if kind is ConsentKind.DIALOG and (draft is None or not consent.agreed_by_user):
        raise InputRejected("The user did not agree to this order.", code="not_confirmed")
    if kind is not ConsentKind.ACKNOWLEDGE:
        return
    if draft is None or consent.acknowledged_usd is None:
        raise InputRejected(
            f"This order may cost ${text(plan.worst_cost)} of real money and needs an acknowledgement.",
            code="acknowledgement_needed",
            fix="call polymarket_preview_order, then place with its draft_id and acknowledge=its worst_cost",
            next_tool="polymarket_preview_order",
        )
    if consent.acknowledged_usd != plan.worst_cost:
        raise InputRejected(
            f"The acknowledged ${text(consent.acknowledged_usd)} is not the draft's worst cost of "
            f"${text(plan.worst_cost)}.",
            code="acknowledgement_differs",
        )
