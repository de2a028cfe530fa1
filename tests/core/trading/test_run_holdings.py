"""A run sells what it has bought itself and nothing else of the account's, whatever its strategy decides."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.errors import RiskRefused
from polydesk.core.identifiers import ConditionId, OrderId, TokenId, TradeId
from polydesk.core.models import (
    Market,
    OpenOrder,
    OrderSide,
    PlacementResult,
    Position,
    TimeInForce,
    Trade,
    TradeStatus,
    TradingSignal,
)
from polydesk.core.models.position_change import PositionAction, PositionOrder
from polydesk.core.portfolio.account_state import read_account
from polydesk.core.risk.mandate import Mandate
from polydesk.core.storage.audit_log import AuditLog
from polydesk.core.storage.processes import ProcessMark
from polydesk.core.strategies.decision import Basket, Quote, TargetQuotes
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.position_journal import ChangeStatus, PositionJournal
from polydesk.core.trading.strategy_execution import DeskExecution
from polydesk.core.venues.venue import SignedTicket
from tests.core.trading.conftest import ACCOUNT

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket
    from tests.core.trading.conftest import Bench, MakeBench

D = Decimal


@dataclasses.dataclass
class Run:
    """A run on a desk whose account holds a thousand other shares of its outcome."""

    bench: Bench
    market: Market
    mandate: Mandate
    numbers: itertools.count[int] = dataclasses.field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.bench.venue.holding = D(1000)
        self.bench.venue.before_submit = self._settle
        self.settles_as = TradeStatus.CONFIRMED

    @property
    def token_id(self) -> TokenId:
        return self.market.outcomes[0].token_id

    def _settle(self, signed: SignedTicket) -> None:
        """What takes is matched whole, what rests is on the book."""
        ticket, now, venue = signed.approved.ticket, self.bench.clock.now(), self.bench.venue
        if ticket.time_in_force.rests:
            venue.known[signed.order_id] = OpenOrder(
                id=signed.order_id, status="LIVE", condition_id=ticket.condition_id, token_id=ticket.token_id,
                side=ticket.side, original_size=ticket.shares, size_matched=D(0), price=ticket.price, outcome="Yes",
                time_in_force=ticket.time_in_force, created_at=now, expires_at=None, trade_ids=(),
            )  # fmt: skip
            venue.answer = None
            return
        buys = ticket.side is OrderSide.BUY
        shares = round(ticket.dollars / D("0.50"), 2) if buys else ticket.shares
        venue.answer = PlacementResult(
            signed.order_id, "matched", D(5) if buys else shares, shares if buys else D(5), ()
        )
        self.filled(signed.order_id, ticket.side, shares)

    def filled(self, order_id: OrderId, side: OrderSide, shares: Decimal) -> None:
        fills = self.bench.venue.fills
        fills.append(
            Trade(
                TradeId(f"t{len(fills)}"),
                order_id,
                D("0.5"),
                shares,
                self.bench.clock.now(),
                self.market.condition_id,
                self.token_id,
                side,
                "Yes",
                self.settles_as,
                is_taker=True,
                fee=D(0),
            )
        )  # fmt: skip

    def execution(self, bench: Bench | None = None) -> DeskExecution:
        async def find(condition_id: ConditionId) -> Market:
            return self.market

        bench = bench or self.bench
        return DeskExecution(bench.desk, find, bench.clock, prefix=self.mandate.run_id, mandate=self.mandate)

    def signal(self, side: OrderSide, shares: int) -> TradingSignal:
        return TradingSignal(
            market_id=self.market.condition_id,
            token_id=self.token_id,
            outcome="Yes",
            side=side,
            verdict="buy" if side is OrderSide.BUY else "sell",
            fair_value=D("0.60"),
            low=D("0.55"),
            high=D("0.65"),
            price=D("0.50"),
            limit_price=D("0.50") if side is OrderSide.BUY else D("0.47"),
            edge=D("0.09"),
            size=D(shares),
            reason="a test",
            as_of=self.bench.clock.now() + timedelta(microseconds=next(self.numbers)),
        )

    async def buys(self, shares: int) -> None:
        assert (await self.execution().execute(self.signal(OrderSide.BUY, shares))).size == shares

    async def sells(self, shares: int, *, on: Bench | None = None) -> Trade:
        return await self.execution(on).execute(self.signal(OrderSide.SELL, shares))

    async def refuses_to_sell(self, shares: int, *, own: str, on: Bench | None = None) -> None:
        sent = len(self.bench.venue.submitted)
        with pytest.raises(RiskRefused) as refused:
            await self.sells(shares, on=on)
        assert refused.value.control == "run_holdings"
        assert f"may sell {own} shares" in refused.value.message
        assert len(self.bench.venue.submitted) == sent


@pytest.fixture
def make_run(make_bench: MakeBench, make_market: MakeMarket, now: datetime) -> Callable[..., Run]:
    def make(max_exposure_usd: int = 100) -> Run:
        mandate = Mandate(
            run_id="r_1", max_loss_usd=D(20), max_exposure_usd=D(max_exposure_usd), until=now + timedelta(hours=9)
        )
        return Run(make_bench(max_open_orders=9), make_market(), mandate)

    return make


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    return make_run()


async def test_the_accounts_other_shares_are_sold_by_no_way_that_a_strategy_has(run: Run) -> None:
    await run.refuses_to_sell(10, own="0")
    leg = run.signal(OrderSide.SELL, 10)
    with pytest.raises(RiskRefused, match="what else the account holds is not the run's"):
        await run.execution().execute_basket(Basket((leg, leg), D(1), D(1), "a test", leg.as_of))
    offer = Quote(run.token_id, "Yes", OrderSide.SELL, D("0.55"), D(10))
    kept = await run.execution().keep_quotes([TargetQuotes(run.market.condition_id, (offer,), None, "", leg.as_of)])
    assert (kept.placed, kept.refused) == (0, ("risk_run_holdings",))
    assert not run.bench.venue.submitted


async def test_a_run_sells_what_it_has_bought_and_no_share_more(run: Run) -> None:
    await run.buys(20)
    await run.refuses_to_sell(21, own="20")
    assert (await run.sells(12)).size == 12
    await run.refuses_to_sell(9, own="8")
    assert (await run.sells(8)).size == 8
    await run.refuses_to_sell(5, own="0")


async def test_what_another_run_or_a_person_bought_is_not_the_runs(run: Run) -> None:
    other = dataclasses.replace(run, mandate=dataclasses.replace(run.mandate, run_id="r_2"))
    await other.buys(20)
    await run.refuses_to_sell(5, own="0")


async def test_what_has_not_settled_can_still_fail_and_is_not_sold(run: Run) -> None:
    run.settles_as = TradeStatus.MATCHED
    await run.buys(20)
    await run.refuses_to_sell(5, own="0")


async def test_what_a_sale_did_not_settle_is_held_again(run: Run) -> None:
    await run.buys(20)
    run.settles_as = TradeStatus.FAILED
    await run.sells(15)
    run.settles_as = TradeStatus.CONFIRMED
    assert (await run.sells(20)).size == 20


async def test_what_rests_in_a_runs_own_offers_is_not_sold_twice(run: Run) -> None:
    await run.buys(20)
    offer = Quote(run.token_id, "Yes", OrderSide.SELL, D("0.55"), D(15))
    targets = [TargetQuotes(run.market.condition_id, (offer,), None, "", run.bench.clock.now())]
    assert (await run.execution().keep_quotes(targets)).placed == 1
    await run.refuses_to_sell(6, own="5")
    (order_id, resting), *_ = run.bench.venue.known.items()
    run.filled(order_id, OrderSide.SELL, D(7))  # the tape is ahead of the list of open orders, and then level with it
    await run.refuses_to_sell(6, own="5")
    run.bench.venue.known[order_id] = dataclasses.replace(resting, size_matched=D(7))
    await run.refuses_to_sell(6, own="5")
    await run.execution().withdraw()
    run.bench.venue.known[order_id] = dataclasses.replace(resting, size_matched=D(7), status="CANCELED")
    await run.refuses_to_sell(14, own="13")
    assert (await run.sells(13)).size == 13


async def test_of_two_sales_at_once_in_two_processes_one_gets_the_holding(run: Run, make_bench: MakeBench) -> None:
    await run.buys(20)
    venue = run.bench.venue
    beside = make_bench(beside=run.bench)
    venue.gate = asyncio.Event()
    first = asyncio.create_task(run.sells(15))
    await run.bench.clock.advance(0)
    assert len(venue.submitted) == 2
    venue.fills.pop()  # on its way: the venue tells of no sale yet
    await run.refuses_to_sell(15, own="5", on=beside)
    venue.gate.set()
    await first
    await run.refuses_to_sell(15, own="5", on=beside)  # it has matched, and is not listed


async def test_the_gate_counts_again_in_the_transaction_that_writes_the_order(run: Run, make_bench: MakeBench) -> None:
    """Between the plan of a sale and its signature another process sells the same shares."""
    await run.buys(20)
    beside = make_bench(beside=run.bench)
    consented = beside.desk._consent.required

    def sold_meanwhile(*args: object, **kwargs: object) -> object:
        sale = run.bench.desk.journal.by_token("r_1/meanwhile")
        assert sale is not None
        (signed,) = run.bench.desk._sending.sign([(sale, prepared)])
        assert signed.record.order_id is not None
        return consented(*args, **kwargs)  # type: ignore[arg-type]

    intent = OrderIntent(
        market=run.market, outcome=run.market.outcomes[0], side=OrderSide.SELL, size=D(15), price=D("0.47"),
        time_in_force=TimeInForce.FAK, mandate=run.mandate,
    )  # fmt: skip
    prepared = await run.bench.desk._preparation.prepare(intent)
    run.bench.desk.journal.open(intent, now=run.bench.clock.now(), client_token="r_1/meanwhile")
    beside.desk._consent.required = sold_meanwhile  # type: ignore[method-assign, assignment]
    await run.refuses_to_sell(15, own="5", on=beside)


async def test_the_next_process_knows_what_a_run_has_bought_and_sold(run: Run, make_bench: MakeBench) -> None:
    await run.buys(20)
    await run.sells(12)
    await run.bench.desk.aclose()
    again = make_bench(beside=run.bench)
    await run.refuses_to_sell(9, own="8", on=again)
    assert (await run.sells(8, on=again)).size == 8


def merged(run: Run, shares: int, action: PositionAction = PositionAction.MERGE) -> None:
    database, clock = run.bench.database, run.bench.clock
    journal = PositionJournal(
        database, AuditLog(database, ACCOUNT), account=ACCOUNT, process=ProcessMark(None), new_id=lambda: f"p{shares}"
    )
    order = PositionOrder(
        action=action,
        amount=D(shares),
        condition_id=run.market.condition_id,
        token_ids=tuple(each.token_id for each in run.market.outcomes),
    )
    now = clock.now()
    change = journal.open(order, (), gives="", gets="", now=now, expires_at=now + timedelta(minutes=1))
    journal.move(change, ChangeStatus.SENDING, now=now, sent_at=now)


async def test_shares_that_were_merged_are_the_runs_no_more_and_others_go_first(run: Run) -> None:
    await run.buys(20)
    run.filled(OrderId("0xperson"), OrderSide.BUY, D(30))
    await run.bench.clock.advance(1)
    merged(run, 30)
    await run.refuses_to_sell(21, own="20")
    merged(run, 8)
    await run.refuses_to_sell(13, own="12")
    await run.bench.clock.advance(1)
    run.filled(OrderId("0xperson2"), OrderSide.BUY, D(50))  # what comes later does not replace them
    await run.refuses_to_sell(13, own="12")
    assert (await run.sells(12)).size == 12


async def test_what_a_person_sold_of_a_runs_shares_is_sold(run: Run) -> None:
    await run.buys(20)
    await run.bench.clock.advance(1)
    run.filled(OrderId("0xperson"), OrderSide.SELL, D(5))
    await run.refuses_to_sell(16, own="15")


async def test_what_has_been_redeemed_or_decided_ties_nothing_up(make_run: Callable[..., Run]) -> None:
    run = make_run(max_exposure_usd=25)
    await run.buys(40)
    with pytest.raises(RiskRefused, match="tied up"):
        await run.buys(20)
    position = Position(
        token_id=run.token_id, condition_id=run.market.condition_id, title="", outcome="Yes", size=D(40),
        average_price=D("0.5"), cost=D(20), fees=D(0), current_price=D(1), value=D(40), realized=D(0),
        unrealized=D(20), status="REDEEMABLE", neg_risk=False, slug="", event_slug="",
    )  # fmt: skip
    desk, venue, clock = run.bench.desk, run.bench.venue, run.bench.clock

    async def tied_up(status: str) -> Decimal:
        async def positions() -> tuple[Position, ...]:
            return (dataclasses.replace(position, status=status),)

        venue.positions = positions  # type: ignore[method-assign]
        account = await read_account(venue, TokenId(""), desk.fee_of, clock, to_sell=False)
        return desk.run_standing(run.mandate, account).tied_up_usd

    assert await tied_up("OPEN") == 20
    assert await tied_up("REDEEMABLE") == 0  # decided, and not paid out yet
    merged(run, 40, PositionAction.REDEEM)
    assert await tied_up("OPEN") == 0  # paid out, and the list lags behind
    await run.buys(20)
