"""A trade is mined and confirmed, or retried and then mined or lost, and a lost one leaves everybody as before."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.data_rows import position_rows, trade_rows
from polydesk.core.exchange.events import ExchangeEvent, TradeChanged
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

CONDITION = "0x" + f"{12:064x}"


def settling(*, retried: float = 0, failed: float = 0) -> ExchangeSettings:
    return ExchangeSettings(
        simulated_traders=False,
        mined_after_s=1,
        confirmed_after_s=2,
        retried_after_s=5,
        settlement_retry_probability=retried,
        settlement_failure_probability=failed,
    )


def steps_of(floor: Floor) -> list[str]:
    steps: list[str] = []

    def listen(event: ExchangeEvent) -> None:
        if isinstance(event, TradeChanged):
            steps.append(event.trade.status)

    floor.exchange.events.subscribe(listen)
    return steps


async def pass_time(floor: Floor, clock: ManualClock, seconds: float) -> None:
    await clock.advance(seconds)
    floor.exchange.agenda.run_due()


class TestATradeThatGetsThrough:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return settling()

    async def test_it_is_mined_and_then_confirmed(self, floor: Floor, clock: ManualClock) -> None:
        steps = steps_of(floor)
        floor.enter(floor.account("seller", shares="10", market=12), "SELL", "0.5", "10", market=12)
        floor.enter(floor.account("buyer", dollars="10"), "BUY", "0.5", "10", market=12)
        await pass_time(floor, clock, 1)
        await pass_time(floor, clock, 2)
        assert steps == ["MATCHED", "MINED", "CONFIRMED"]


class TestATradeThatIsRetried:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return settling(retried=1)

    async def test_it_is_mined_in_the_end(self, floor: Floor, clock: ManualClock) -> None:
        steps = steps_of(floor)
        floor.enter(floor.account("seller", shares="10", market=12), "SELL", "0.5", "10", market=12)
        buyer = floor.account("buyer", dollars="10")
        (trade,) = floor.enter(buyer, "BUY", "0.5", "10", market=12).trades
        await pass_time(floor, clock, 1)
        assert (trade.status, trade.settled, trade.transaction_hash) == ("RETRYING", False, "")
        assert not buyer.positions
        await pass_time(floor, clock, 5)
        assert buyer.shares("121") == to_micro(Decimal(10))
        await pass_time(floor, clock, 2)
        assert steps == ["MATCHED", "RETRYING", "MINED", "CONFIRMED"]
        assert not floor.discrepancies()

    async def test_a_market_that_resolves_settles_it_at_once(self, floor: Floor, clock: ManualClock) -> None:
        floor.enter(floor.account("seller", shares="10", market=12), "SELL", "0.5", "10", market=12)
        buyer = floor.account("buyer", dollars="10")
        (trade,) = floor.enter(buyer, "BUY", "0.5", "10", market=12).trades
        await pass_time(floor, clock, 1)
        steps = steps_of(floor)
        floor.exchange.resolve(CONDITION, 0)
        assert steps == ["MINED"]
        await pass_time(floor, clock, 10)
        assert steps == ["MINED", "CONFIRMED"]
        assert trade.settled
        assert buyer.shares("121") == to_micro(Decimal(10))


class TestATradeThatFails:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return settling(retried=1, failed=1)

    @pytest.mark.parametrize(("outcome", "price"), [(0, "0.5"), (1, "0.5")])
    async def test_both_sides_have_again_what_they_had(
        self, floor: Floor, clock: ManualClock, outcome: int, price: str
    ) -> None:
        steps = steps_of(floor)
        maker = floor.account("maker", dollars="10", shares="10", market=12)
        taker = floor.account("taker", dollars="10", shares="10", market=12)
        before = [(each.cash, dict(each.positions)) for each in (maker, taker)]
        floor.enter(maker, "SELL" if outcome == 0 else "BUY", "0.5", "10", market=12, outcome=outcome)
        order = floor.enter(taker, "BUY", price, "6", market=12).order
        assert taker.matched_cash > to_micro(Decimal(3))
        await pass_time(floor, clock, 1)
        await pass_time(floor, clock, 5)
        assert steps == ["MATCHED", "RETRYING", "FAILED"]
        assert [(each.cash, dict(each.positions)) for each in (maker, taker)] == before
        assert taker.matched_cash == maker.matched_cash == maker.matched_shares["121"] == 0
        assert order.status == "MATCHED"
        assert floor.listing(12).volume == 0
        assert floor.exchange.ledger.fees == 0
        assert not floor.discrepancies()

    async def test_it_is_in_nobodys_public_record(self, floor: Floor, clock: ManualClock) -> None:
        floor.enter(floor.account("seller", shares="10", market=12), "SELL", "0.5", "10", market=12)
        buyer = floor.account("buyer", dollars="10")
        floor.enter(buyer, "BUY", "0.5", "10", market=12)
        await pass_time(floor, clock, 1)
        await pass_time(floor, clock, 5)
        assert trade_rows(floor.exchange, list(floor.exchange.registry.tape), account=None, taker_only=False) == []
        assert position_rows(floor.exchange, buyer, "buyer") == []

    async def test_what_it_held_back_can_be_traded_again(self, floor: Floor, clock: ManualClock) -> None:
        floor.enter(floor.account("seller", shares="10", market=12), "SELL", "0.5", "10", market=12)
        buyer = floor.account("buyer", dollars="6")
        floor.enter(buyer, "BUY", "0.5", "10", market=12)
        await pass_time(floor, clock, 1)
        await pass_time(floor, clock, 5)
        assert floor.enter(buyer, "BUY", "0.5", "10", market=12).status == "live"


async def test_the_same_seed_loses_the_same_trades(catalogue: Catalogue, clock: ManualClock, floor: Floor) -> None:
    async def play(seed: int) -> list[str]:
        rules = ExchangeSettings(
            seed=seed,
            simulated_traders=False,
            mined_after_s=1,
            confirmed_after_s=0,
            settlement_retry_probability=0.5,
            settlement_failure_probability=0.5,
        )
        desk = type(floor)(Exchange(catalogue, rules, clock))
        seller, buyer = desk.account("seller", shares="100", market=12), desk.account("buyer", dollars="100")
        draw = random.Random(1)
        for _ in range(20):
            size = str(draw.randint(2, 4))
            desk.enter(seller, "SELL", "0.5", size, market=12)
            desk.enter(buyer, "BUY", "0.5", size, market=12)
        await pass_time(desk, clock, 1)
        await pass_time(desk, clock, 5)
        assert not desk.discrepancies()
        assert buyer.matched_cash == seller.matched_shares["121"] == 0
        return [trade.status for trade in desk.exchange.registry.tape]

    first, again, other = await play(3), await play(3), await play(4)
    assert first == again != other
    assert set(first) == {"CONFIRMED", "FAILED"}
