"""The desk: takes intents, sees each one through to a known end, and answers for what happened."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Self

from ..clock import Clock
from ..errors import InputRejected, PolymarketAPIError
from ..identifiers import ConditionId, OrderId
from ..models import OpenOrder, OrderStatus, Position, Trade, TradeStatus
from ..portfolio.account_state import AccountState
from ..risk.gate import RiskGate
from ..risk.kill_switch import Halt, KillSwitch
from ..risk.mandate import Mandate, MandateState
from ..storage.audit_log import AuditLog
from ..telemetry.metrics import InMemoryMetrics
from ..venues.venue import Venue
from .account_view import AccountView
from .approvals import ApprovalBox
from .attempts import Attempts
from .cancels import Cancels
from .consent import NO_CONSENT_GIVEN, Consent, ConsentKind, ConsentPolicy, check_consent
from .dead_letters import DeadLetters
from .desk_state import DeskStates, Standing
from .draft import Draft
from .draft_book import DraftBook
from .halt_watch import HaltWatch
from .heartbeat import Heartbeat
from .intent import OrderIntent
from .journal import OrderJournal
from .order_feed import OpenStream, OrderFeed
from .order_plan import OrderPlan
from .order_record import OrderRecord
from .order_states import MAY_CHANGE
from .order_view import OrderView, order_views
from .person_wait import PersonWait
from .preparation import Preparation, Prepared
from .reconciliation import ARRIVAL_WINDOW, Reconciler
from .recovery import Recovery
from .sending import Sending
from .settled_fills import SettledFills

_LISTED = 500
"""Orders that a list goes back, besides all that may still change."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a call to place an order led to. `already_placed` when it repeated an earlier call."""

    record: OrderRecord
    already_placed: bool = False


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
        letters: DeadLetters,
        audit: AuditLog,
        drafts: DraftBook,
        consent: ConsentPolicy,
        approvals: ApprovalBox,
        clock: Clock,
        account_stream: OpenStream | None = None,
        heartbeat: Heartbeat | None = None,
        arrival_window: timedelta = ARRIVAL_WINDOW,
    ) -> None:
        """`account_stream` tells that something happened to orders, `heartbeat` the venue that this desk lives.

        An order that the venue has not heard of within `arrival_window` never arrived.
        """
        self._venue = venue
        self._kill_switch = kill_switch
        self._states = states
        self._drafts = drafts
        self._consent = consent
        self._clock = clock
        self._reconciler = Reconciler(venue, journal, clock, arrival_window=arrival_window)
        self._preparation = Preparation(venue, journal, gate, states, self._reconciler, clock)
        self._person = PersonWait(approvals, journal, clock, self._release)
        self._recovery = Recovery(journal, self._reconciler, drafts, self._person, clock)
        self._attempts = Attempts(journal, drafts, self._recovery, clock)
        self._placing = asyncio.Lock()
        self._markets: weakref.WeakValueDictionary[ConditionId, asyncio.Lock] = weakref.WeakValueDictionary()
        self._audit = audit
        landed = asyncio.Event()
        self.cancels = Cancels(venue, journal, self._person, letters, audit, clock, landed)
        self._feed = self._order_feed(account_stream) if account_stream else None
        self._heartbeat = heartbeat
        self._settled = SettledFills(venue)
        self._halt_watch = HaltWatch(kill_switch, self.cancels, clock)
        self._sending = Sending(
            venue,
            journal,
            drafts,
            self._preparation,
            states,
            self._reconciler,
            self._recovery,
            kill_switch,
            self.cancels,
            clock,
            landed,
        )
        self.latency = InMemoryMetrics()
        self.journal = journal
        self.letters = letters
        self.gate = gate

    @property
    def halt(self) -> Halt | None:
        return self._kill_switch.current()

    @property
    def refusals(self) -> Mapping[tuple[str, str], int]:
        """Orders that were refused before anything was sent, since the desk opened, by stage and code."""
        return self._attempts.refusals

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

    async def replay(self, letter_id: str) -> Draft:
        """A new draft of an order that failed for good, on the prices of now. Its letter ends when it is placed.

        Raises InputRejected `unknown_letter`, or `not_an_order` for the letter of a cancel.
        """
        letter = self.letters.get(letter_id)
        dead = self.journal.get(letter.attempt_id) if letter.attempt_id else None
        if dead is None:
            raise InputRejected(
                "This letter is a cancel, which can simply be asked for again.",
                code="not_an_order",
                fix="call polymarket_cancel_orders",
                next_tool="polymarket_cancel_orders",
            )
        # Whoever agreed to a strategy's run did not agree to what is sent outside of it.
        prepared = await self._preparation.prepare(dataclasses.replace(dead.intent, mandate=None))
        return self._drafts.keep(prepared.plan, now=self._clock.now(), replays=dead.attempt_id)

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
                attempt = await self._attempts.begin(intent, client_token=client_token, draft_id=draft_id, named=named)
                record, draft = attempt.record, attempt.draft
                if not attempt.is_new:
                    return Placement(record, already_placed=True)
                async with self._attempts.refusing(record):
                    with self._timed("order planning"):
                        prepared = await self._prepared(intent, draft)
                    kind = self._consent.required(prepared.plan, host_can_ask=consent.host_can_ask)
                    check_consent(kind, prepared.plan, draft, consent)
                    if kind is ConsentKind.PERSON:
                        return Placement(self._person.ask(record, prepared.plan))
                    with self._timed("order signing and journal"):
                        (signed,) = self._sending.sign([(record, prepared)])
            with self._timed("order at the venue"):
                placed = await self._sending.send(signed)
            if draft is not None and draft.replays is not None:
                self.letters.replayed(draft.replays, by=placed.attempt_id, now=self._clock.now())
            return Placement(placed)

    async def place_all(self, orders: Sequence[tuple[OrderIntent, str | None]]) -> list[Placement]:
        """Place several orders, each (intent, client_token), that pass the gate together or not at all.

        They are planned one after the other, weighed with each other, and sent together; what the venue answers to
        each is in its record. Those that repeat earlier calls are not sent again.

        Raises InputRejected and RiskRefused when any of them cannot pass: then none was sent.
        """
        conditions = sorted({intent.market.condition_id for intent, _ in orders})
        async with contextlib.AsyncExitStack() as held:
            for condition_id in conditions:  # in one order everywhere, so that two batches cannot wait for each other
                await held.enter_async_context(self._one_at_a_time(condition_id))
            async with self._placing:
                attempts = [
                    await self._attempts.begin(intent, client_token=token, draft_id=None, named=False)
                    for intent, token in orders
                ]
                new = [attempt.record for attempt in attempts if attempt.is_new]
                async with self._attempts.refusing(*new):
                    prepared = [await self._preparation.prepare(record.intent) for record in new]
                    for each in prepared:
                        if self._consent.required(each.plan, host_can_ask=False) is not ConsentKind.NONE:
                            raise InputRejected(
                                "Orders that need somebody's consent are placed one by one.",
                                code="consent_each",
                                fix="call polymarket_place_order for each",
                                next_tool="polymarket_place_order",
                            )
                    signed = self._sending.sign(list(zip(new, prepared, strict=True)))
            await self._sending.send_all(signed)
        return [Placement(self.journal.current(each.record), already_placed=not each.is_new) for each in attempts]

    def earlier(self, intent: OrderIntent, *, client_token: str | None) -> OrderRecord | None:
        """The attempt that a call with these arguments would repeat. Raises InputRejected `token_reused`."""
        return self._attempts.earlier(intent, client_token=client_token)

    def engage_halt(self, reason: str) -> Stopped:
        """Refuse new orders from now on, in every process that shares the state folder."""
        now = self._clock.now()
        halt = self._kill_switch.engage(reason, now)
        self._halt_watch.note(halt.since)
        self._audit.write("halt", now=now, reason=reason)
        return Stopped(halt, self._person.withdraw("Trading was halted before a person answered."))

    def take_over(self) -> None:
        """See to the orders that other processes, gone since this one began, have left."""
        self._recovery.take_over()

    def withdraw(self, attempt_id: str, why: str) -> None:
        """Take an order back that still waits for a person; one that does not is left as it is."""
        self._person.withdraw(why, attempt_id=attempt_id)

    async def orders(self) -> tuple[OrderView, ...]:
        """Every order of the account that the venue or this desk knows of, newest first, with its fills."""
        open_orders, trades = await self.refresh()
        return order_views(self.journal.latest(_LISTED), open_orders, trades)

    async def refresh(self) -> tuple[tuple[OpenOrder, ...], tuple[Trade, ...]]:
        """Bring the journal to what the venue says now. Answers the open orders and the trades."""
        open_orders, trades = await asyncio.gather(self._venue.open_orders(), self._venue.trades())
        await self._settled.note(trades)
        still_open = {order.id for order in open_orders}
        for record in self.journal.in_state(*MAY_CHANGE):
            rests = record.status is OrderStatus.LIVE and record.order_id in still_open
            if not rests and not self._reconciler.is_filled(record, trades):
                await self._reconciler.look_up(record)
        return open_orders, trades

    async def positions(self) -> tuple[Position, ...]:
        """What the account holds, as the venue lists it."""
        return await self._venue.positions()

    def remembered_orders(self) -> tuple[OrderView, ...]:
        """The orders of the journal as last known, without asking the venue; single fills are not among them."""
        return order_views(self.journal.latest(_LISTED), (), ())

    async def fills_of(self, order_id: OrderId) -> tuple[Trade, ...]:
        """The fills of one order so far; void ones are not fills."""
        trades = await self._venue.trades()
        return tuple(each for each in trades if each.order_id == order_id and each.status is not TradeStatus.FAILED)

    def standing(self, account: AccountState) -> Standing:
        """What the account, as it was read, has at stake and has used of its limits."""
        return self._states.standing(AccountView.of(account, self.fee_of, now=self._clock.now()))

    def run_standing(self, mandate: Mandate, account: AccountState) -> MandateState:
        """What a strategy's run has tied up and earned, as the gate will weigh its next order."""
        return self._states.run(mandate, AccountView.of(account, self.fee_of, now=self._clock.now()))

    @property
    def changes(self) -> int:
        """A number that grows whenever an order moves on, or the venue has told that one may have."""
        return self.journal.changes + (self._feed.looks if self._feed is not None else 0)

    def fee_of(self, trade: Trade) -> Decimal:
        """The fee of one of the account's trades, in dollars."""
        return self._preparation.fee_of(trade)

    async def __aenter__(self) -> Self:
        """See to what earlier processes left, and go on finding out what is not known."""
        await self._recovery.start()
        self._halt_watch.start()
        if self._feed is not None:
            self._feed.start()
        if self._heartbeat is not None:
            self._heartbeat.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop asking and waiting. Orders at the venue stay as they are."""
        if self._heartbeat is not None:
            await self._heartbeat.aclose()
        if self._feed is not None:
            await self._feed.aclose()
        await self._halt_watch.aclose()
        await self._recovery.aclose()
        await self._person.aclose()

    def _order_feed(self, stream: OpenStream) -> OrderFeed:
        return OrderFeed(
            stream, self.refresh, self._clock, waits_for_news=lambda: bool(self.journal.in_state(*MAY_CHANGE))
        )

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        """Count how long a stage of an order takes, and how it ends."""
        began = self._clock.now()
        error = None
        try:
            yield
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            self.latency.finished(stage, latency_s=(self._clock.now() - began).total_seconds(), error=error)

    @contextlib.asynccontextmanager
    async def _one_at_a_time(self, condition_id: ConditionId) -> AsyncIterator[None]:
        """One order of a market is planned when the fate of the one before it is known."""
        lock = self._markets.setdefault(condition_id, asyncio.Lock())
        async with lock:
            yield

    async def _prepared(self, intent: OrderIntent, draft: Draft | None) -> Prepared:
        if draft is not None:
            return await self._preparation.prepare_again(draft.plan)
        return await self._preparation.prepare(intent)

    async def _release(self, record: OrderRecord, agreed: OrderPlan) -> None:
        """Send an order a person said yes to, exactly as the person saw it."""
        async with self._one_at_a_time(record.intent.market.condition_id):
            async with self._placing:
                try:
                    async with self._attempts.refusing(record):
                        prepared = await self._preparation.prepare_again(agreed)
                        if self.journal.current(record).status is not OrderStatus.AWAITING_PERSON:
                            return  # withdrawn while the prices were read
                        (signed,) = self._sending.sign([(record, prepared)])
                except PolymarketAPIError:
                    return  # the journal says why; nobody waits for this call
            with contextlib.suppress(PolymarketAPIError):  # likewise
                await self._sending.send(signed)
