"""A venue that does what a test tells it to, and a desk on it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import PolymarketAPIError
from polydesk.core.identifiers import Address, ConditionId, OrderId, TokenId
from polydesk.core.models import (
    AccountBalance,
    CancelResult,
    OpenOrder,
    OrderBook,
    OrderSide,
    PlacementResult,
    Position,
    TimeInForce,
    Trade,
)
from polydesk.core.risk.kill_switch import KillSwitch
from polydesk.core.risk.limits import RiskLimits
from polydesk.core.storage.database import Database
from polydesk.core.storage.processes import ProcessMark
from polydesk.core.trading.approvals import ApprovalBox
from polydesk.core.trading.consent import ConsentPolicy, NoConsent
from polydesk.core.trading.desk import TradingDesk
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.run_book import RunBook
from polydesk.core.trading.slice_runs import SliceRuns
from polydesk.core.venues.venue import ApprovedOrder, SignedTicket
from polydesk.server.order_desk import order_desk

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket


ACCOUNT = "0x" + "11" * 20


@dataclass
class ScriptedVenue:
    """Answers with what the fields hold.

    `answer` may be an exception to raise on submit; with a `gate` each submit waits for it.
    """

    order_book: OrderBook | None
    clock: ManualClock
    answer: PlacementResult | BaseException | None = None
    answer_with_status: str = "live"
    known: dict[OrderId, OpenOrder] = field(default_factory=dict)
    fills: list[Trade] = field(default_factory=list)
    holding: Decimal = Decimal(0)
    submitted: list[SignedTicket] = field(default_factory=list)
    cancelled: list[OrderId] = field(default_factory=list)
    refreshed: list[TokenId | None] = field(default_factory=list)
    before_submit: Callable[[SignedTicket], None] = lambda _: None
    gate: asyncio.Event | None = None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def account(self) -> Address:
        return Address(ACCOUNT)

    async def book(self, token_id: TokenId) -> OrderBook | None:
        return self.order_book

    def sign(self, approved: ApprovedOrder) -> SignedTicket:
        return SignedTicket(OrderId(f"0x{next(self._numbers):064x}"), approved, body=None, wire={"salt": 1})

    async def submit(self, signed: SignedTicket) -> PlacementResult:
        self.before_submit(signed)
        self.submitted.append(signed)
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer or PlacementResult(signed.order_id, self.answer_with_status, Decimal(0), Decimal(0), ())

    async def submit_many(self, signed: Sequence[SignedTicket]) -> list[PlacementResult | PolymarketAPIError]:
        answers: list[PlacementResult | PolymarketAPIError] = []
        for each in signed:
            try:
                answers.append(await self.submit(each))
            except PolymarketAPIError as error:
                answers.append(error)
        return answers

    async def cancel(self, order_ids: Sequence[OrderId]) -> CancelResult:
        self.cancelled += order_ids
        return CancelResult(tuple(order_ids), {})

    async def cancel_market(self, condition_id: ConditionId) -> CancelResult:
        return await self.cancel([signed.order_id for signed in self.submitted])

    async def cancel_all(self) -> CancelResult:
        return await self.cancel([signed.order_id for signed in self.submitted])

    async def order(self, order_id: OrderId) -> OpenOrder | None:
        return self.known.get(order_id)

    async def open_orders(self) -> tuple[OpenOrder, ...]:
        return tuple(order for order in self.known.values() if order.status == "LIVE")

    async def trades(self) -> tuple[Trade, ...]:
        return tuple(self.fills)

    async def positions(self) -> tuple[Position, ...]:
        return ()

    async def balance(self) -> AccountBalance:
        return AccountBalance(Decimal(1000), Decimal(1000), self.clock.now())

    async def refresh_balance(self, token_id: TokenId | None) -> None:
        self.refreshed.append(token_id)

    async def token_balance(self, token_id: TokenId) -> Decimal:
        return self.holding


@dataclass(frozen=True)
class Bench:
    """A desk with the parts a test reaches into."""

    desk: TradingDesk
    venue: ScriptedVenue
    clock: ManualClock
    approvals: ApprovalBox
    kill_switch: KillSwitch
    open_slices: Callable[[], SliceRuns]
    database: Database


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(make_book: MakeBook, now: datetime, tmp_path: Path) -> Iterator[MakeBench]:
    databases: list[Database] = []

    numbers = itertools.count(1)

    def make(consent: ConsentPolicy | None = None, *, beside: Bench | None = None, **limits: object) -> Bench:
        """A desk of its own; or, `beside` another, what another process has on the same file and venue."""
        clock = beside.clock if beside else ManualClock(now)
        venue = beside.venue if beside else ScriptedVenue(make_book(), clock)
        database = beside.database if beside else Database.in_memory()
        databases.append(database)
        settings = {"max_order_usd": Decimal(250), "max_open_orders": 3} | limits
        made = order_desk(
            database,
            venue,
            clock,
            account=ACCOUNT,
            folder=tmp_path,
            process=ProcessMark(None),
            limits=RiskLimits(**settings),  # type: ignore[arg-type]
            consent=consent or NoConsent(),
            new_id=lambda letter: f"{letter}{next(numbers)}",
            new_code=lambda: f"c{next(numbers)}",
            lifted_by="polydesk resume --mode live",
        )
        desk, audit = made.desk, made.audit

        def open_slices() -> SliceRuns:
            """The sliced orders as a new process of this desk would open them."""
            process = ProcessMark(None)
            book = RunBook(database, audit, account=ACCOUNT, process=process, new_id=lambda: f"r{next(numbers)}")
            return SliceRuns(desk, venue, book, clock)

        return Bench(desk, venue, clock, made.approvals, made.kill_switch, open_slices, database)

    yield make
    for database in databases:
        database.close()


@pytest.fixture
def resting(make_market: MakeMarket) -> OrderIntent:
    """A purchase that rests below the best price."""
    market = make_market()
    return OrderIntent(
        market=market,
        outcome=market.outcomes[0],
        side=OrderSide.BUY,
        size=Decimal(10),
        price=Decimal("0.45"),
        time_in_force=TimeInForce.GTC,
    )
