"""A signal becomes one order of the desk, and what has filled of it one trade."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.errors import InputRejected, OutcomeUnknown, RateLimitError, RiskRefused
from polydesk.core.identifiers import ConditionId, OrderId, TradeId
from polydesk.core.models import (
    Market,
    OrderSide,
    PlacementResult,
    TimeInForce,
    Trade,
    TradeStatus,
    TradingSignal,
)
from polydesk.core.risk.mandate import Mandate
from polydesk.core.trading.consent import ConsentKind, LiveConsent
from polydesk.core.trading.strategy_execution import DeskExecution
from polydesk.core.venues.venue import SignedTicket

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket
    from tests.core.trading.conftest import Bench, MakeBench

D = Decimal


@pytest.fixture
def signal(make_market: MakeMarket, now: datetime) -> TradingSignal:
    market = make_market()
    return TradingSignal(
        market_id=market.condition_id,
        token_id=market.outcomes[0].token_id,
        outcome="Yes",
        side=OrderSide.BUY,
        verdict="buy",
        fair_value=D("0.60"),
        low=D("0.55"),
        high=D("0.65"),
        price=D("0.50"),
        limit_price=D("0.51"),
        edge=D("0.09"),
        size=D(40),
        reason="a test",
        as_of=now,
    )


def execution(bench: Bench, market: Market, mandate: Mandate | None = None) -> DeskExecution:
    async def find(condition_id: ConditionId) -> Market:
        return market

    prefix = mandate.run_id if mandate else "test"
    return DeskExecution(bench.desk, find, bench.clock, prefix=prefix, mandate=mandate)


def mandate_of(now: datetime, **bounds: Decimal) -> Mandate:
    given = {"max_loss_usd": D(5), "max_exposure_usd": D(100)} | bounds
    return Mandate(run_id="r_1", until=now + timedelta(hours=1), **given)


def matches_unsettled(bench: Bench, signal: TradingSignal) -> None:
    """From now on each order trades whole at the signal's price, and no position shows it yet."""

    def match(signed: SignedTicket) -> None:
        paid = signal.size * signal.price
        bench.venue.answer = PlacementResult(signed.order_id, "matched", paid, signal.size, ())
        bench.venue.fills.append(
            Trade(
                TradeId(f"t{signed.order_id}"),
                signed.order_id,
                signal.price,
                signal.size,
                bench.clock.now(),
                signal.market_id,
                signal.token_id,
                OrderSide.BUY,
                "Yes",
                TradeStatus.MATCHED,
                is_taker=True,
                fee=D(0),
            )
        )

    bench.venue.before_submit = match


async def test_what_a_run_has_bought_and_not_received_yet_is_no_loss(
    make_bench: MakeBench, make_market: MakeMarket, signal: TradingSignal, now: datetime
) -> None:
    bench = make_bench()
    matches_unsettled(bench, signal)
    ours = execution(bench, make_market(), mandate_of(now))
    for number in range(3):
        trade = await ours.execute(dataclasses.replace(signal, as_of=now + timedelta(seconds=number)))
        assert trade.size == signal.size


async def test_the_gate_bounds_what_a_run_ties_up_whatever_the_strategy_thinks_it_has(
    make_bench: MakeBench, make_market: MakeMarket, signal: TradingSignal, now: datetime
) -> None:
    bench = make_bench()
    matches_unsettled(bench, signal)
    ours = execution(bench, make_market(), mandate_of(now, max_exposure_usd=D(50)))
    for number in range(2):
        await ours.execute(dataclasses.replace(signal, as_of=now + timedelta(seconds=number)))
    with pytest.raises(RiskRefused) as refused:
        await ours.execute(dataclasses.replace(signal, as_of=now + timedelta(seconds=2)))
    assert refused.value.control == "run_exposure"
    assert len(bench.venue.submitted) == 2


async def test_a_dead_order_of_a_run_is_sent_again_only_with_the_consent_that_any_order_needs(
    make_bench: MakeBench, make_market: MakeMarket, signal: TradingSignal, now: datetime
) -> None:
    consent = LiveConsent(dialog=True, acknowledge_up_to=D(0))
    bench = make_bench(consent=consent)
    bench.venue.answer = RateLimitError("too many requests")
    with pytest.raises(RateLimitError):
        await execution(bench, make_market(), mandate_of(now)).execute(signal)
    (letter,) = bench.desk.letters.open()
    draft = await bench.desk.replay(letter.letter_id)
    assert bench.desk.consent_for(draft.plan, host_can_ask=True) is ConsentKind.DIALOG


async def test_it_takes_what_rests_within_the_limit_price(
    make_bench: MakeBench, make_market: MakeMarket, signal: TradingSignal
) -> None:
    bench = make_bench()
    bench.venue.answer = PlacementResult(OrderId("0x1"), "matched", D("20.00"), D(40), ())
    trade = await execution(bench, make_market()).execute(signal)
    (sent,) = bench.venue.submitted
    ticket = sent.approved.ticket
    assert (ticket.side, ticket.time_in_force, ticket.price) == (OrderSide.BUY, TimeInForce.FAK, D("0.51"))
    assert (trade.size, trade.price, trade.order_id) == (D(40), D("0.50"), sent.order_id)


async def test_the_trade_is_the_sum_of_the_fills(
    make_bench: MakeBench, make_market: MakeMarket, signal: TradingSignal, now: datetime
) -> None:
    bench = make_bench()

    def fill(number: int, price: str, size: str, status: TradeStatus) -> Trade:
        return Trade(
            TradeId(f"t{number}"),
            OrderId(f"0x{1:064x}"),
            D(price),
            D(size),
            now,
            signal.market_id,
            signal.token_id,
            OrderSide.BUY,
            "Yes",
            status,
            is_taker=True,
            fee=D("0.1"),
        )

    bench.venue.answer_with_status = "matched"
    bench.venue.fills = [
        fill(1, "0.50", "30", TradeStatus.CONFIRMED),
        fill(2, "0.51", "10", TradeStatus.MINED),
        fill(3, "0.51", "10", TradeStatus.FAILED),
    ]
    trade = await execution(bench, make_market()).execute(signal)
    assert (trade.size, trade.price, trade.fee) == (D(40), D("0.5025"), D("0.2"))
    assert trade.status is TradeStatus.MINED


async def test_the_same_signal_is_ordered_once(
    make_bench: MakeBench, make_market: MakeMarket, signal: TradingSignal
) -> None:
    bench = make_bench()
    bench.venue.answer = PlacementResult(OrderId("0x1"), "matched", D("20.00"), D(40), ())
    ours = execution(bench, make_market())
    first, second = await ours.execute(signal), await ours.execute(signal)
    assert len(bench.venue.submitted) == 1
    assert first.order_id == second.order_id


async def test_what_stops_an_order_stops_a_signal(
    make_bench: MakeBench, make_market: MakeMarket, signal: TradingSignal
) -> None:
    refusing = make_bench(max_order_usd=D(5))
    with pytest.raises(RiskRefused):
        await execution(refusing, make_market()).execute(signal)
    silent = make_bench()
    silent.venue.answer = OutcomeUnknown("no answer")
    with pytest.raises(OutcomeUnknown):
        await execution(silent, make_market()).execute(signal)
    renamed = make_market(outcomes=())
    with pytest.raises(InputRejected, match="no outcome Yes"):
        await execution(make_bench(), renamed).execute(signal)
