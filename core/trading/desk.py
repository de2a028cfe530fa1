"""The desk: takes intents, sees each one through to a known end, and answers for what happened."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ..clock import Clock
from ..errors import InputRejected, PolymarketAPIError, RiskRefused
from ..identifiers import ConditionId, OrderId, TokenId
from ..models import CancelResult, OrderSide, OrderStatus, Trade
from ..money import text
from ..risk.gate import Proposal, RiskGate
from ..risk.kill_switch import Halt, KillSwitch
from ..venues.venue import ApprovedOrder, SignedTicket, Venue
from .approvals import ApprovalBox, Decision
from .consent import ConsentKind, ConsentPolicy
from .drafts import Draft, DraftBook
from .intent import OrderIntent
from .journal import OrderJournal, OrderRecord, PendingApproval, Refusal, Stage
from .order_plan import NOTHING_HELD, Holding, OrderPlan
from .order_view import OrderView, order_views
from .planner import plan_order
from .submission import reconcile, submit

_log = logging.getLogger(__name__)

REPEAT_WINDOW = timedelta(seconds=120)
APPROVAL_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Placement:
    """What a call to place an order led to. `already_placed` when it repeated an earlier call."""

    record: OrderRecord
    already_placed: bool = False


class TradingDesk:
    """One account's order desk. Every order passes plan, gate and consent, in that order, under one lock."""

    def __init__(
        self,
        venue: Venue,
        gate: RiskGate,
        kill_switch: KillSwitch,
        journal: OrderJournal,
        drafts: DraftBook,
        consent: ConsentPolicy,
        approvals: ApprovalBox,
        clock: Clock,
    ) -> None:
        self._venue = venue
        self._gate = gate
        self._kill_switch = kill_switch
        self._journal = journal
        self._drafts = drafts
        self._consent = consent
        self._approvals = approvals
        self._clock = clock
        self._placing = asyncio.Lock()
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def journal(self) -> OrderJournal:
        return self._journal

    @property
    def gate(self) -> RiskGate:
        return self._gate

    @property
    def halt(self) -> Halt | None:
        return self._kill_switch.current()

    @property
    def asks_consent(self) -> bool:
        """Whether any order of this desk can need somebody's yes."""
        return self._consent.asks

    async def preview(self, intent: OrderIntent) -> Draft:
        """Plan an order and check it, without sending anything. The draft can be placed within five minutes."""
        plan = await self._plan(intent)
        self._gate.approve(await self._proposal(plan))
        return self._drafts.keep(plan, now=self._clock.now())

    async def frozen(self, intent: OrderIntent) -> Draft:
        """The unused draft of this intent, or a new one: a question put twice must read the same both times."""
        return self._drafts.unused(intent, now=self._clock.now()) or await self.preview(intent)

    def draft(self, draft_id: str) -> Draft:
        """A draft that can still be placed. Raises InputRejected `unknown_draft`."""
        return self._drafts.get(draft_id, now=self._clock.now())

    def consent_for(self, plan: OrderPlan, *, host_can_ask: bool) -> ConsentKind:
        """Whose yes this order needs."""
        return self._consent.required(plan, host_can_ask=host_can_ask)

    async def place(
        self,
        intent: OrderIntent,
        *,
        client_token: str | None = None,
        draft: Draft | None = None,
        deliberate: bool = False,
        agreed_by_user: bool = False,
        acknowledged_usd: Decimal | None = None,
        host_can_ask: bool = False,
    ) -> Placement:
        """Place an order once.

        The same `client_token` or draft never places a second one. Without a token, the same intent within two
        minutes returns the first, unless a new draft makes it `deliberate`. `agreed_by_user` says that the host's
        user said yes to exactly this draft; `acknowledged_usd` repeats the draft's worst cost.

        Raises InputRejected and RiskRefused (nothing sent), OrderError (the venue said no), OutcomeUnknown (it may
        have acted) and VenueUnavailable (nothing sent).
        """
        async with self._placing:
            earlier = self.earlier(intent, client_token=client_token, draft=draft, deliberate=deliberate)
            if earlier is not None:
                return Placement(earlier, already_placed=True)
            record = self._journal.open(intent, now=self._clock.now(), client_token=client_token)
            if draft is not None:
                self._drafts.use(draft, record.attempt_id)
            try:
                plan = await self._plan(intent)
                approved = self._gate.approve(await self._proposal(plan))
                kind = self._consent.required(plan, host_can_ask=host_can_ask)
                self._check_consent(kind, plan, draft, agreed_by_user, acknowledged_usd)
            except PolymarketAPIError as error:
                self._refuse(record, error, "gate" if isinstance(error, RiskRefused) else "plan")
                raise
            if kind is ConsentKind.PERSON:
                return Placement(self._ask_person(record, plan))
            record, signed = await self._sign(record, plan, approved)
        return Placement(await submit(self._venue, self._journal, record, signed, self._clock))

    def earlier(
        self, intent: OrderIntent, *, client_token: str | None, draft: Draft | None = None, deliberate: bool = False
    ) -> OrderRecord | None:
        """The attempt that a call with these arguments would repeat. Raises InputRejected `token_reused`."""
        if draft is not None and draft.attempt_id is not None:
            return self._journal.get(draft.attempt_id)
        if client_token is None:
            if deliberate:
                return None
            return self._journal.repeated(intent, now=self._clock.now(), within=REPEAT_WINDOW)
        used = self._journal.by_token(client_token)
        if used is not None and used.intent.fingerprint != intent.fingerprint:
            raise InputRejected(
                f"client_token {client_token!r} already placed another order ({used.attempt_id}).",
                code="token_reused",
                fix="use a new client_token for a different order",
                next_tool="polymarket_get_orders",
            )
        return used

    async def cancel(self, order_ids: tuple[OrderId, ...]) -> CancelResult:
        result = await self._venue.cancel(order_ids)
        return self._note_cancelled(result)

    async def cancel_market(self, condition_id: ConditionId) -> CancelResult:
        return self._note_cancelled(await self._venue.cancel_market(condition_id))

    async def cancel_all(self) -> CancelResult:
        return self._note_cancelled(await self._venue.cancel_all())

    async def halt_trading(self, reason: str, *, cancel_open: bool) -> tuple[Halt, CancelResult | None]:
        """Refuse new orders from now on, and cancel what rests. The stop stands even if the cancels fail."""
        halt = self._kill_switch.engage(reason, self._clock.now())
        return halt, await self.cancel_all() if cancel_open else None

    async def orders(self) -> tuple[OrderView, ...]:
        """Every order of the account that the venue or this desk knows of, newest first, with its fills."""
        await self.refresh()
        open_orders, trades = await asyncio.gather(self._venue.open_orders(), self._venue.trades())
        return order_views(self._journal, open_orders, trades)

    def remembered_orders(self) -> tuple[OrderView, ...]:
        """The orders of the journal as last known, without asking the venue; fills are not among them."""
        return order_views(self._journal, (), ())

    async def fills_of(self, order_id: OrderId) -> tuple[Trade, ...]:
        """The fills of one order so far."""
        return tuple(trade for trade in await self._venue.trades() if trade.order_id == order_id)

    async def refresh(self) -> None:
        """Bring every record that can still change up to what the venue says."""
        for record in self._journal:
            if record.status is OrderStatus.UNKNOWN or record.status.open:
                await reconcile(self._venue, self._journal, record, self._clock)

    async def aclose(self) -> None:
        """Stop waiting for people. Orders at the venue stay as they are."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)
        for record in self._journal:
            if record.status is OrderStatus.AWAITING_PERSON and record.approval is not None:
                self._approvals.remove(record.approval.code)  # a yes would come to nothing now

    async def _plan(self, intent: OrderIntent) -> OrderPlan:
        book = await self._venue.book(intent.outcome.token_id)
        if book is None:
            raise InputRejected(
                f"The venue has no order book for {intent.outcome.label} of {intent.market.slug}.",
                code="market_closed",
                fix="choose an open market",
                next_tool="polymarket_search_markets",
            )
        holding = await self._holding(intent.outcome.token_id) if intent.side is OrderSide.SELL else NOTHING_HELD
        return plan_order(intent, book, holding=holding, now=self._clock.now())

    async def _holding(self, token_id: TokenId) -> Holding:
        settled, trades = await asyncio.gather(self._venue.token_balance(token_id), self._venue.trades())
        settling = sum(
            (
                trade.size
                for trade in trades
                if trade.token_id == token_id and trade.side is OrderSide.BUY and trade.status.undelivered
            ),
            Decimal(0),
        )
        return Holding(settled, settling)

    async def _proposal(self, plan: OrderPlan) -> Proposal:
        market = plan.intent.market
        for record in self._journal.unknown(market.condition_id):
            await reconcile(self._venue, self._journal, record, self._clock)
        open_orders = len(await self._venue.open_orders()) if plan.ticket.time_in_force.rests else 0
        return Proposal(
            ticket=plan.ticket,
            market=market,
            book=plan.book,
            worst_cost=plan.worst_cost,
            now=self._clock.now(),
            halt=self._kill_switch.current(),
            open_orders=open_orders,
            unknown_orders=len(self._journal.unknown(market.condition_id)),
        )

    def _check_consent(
        self,
        kind: ConsentKind,
        plan: OrderPlan,
        draft: Draft | None,
        agreed_by_user: bool,
        acknowledged_usd: Decimal | None,
    ) -> None:
        if kind is ConsentKind.DIALOG and not agreed_by_user:
            raise InputRejected("The user did not agree to this order.", code="not_confirmed")
        if kind is ConsentKind.ACKNOWLEDGE:
            if draft is None or acknowledged_usd is None:
                raise InputRejected(
                    f"This order may cost ${text(plan.worst_cost)} of real money and needs an acknowledgement.",
                    code="acknowledgement_needed",
                    fix="call polymarket_preview_order, then place with its draft_id and acknowledge=its worst_cost",
                    next_tool="polymarket_preview_order",
                )
            if acknowledged_usd != draft.plan.worst_cost:
                raise InputRejected(
                    f"The acknowledged ${text(acknowledged_usd)} is not the draft's worst cost of "
                    f"${text(draft.plan.worst_cost)}.",
                    code="acknowledgement_differs",
                )
        if draft is not None and plan.worst_cost > draft.plan.worst_cost:
            raise InputRejected(
                f"The price moved: the order would now cost up to ${text(plan.worst_cost)} instead of "
                f"${text(draft.plan.worst_cost)}.",
                code="price_moved",
                fix="make a new draft",
                next_tool="polymarket_preview_order",
            )

    async def _sign(
        self, record: OrderRecord, plan: OrderPlan, approved: ApprovedOrder
    ) -> tuple[OrderRecord, SignedTicket]:
        signed = await self._venue.sign(approved)
        written = self._journal.move(
            record, OrderStatus.SENDING, now=self._clock.now(), plan=plan, order_id=signed.order_id
        )
        return written, signed

    def _refuse(self, record: OrderRecord, error: PolymarketAPIError, stage: Stage) -> OrderRecord:
        code = error.code if isinstance(error, InputRejected) else type(error).__name__
        fix = error.fix if isinstance(error, InputRejected) else ""
        return self._journal.move(
            record,
            OrderStatus.REFUSED,
            now=self._clock.now(),
            refusal=Refusal(stage=stage, code=code, message=error.message, fix=fix),
        )

    def _ask_person(self, record: OrderRecord, plan: OrderPlan) -> OrderRecord:
        now = self._clock.now()
        request = self._approvals.ask(describe_for_person(plan), expires_at=now + APPROVAL_WINDOW)
        record = self._journal.move(
            record,
            OrderStatus.AWAITING_PERSON,
            now=now,
            plan=plan,
            approval=PendingApproval(request.code, request.expires_at),
        )
        task = asyncio.create_task(self._await_person(record, plan, request.code))
        self._waiting.add(task)
        task.add_done_callback(self._end_of_wait)
        return record

    def _end_of_wait(self, task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an order that a person answered for ended in a defect", exc_info=error)

    async def _await_person(self, record: OrderRecord, plan: OrderPlan, code: str) -> None:
        try:
            decision = await self._approvals.decision(code, self._clock)
            if decision is not Decision.APPROVED:
                stopped = OrderStatus.EXPIRED if decision is Decision.EXPIRED else OrderStatus.REFUSED
                self._journal.move(
                    record,
                    stopped,
                    now=self._clock.now(),
                    refusal=Refusal("person", decision.value, f"The person's answer: {decision.value}."),
                )
                return
            await self._release(record, plan)
        finally:
            self._approvals.remove(code)

    async def _release(self, record: OrderRecord, agreed: OrderPlan) -> None:
        """Send an order a person said yes to, if it still costs no more than what the person saw."""
        async with self._placing:
            try:
                plan = await self._plan(record.intent)
                approved = self._gate.approve(await self._proposal(plan))
                if plan.worst_cost > agreed.worst_cost:
                    raise InputRejected(
                        f"The price moved after the question: up to ${text(plan.worst_cost)} instead of "
                        f"${text(agreed.worst_cost)}.",
                        code="price_moved",
                    )
            except PolymarketAPIError as error:
                self._refuse(record, error, "gate" if isinstance(error, RiskRefused) else "plan")
                return
            record, signed = await self._sign(record, plan, approved)
        try:
            await submit(self._venue, self._journal, record, signed, self._clock)
        except PolymarketAPIError:
            return  # the journal holds the outcome; nobody waits for this call

    def _note_cancelled(self, result: CancelResult) -> CancelResult:
        for order_id in result.canceled:
            record = self._journal.by_order(order_id)
            if record is not None and (record.status.open or record.status is OrderStatus.UNKNOWN):
                self._journal.move(record, OrderStatus.CANCELED, now=self._clock.now())
        return result


def describe_for_person(plan: OrderPlan) -> str:
    """The question a person answers, from the desk's own numbers; the market's title is quoted and cut."""
    ticket = plan.ticket
    title = " ".join(plan.intent.market.question.split())[:120]
    return (
        f"{ticket.side} {text(ticket.shares)} shares of {plan.intent.outcome.label} at {text(ticket.price)} or better "
        f"({ticket.time_in_force}), costing at most ${text(plan.worst_cost)} of real money, fee included. "
        f'Market: "{title}"'
    )
