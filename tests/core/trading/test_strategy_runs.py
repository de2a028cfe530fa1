"""Runs of strategies when things go wrong: the venue is silent, processes die, calls come in the middle of a look."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from polydesk.core.errors import InputRejected, VenueUnavailable
from polydesk.core.identifiers import ConditionId, OrderId, TokenId, TradeId
from polydesk.core.models import (
    CancelResult,
    Market,
    OpenOrder,
    OrderBook,
    OrderSide,
    PlacementResult,
    TimeInForce,
    Trade,
    TradeStatus,
    TradingSignal,
)
from polydesk.core.risk.mandate import Mandate
from polydesk.core.strategies import registry
from polydesk.core.strategies.decision import Decision, Quote, TargetQuotes
from polydesk.core.strategies.declaration import Declaration, Need, Parameters
from polydesk.core.strategies.signals import nothing, taking
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Surroundings
from polydesk.core.trading import strategy_runs
from polydesk.core.trading.consent import NoConsent
from polydesk.core.trading.run_book import RunBook, RunStatus
from polydesk.core.trading.run_ledger import RunAccount
from polydesk.core.trading.run_notes import RunNotes, notes_from_text
from polydesk.core.trading.strategy_execution import DeskExecution
from polydesk.core.trading.strategy_plan import StrategyPlan
from polydesk.core.trading.strategy_runs import StrategyRuns
from polydesk.core.venues.venue import SignedTicket

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket
    from tests.core.trading.conftest import Bench, MakeBench

D = Decimal
NOT_NOW = VenueUnavailable("the venue is silent")


class Quoter(PolymarketStrategy):
    """Rests one bid at 0.45, or takes what rests as often as it is told to."""

    declaration: ClassVar[Declaration] = Declaration(
        name="quoter", summary="Rests a bid.", needs=frozenset({Need.BOOKS}), every=timedelta(seconds=5), rests=True
    )
    takes: ClassVar[int] = 0
    fails_with: ClassVar[Exception | None] = None

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.execution)
        self._clock = around.clock

    @classmethod
    def of(cls, surroundings: Surroundings, parameters: Parameters) -> Quoter:
        return cls(surroundings)

    async def analyze_market(self, market: Market) -> TradingSignal:
        return nothing(market, market.outcomes[0], "it only quotes", now=self._clock.now())

    async def decide(self, markets: Sequence[Market]) -> Decision:
        if self.fails_with is not None:
            raise self.fails_with
        (market,), now = markets, self._clock.now()
        outcome = market.outcomes[0]
        if self.takes:
            return Decision(
                signals=[
                    taking(market, outcome, shares=D(10), price=D("0.5"), limit=D("0.51"), edge=D(0), reason="", now=at)
                    for at in (now + timedelta(microseconds=number) for number in range(self.takes))
                ]
            )
        quote = Quote(outcome.token_id, outcome.label, OrderSide.BUY, D("0.45"), D(10))
        return Decision(quotes=[TargetQuotes(market.condition_id, (quote,), D("0.5"), "a test", now)])


@dataclass
class Runs:
    """Opens the runs of one desk's file as its processes would, one after the other."""

    bench: Bench
    market: Market
    until_s: float = 3600

    def __post_init__(self) -> None:
        venue = self.bench.venue
        self.silent = 0
        """So many cancels from now on are not answered."""
        self.midpoint = D("0.5")

        def rests(signed: SignedTicket) -> None:
            ticket = signed.approved.ticket
            if ticket.time_in_force.rests:
                venue.known[signed.order_id] = self._open_order(signed.order_id)

        async def cancel(order_ids: Sequence[OrderId]) -> CancelResult:
            if self.silent:
                self.silent -= 1
                raise NOT_NOW
            for order_id in order_ids:
                venue.known[order_id] = dataclasses.replace(venue.known[order_id], status="CANCELED")
            return CancelResult(tuple(order_ids), {})

        async def book(token_id: TokenId) -> OrderBook | None:
            assert venue.order_book is not None
            now = self.bench.clock.now()
            return dataclasses.replace(venue.order_book, timestamp=now, received_at=now)

        venue.before_submit = rests
        venue.book = book  # type: ignore[method-assign]
        venue.cancel = cancel  # type: ignore[method-assign]

    def _open_order(self, order_id: OrderId) -> OpenOrder:
        outcome = self.market.outcomes[0]
        return OpenOrder(
            id=order_id,
            status="LIVE",
            condition_id=self.market.condition_id,
            token_id=outcome.token_id,
            side=OrderSide.BUY,
            original_size=D(10),
            size_matched=D(0),
            price=D("0.45"),
            outcome=outcome.label,
            time_in_force=TimeInForce.GTC,
            created_at=self.bench.clock.now(),
            expires_at=None,
            trade_ids=(),
        )

    def open(self) -> StrategyRuns:
        bench, book = self.bench, self.bench.open_slices().book

        async def find(condition_id: ConditionId) -> Market:
            return self.market

        return StrategyRuns(
            bench.desk,
            bench.venue,
            book,
            bench.clock,
            NoConsent(),
            bench.approvals,
            surround=lambda run_id, mandate: self._around(run_id, mandate, book, find),
            find_market=find,
            worth=self.worth,
        )

    def _around(self, run_id: str, mandate: Mandate, book: RunBook, find: Any) -> Surroundings:
        bench = self.bench

        async def cash() -> Decimal:
            return D(1000)

        async def alone(market: Market) -> Sequence[Market]:
            return [market]

        account = RunAccount(
            bench.desk.journal,
            prefix=f"{run_id}/",
            trades=bench.venue.trades,
            open_orders=bench.venue.open_orders,
            may_stake=cash,
            fee_of=bench.desk.fee_of,
            worth=self.worth,
        )
        execution = DeskExecution(
            bench.desk, find, bench.clock, prefix=run_id, mandate=mandate, goes_on=lambda: book.is_mine(run_id)
        )
        return Surroundings(
            clock=bench.clock,
            random=random.Random(1),
            quotes=None,  # type: ignore[arg-type]
            siblings=alone,
            event_markets=alone,
            account=account,
            execution=execution,
        )

    def plan(self, **changes: Any) -> StrategyPlan:
        given: dict[str, Any] = {
            "strategy": "quoter",
            "markets": (self.market.condition_id,),
            "parameters": {},
            "max_loss_usd": D(20),
            "max_exposure_usd": D(60),
            "until": self.bench.clock.now() + timedelta(seconds=self.until_s),
            "every_s": 5.0,
        }
        return StrategyPlan(**(given | changes))

    async def worth(self, token_id: str) -> Decimal | None:
        return self.midpoint

    @property
    def resting(self) -> int:
        return sum(order.status == "LIVE" for order in self.bench.venue.known.values())


@pytest.fixture(autouse=True)
def quoter(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Quoter]]:
    known = registry.strategy_class
    monkeypatch.setattr(strategy_runs, "strategy_class", lambda name: Quoter if name == "quoter" else known(name))
    yield Quoter
    Quoter.takes, Quoter.fails_with = 0, None


@pytest.fixture
def runs(make_bench: MakeBench, make_market: MakeMarket) -> Runs:
    return Runs(make_bench(), make_market())


async def test_orders_are_asked_back_until_they_are_gone(runs: Runs) -> None:
    async with runs.open() as ours:
        run, _ = ours.start(runs.plan(until=runs.bench.clock.now() + timedelta(seconds=8)), questions=())
        await runs.bench.clock.advance(6)
        assert runs.resting == 1
        runs.silent = 3
        await runs.bench.clock.advance(3)
        assert ours.book.get(run.run_id).status is RunStatus.DONE
        assert (runs.resting, ours.active) == (1, 1)
        await runs.bench.clock.advance(20)
        assert (runs.resting, ours.active) == (0, 0)
        assert len(runs.bench.desk.letters.open()) == 1


async def test_orders_of_a_run_that_ended_while_its_process_died_are_taken_back_by_the_next(runs: Runs) -> None:
    first = runs.open()
    run, _ = first.start(runs.plan(), questions=())
    await runs.bench.clock.advance(1)
    for task in first._tasks.values():
        task.cancel()  # as a kill does: nothing is taken back
    first.book.end(run.run_id, RunStatus.STOPPED, "a person stopped it", now=runs.bench.clock.now())
    assert runs.resting == 1
    async with runs.open():
        await runs.bench.clock.advance(5)
        assert runs.resting == 0


async def test_orders_of_a_strategy_that_is_no_longer_installed_are_taken_back(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = runs.open()
    run, _ = first.start(runs.plan(), questions=())
    await runs.bench.clock.advance(1)
    for task in first._tasks.values():
        task.cancel()
    first.book._process.release()

    def gone(name: str) -> None:
        raise InputRejected(f"There is no strategy {name}.", code="unknown_strategy")

    monkeypatch.setattr(strategy_runs, "strategy_class", gone)
    async with runs.open() as second:
        await runs.bench.clock.advance(5)
        ended = second.book.get(run.run_id)
        assert ended.status is RunStatus.STOPPED
        assert "could not go on" in ended.cause
        assert runs.resting == 0


async def test_a_look_that_is_under_way_when_its_run_is_stopped_orders_nothing_more(
    runs: Runs, quoter: type[Quoter]
) -> None:
    quoter.takes, venue = 3, runs.bench.venue
    venue.gate = asyncio.Event()
    venue.answer_with_status = "matched"
    async with runs.open() as ours:
        run, _ = ours.start(runs.plan(), questions=())
        await runs.bench.clock.advance(1)
        assert len(venue.submitted) == 1
        stopping = asyncio.create_task(ours.stop(run.run_id, "a person stopped it"))
        await runs.bench.clock.advance(0)
        venue.gate.set()
        await stopping
        assert len(venue.submitted) == 1
        assert notes_from_text(ours.book.get(run.run_id).progress).refused == {"run_ended": 2}


async def test_no_look_is_taken_while_the_venue_does_not_list_what_has_matched(
    runs: Runs, quoter: type[Quoter]
) -> None:
    quoter.takes, venue = 1, runs.bench.venue
    venue.answer = PlacementResult(OrderId("0x1"), "matched", D(5), D(10), ())
    async with runs.open() as ours:
        run, _ = ours.start(runs.plan(), questions=())
        await runs.bench.clock.advance(1)
        assert len(venue.submitted) == 1
        await runs.bench.clock.advance(60)
        assert len(venue.submitted) == 1
        assert notes_from_text(ours.book.get(run.run_id).progress).problems["fills_not_listed"] >= 10
        outcome, now = runs.market.outcomes[0], runs.bench.clock.now()
        (order_id,) = (each.order_id for each in venue.submitted)
        venue.fills.append(
            Trade(
                TradeId("t"),
                order_id,
                D("0.5"),
                D(10),
                now,
                runs.market.condition_id,
                outcome.token_id,
                OrderSide.BUY,
                outcome.label,
                TradeStatus.CONFIRMED,
                is_taker=True,
            )
        )
        await runs.bench.clock.advance(6)
        assert len(venue.submitted) == 2


async def test_what_rests_is_taken_back_while_nobody_can_look(runs: Runs, quoter: type[Quoter]) -> None:
    async with runs.open() as ours:
        run, _ = ours.start(runs.plan(), questions=())
        await runs.bench.clock.advance(1)
        quoter.fails_with = NOT_NOW
        await runs.bench.clock.advance(10)
        assert runs.resting == 1  # one look that fails is no reason to lose a place in the queue
        await runs.bench.clock.advance(10)
        assert runs.resting == 0
        quoter.fails_with = None
        await runs.bench.clock.advance(10)
        assert runs.resting == 1
        assert ours.book.get(run.run_id).status is RunStatus.RUNNING


def fill(runs: Runs) -> None:
    """All that rests is taken, and has settled."""
    venue, outcome = runs.bench.venue, runs.market.outcomes[0]
    for order_id, order in venue.known.items():
        venue.known[order_id] = dataclasses.replace(order, status="MATCHED", size_matched=order.original_size)
        venue.fills.append(
            Trade(
                TradeId(f"t{order_id}"),
                order_id,
                order.price,
                order.original_size,
                runs.bench.clock.now(),
                runs.market.condition_id,
                outcome.token_id,
                OrderSide.BUY,
                outcome.label,
                TradeStatus.CONFIRMED,
                is_taker=False,
            )
        )


async def test_a_loss_ends_a_run_long_before_its_strategy_would_look_again(runs: Runs) -> None:
    async with runs.open() as ours:
        run, _ = ours.start(runs.plan(max_loss_usd=D(3), every_s=3000.0), questions=())
        await runs.bench.clock.advance(1)
        fill(runs)
        runs.midpoint = D("0.15")  # ten shares for 4.50 dollars are worth 1.50
        await runs.bench.clock.advance(35)
        ended = ours.book.get(run.run_id)
        assert (ended.status, ended.cause) == (
            RunStatus.STOPPED, "it has lost $3.00, as much as it was allowed to"
        )  # fmt: skip
        assert notes_from_text(ended.progress).looks == 1


async def test_what_rests_is_taken_back_where_nobody_can_tell_what_a_run_has_lost(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with runs.open() as ours:
        run, _ = ours.start(runs.plan(every_s=3000.0), questions=())
        await runs.bench.clock.advance(1)
        assert runs.resting == 1

        async def silent(account: RunAccount) -> None:
            raise NOT_NOW

        monkeypatch.setattr(RunAccount, "holdings", silent)
        await runs.bench.clock.advance(120)
        assert runs.resting == 0
        going_on = ours.book.get(run.run_id)
        assert going_on.status is RunStatus.RUNNING
        assert notes_from_text(going_on.progress).problems["VenueUnavailable"] >= 3


async def test_before_it_has_ordered_a_run_is_not_read_between_looks(runs: Runs, quoter: type[Quoter]) -> None:
    quoter.fails_with, reads = NOT_NOW, []

    async def trades() -> tuple[Trade, ...]:
        reads.append(runs.bench.clock.now())
        return ()

    runs.bench.venue.trades = trades  # type: ignore[method-assign]
    async with runs.open() as ours:
        ours.start(runs.plan(every_s=3000.0), questions=())
        await runs.bench.clock.advance(300)
    assert not reads


async def test_quotes_leave_the_book_when_their_run_ends_though_nobody_is_there(runs: Runs) -> None:
    async with runs.open() as ours:
        plan = runs.plan(until=runs.bench.clock.now() + timedelta(seconds=200.7))
        ours.start(plan, questions=())
        await runs.bench.clock.advance(1)
        (sent,) = runs.bench.venue.submitted
        ticket = sent.approved.ticket
        assert ticket.time_in_force is TimeInForce.GTD
        # The venue takes it off the book a minute before the expiry that is signed.
        assert ticket.expires_at == plan.until.replace(microsecond=0) + timedelta(seconds=60)


async def test_quotes_of_a_runs_last_two_minutes_have_no_expiry_that_the_venue_would_take(runs: Runs) -> None:
    async with runs.open() as ours:
        ours.start(runs.plan(until=runs.bench.clock.now() + timedelta(seconds=130)), questions=())
        await runs.bench.clock.advance(1)
        (sent,) = runs.bench.venue.submitted
        ticket = sent.approved.ticket
        assert (ticket.time_in_force, ticket.expires_at) == (TimeInForce.GTC, None)


async def test_a_run_that_nobody_can_read_any_more_ends_with_its_reason(runs: Runs) -> None:
    async with runs.open() as ours:
        run, _ = ours.book.open("strategy", "{}", fingerprint="f", client_token=None, now=runs.bench.clock.now())
        ours._carry_on(run)
        await runs.bench.clock.advance(1)
        assert ours.book.get(run.run_id).status is RunStatus.STOPPED


def test_a_clock_that_was_set_back_puts_no_look_off_and_is_no_time_watched(now: datetime) -> None:
    notes = RunNotes()
    notes.looked(now, every_s=5)
    earlier = now - timedelta(minutes=30)
    assert notes.next_look_in_s(earlier, every_s=5) == 0
    notes.looked(earlier, every_s=5)
    assert (notes.up_s, notes.gaps) == (0, [])
    assert notes.next_look_in_s(earlier + timedelta(seconds=2), every_s=5) == 3
