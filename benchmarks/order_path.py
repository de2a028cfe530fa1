"""The desk's own share of an order's time: everything between the call and the first byte, on a venue that answers at
once.

Each order is planned on a fresh book, weighed by every control, written to the desk's file on disk (three
transactions, each forced to the disk: asked, being sent, answered) and signed with the real signer. The stages are
timed where they are called; what is left is asyncio and the assembling of the account.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.identifiers import Address, OrderId, TokenId
from polydesk.core.models import (
    AccountBalance,
    Market,
    OrderBook,
    OrderSide,
    PlacementResult,
    PriceLevel,
)
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.environments import environment_at
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport
from polydesk.core.polymarket.wire.catalogue import parse_market
from polydesk.core.risk.gate import RiskGate
from polydesk.core.risk.kill_switch import KillSwitch
from polydesk.core.risk.limits import RiskLimits
from polydesk.core.storage.audit_log import AuditLog
from polydesk.core.storage.database import Database
from polydesk.core.storage.processes import ProcessMark
from polydesk.core.trading import preparation
from polydesk.core.trading.approvals import ApprovalBox
from polydesk.core.trading.consent import NoConsent
from polydesk.core.trading.dead_letters import DeadLetters
from polydesk.core.trading.desk import TradingDesk
from polydesk.core.trading.desk_state import DeskStates
from polydesk.core.trading.draft_book import DraftBook
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.journal import OrderJournal
from polydesk.core.venues.venue import ApprovedOrder, SignedTicket

from .registry import Result

_ORDERS = 300
_WARM_UP = 20
_KEY = "0x" + "1f" * 32

_NOWHERE = "http://127.0.0.1:9"


class InstantVenue:
    """Answers everything at once and fills every order whole; it signs as the real one does."""

    def __init__(self, clob: CLOBClient, market: Market) -> None:
        self._clob = clob
        level = (PriceLevel(Decimal("0.40"), Decimal(500)),), (PriceLevel(Decimal("0.60"), Decimal(500)),)
        now = datetime.now(UTC)
        self._book = OrderBook(
            market_id=market.condition_id,
            token_id=market.outcomes[0].token_id,
            bids=level[0],
            asks=level[1],
            timestamp=now,
            received_at=now,
            tick=Decimal("0.01"),
            min_size=Decimal(5),
            neg_risk=market.neg_risk,
            last_trade_price=None,
            hash="",
        )

    @property
    def account(self) -> Address:
        return self._clob.account

    async def book(self, token_id: TokenId) -> OrderBook:
        now = datetime.now(UTC)
        return replace(self._book, timestamp=now, received_at=now)

    def sign(self, approved: ApprovedOrder) -> SignedTicket:
        signed = self._clob.sign(approved.ticket)
        return SignedTicket(order_id=signed.order_id, approved=approved, body=signed, wire=signed.order)

    async def submit(self, signed: SignedTicket) -> PlacementResult:
        ticket = signed.approved.ticket
        return PlacementResult(signed.order_id, "matched", ticket.dollars, ticket.shares, ())

    async def submit_many(self, signed: Sequence[SignedTicket]) -> list[PlacementResult]:
        return [await self.submit(each) for each in signed]

    async def balance(self) -> AccountBalance:
        return AccountBalance(Decimal(10**6), Decimal(10**6), datetime.now(UTC))

    async def refresh_balance(self, token_id: TokenId | None) -> None:
        return None

    async def token_balance(self, token_id: TokenId) -> Decimal:
        return Decimal(0)

    async def open_orders(self) -> tuple[()]:
        return ()

    async def trades(self) -> tuple[()]:
        return ()

    async def positions(self) -> tuple[()]:
        return ()

    async def order(self, order_id: OrderId) -> None:
        return None


def run() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        orders, stages = asyncio.run(_measure(Path(folder)))
    millis = sorted(1000 * each for each in orders)
    per_order = {name: 1000 * sum(taken) / _ORDERS for name, taken in stages.items()}
    rest = sum(millis) / len(millis) - sum(per_order.values())
    return Result(
        about=f"{_ORDERS} orders, one after the other, on a venue that answers at once and a file on disk",
        ratios={"whole order path / signing": median(millis) / per_order["sign"]},
        measured={
            "whole path p50, ms": median(millis),
            "whole path p99, ms": quantiles(millis, n=100)[98],
            **{f"{name}, ms per order": taken for name, taken in per_order.items()},
            "everything else, ms per order": rest,
        },
    )


async def _measure(folder: Path) -> tuple[list[float], dict[str, list[float]]]:
    stages: dict[str, list[float]] = defaultdict(list)
    market = next(
        parse_market(each.gamma, datetime.now(UTC)) for each in load_catalogue().markets if not each.gamma.get("closed")
    )
    market = replace(market, tick=Decimal("0.01"), end_date=None, accepting_orders=True)
    environment = environment_at(
        "none", clob_url=_NOWHERE, gamma_url=_NOWHERE, data_url=_NOWHERE, ws_url=_NOWHERE, chain_id=1
    )
    async with AsyncExitStack() as opened:
        transport = await opened.enter_async_context(
            Transport(environment, clock=SystemClock(), random=random.Random(1))
        )
        venue: Any = InstantVenue(CLOBClient(transport, signer=Signer(_KEY)), market)
        venue.sign = _timed(venue.sign, stages["sign"])
        database = Database.at(folder / "desk.sqlite3")
        opened.callback(database.close)
        desk = _desk(folder, database, venue, stages)
        taken = []
        for number in range(_WARM_UP + _ORDERS):
            if number == _WARM_UP:
                for each in stages.values():
                    each.clear()
            intent = OrderIntent(
                market=market,
                outcome=market.outcomes[0],
                side=OrderSide.BUY,
                spend_usd=Decimal(5),
            )
            started = time.perf_counter()
            await desk.place(intent, client_token=f"t{number}")
            taken.append(time.perf_counter() - started)
    return taken[_WARM_UP:], stages


def _desk(folder: Path, database: Database, venue: Any, stages: dict[str, list[float]]) -> TradingDesk:
    numbers = itertools.count(1)
    clock = SystemClock()
    account = str(venue.account)
    kill_switch = KillSwitch(folder, lifted_by="")
    audit = AuditLog(database, account)
    letters = DeadLetters(database, audit, account=account, new_id=lambda: f"l{next(numbers)}")
    journal = OrderJournal(
        database, audit, letters, account=account, process=ProcessMark(None), new_id=lambda: f"a{next(numbers)}"
    )
    gate = RiskGate(
        RiskLimits(
            max_order_usd=Decimal(100),
            max_open_orders=10**6,
            max_day_usd=Decimal(10**6),
            max_exposure_usd=Decimal(10**6),
            max_orders_per_minute=10**6,
        )
    )
    preparation.plan_order = _timed(preparation.plan_order, stages["plan"])  # type: ignore[attr-defined]
    states = DeskStates(database, journal, kill_switch, clock, account=account)
    states.of = _timed(states.of, stages["gate"])  # type: ignore[method-assign]
    gate.approve = _timed(gate.approve, stages["gate"])  # type: ignore[method-assign]
    journal.open = _timed(journal.open, stages["journal"])  # type: ignore[method-assign]
    journal.move = _timed(journal.move, stages["journal"])  # type: ignore[method-assign]
    return TradingDesk(
        venue=venue,
        gate=gate,
        states=states,
        kill_switch=kill_switch,
        journal=journal,
        letters=letters,
        audit=audit,
        drafts=DraftBook(database, account=account, new_id=lambda: f"d{next(numbers)}"),
        consent=NoConsent(),
        approvals=ApprovalBox(folder / "approvals", lambda: "c"),
        clock=clock,
    )


def _timed(function: Callable[..., Any], taken: list[float]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            taken.append(time.perf_counter() - started)

    return call
