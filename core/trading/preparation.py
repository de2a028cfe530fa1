"""Everything between an intent and a signature: a plan on the book of this moment, and the gate's approval of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from cachetools import LRUCache

from ..clock import Clock
from ..errors import InputRejected
from ..identifiers import OrderId, TokenId
from ..models import OrderBook, OrderSide, Trade
from ..money import FeeSchedule, text
from ..portfolio.account_state import AccountState, read_account
from ..risk.gate import RiskGate
from ..risk.proposal import Proposal
from ..venues.venue import ApprovedOrder, Venue
from .account_view import AccountView
from .desk_state import DeskStates
from .intent import OrderIntent
from .journal import OrderJournal
from .order_plan import OrderPlan
from .planner import check_funds, plan_order
from .reconciliation import Reconciler

_FEES_KEPT = 20_000
"""Fee schedules by order: an order's never changes, and each look at the account asks for those of many fills."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan that passed every control a moment ago, and what the account meant that was read for it."""

    plan: OrderPlan
    account: AccountView


class Preparation:
    """Plans orders and takes them through the gate. It reads, and changes nothing."""

    def __init__(
        self,
        venue: Venue,
        journal: OrderJournal,
        gate: RiskGate,
        states: DeskStates,
        reconciler: Reconciler,
        clock: Clock,
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._gate = gate
        self._states = states
        self._reconciler = reconciler
        self._clock = clock
        self._fees: LRUCache[OrderId, FeeSchedule] = LRUCache(_FEES_KEPT)

    async def prepare(self, intent: OrderIntent) -> Prepared:
        """Plan an intent anew. Raises InputRejected and RiskRefused."""
        book, account = await self._read(intent)
        plan = plan_order(intent, book, account=account, now=self._clock.now())
        return await self._checked(plan, account)

    async def prepare_again(self, agreed: OrderPlan) -> Prepared:
        """Check an order that somebody has seen, exactly as they saw it, against the present.

        Raises InputRejected `price_moved` when it could no longer trade as it was shown, and RiskRefused.
        """
        book, account = await self._read(agreed.intent)
        plan = agreed.on(book)
        ticket = plan.ticket
        if book.tick != ticket.tick or (not ticket.time_in_force.rests and not plan.estimate.shares):
            raise InputRejected(
                f"The market moved: nothing can be had at {text(ticket.price)} or better any more.",
                code="price_moved",
                fix="make a new preview",
                next_tool="polymarket_preview_order",
            )
        check_funds(plan, account)
        return await self._checked(plan, account)

    def approve(self, prepared: Prepared) -> ApprovedOrder:
        """The gate's yes, on what the journal says at this moment. Raises RiskRefused.

        It holds no await: in one transaction with the order's own entry, no other order can pass beside it.
        """
        market = prepared.plan.intent.market
        return self._gate.approve(
            Proposal(
                ticket=prepared.plan.ticket,
                market=market,
                book=prepared.plan.book,
                worst_cost=prepared.plan.worst_cost,
                now=self._clock.now(),
                state=self._states.of(prepared.plan, prepared.account),
            )
        )

    def fee_of(self, trade: Trade) -> Decimal:
        """The taker's fee of a trade, by the schedule of the market its order was planned on."""
        if trade.fee is not None or not trade.is_taker:
            return trade.fee or Decimal(0)
        schedule = self._fees.get(trade.order_id)
        if schedule is None:
            record = self._journal.by_order(trade.order_id)
            if record is None:
                return Decimal(0)
            schedule = self._fees[trade.order_id] = record.intent.market.fees
        return schedule.taker_fee(trade.size, trade.price)

    async def _read(self, intent: OrderIntent) -> tuple[OrderBook, AccountState]:
        token_id: TokenId = intent.outcome.token_id
        book, account = await asyncio.gather(
            self._venue.book(token_id),
            read_account(self._venue, token_id, self.fee_of, self._clock, to_sell=intent.side is OrderSide.SELL),
        )
        if book is None:
            raise InputRejected(
                f"The venue has no order book for {intent.outcome.label} of {intent.market.slug}.",
                code="market_closed",
                fix="choose an open market",
                next_tool="polymarket_search_markets",
            )
        return book, account

    async def _checked(self, plan: OrderPlan, account: AccountState) -> Prepared:
        for record in self._journal.unknown(plan.intent.market.condition_id):
            await self._reconciler.look_up(record)
        prepared = Prepared(plan, AccountView.of(account, self.fee_of, now=self._clock.now()))
        self.approve(prepared)
        return prepared
