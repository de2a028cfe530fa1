"""Trades settle on the clock, markets resolve, and both leave the ledger exact."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock, unix_ms
from polydesk.core.exchange.agenda import Agenda
from polydesk.core.exchange.events import ExchangeEvent, TradeChanged
from polydesk.core.exchange.ledger import InsufficientFunds
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

CONDITION = "0x" + f"{11:064x}"


def micro(amount: str) -> int:
    return to_micro(Decimal(amount))


async def test_the_agenda_does_things_in_the_order_of_their_times(clock: ManualClock) -> None:
    agenda = Agenda(clock)
    done: list[str] = []
    running = asyncio.create_task(agenda.run())
    await clock.advance(1)
    agenda.after(5, lambda: done.append("late"))
    agenda.after(2, lambda: done.append("early"))
    agenda.at(unix_ms(clock.now() + timedelta(seconds=5)), lambda: done.append("as late"))
    agenda.after(0, lambda: done.append("now"))
    assert done == ["now"]
    await clock.advance(2)
    assert done == ["now", "early"]
    await clock.advance(3)
    assert done == ["now", "early", "late", "as late"]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


class TestResolution:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return ExchangeSettings(simulated_traders=False, mined_after_s=60)

    @pytest.mark.parametrize(
        ("winner", "yes_cash", "no_cash"), [(0, "104", "96"), (1, "94", "106"), (None, "99", "101")]
    )
    def test_it_settles_pays_and_ends_trading(
        self, floor: Floor, winner: int | None, yes_cash: str, no_cash: str
    ) -> None:
        yes, no = floor.account("yes", dollars="100"), floor.account("no", dollars="100")
        floor.enter(yes, "BUY", "0.6", "10")
        floor.enter(no, "BUY", "0.4", "10", outcome=1)
        resting = floor.enter(yes, "BUY", "0.5", "10").order
        floor.exchange.resolve(CONDITION, winner)
        assert resting.status == "CANCELED_MARKET_RESOLVED"
        assert yes.matched_cash == no.matched_cash == yes.open_cash == 0
        assert not floor.discrepancies()
        for account in (yes, no):
            floor.exchange.ledger.redeem(account, CONDITION, at=0)
        assert (yes.cash, no.cash) == (micro(yes_cash), micro(no_cash))
        assert not floor.discrepancies()
        assert floor.listing(11).closed

    def test_an_open_market_pays_nothing(self, floor: Floor) -> None:
        with pytest.raises(KeyError):
            floor.exchange.ledger.redeem(floor.account("ann", shares="5"), CONDITION, at=0)


def test_sets_are_split_and_merged_within_what_is_free(floor: Floor) -> None:
    ann = floor.account("ann", dollars="3", shares="10")
    listing = floor.listing(11)
    ledger = floor.exchange.ledger
    floor.enter(ann, "SELL", "0.6", "6")
    with pytest.raises(InsufficientFunds):
        ledger.merge(ann, CONDITION, listing.tokens, micro("5"), at=0)
    ledger.merge(ann, CONDITION, listing.tokens, micro("4"), at=0)
    assert (ann.cash, ann.shares(listing.tokens[1])) == (micro("7"), micro("6"))
    with pytest.raises(InsufficientFunds):
        ledger.split(ann, CONDITION, listing.tokens, micro("7.000001"), at=0)
    assert not floor.discrepancies()


def test_every_kind_of_imbalance_is_reported(floor: Floor) -> None:
    ann = floor.account("ann", dollars="3", shares="10")
    ann.cash -= micro("4")
    ann.position("111").size -= micro("20")
    floor.exchange.resolve("0x" + f"{12:064x}", 0)
    floor.exchange.ledger.locked["0x" + f"{12:064x}"] = 0
    found = "\n".join(floor.discrepancies())
    for words in ("negative cash", "is short", "deposits", "holders have", "locks 0 and owes"):
        assert words in found


class TestWithDelays:
    @pytest.fixture
    def settings(self) -> ExchangeSettings:
        return ExchangeSettings(simulated_traders=False, mined_after_s=10, confirmed_after_s=10)

    async def test_a_trade_settled_by_a_resolution_is_not_settled_again(self, floor: Floor, clock: ManualClock) -> None:
        ann, ben = floor.account("ann", dollars="100"), floor.account("ben", dollars="100")
        floor.enter(ann, "BUY", "0.6", "10")
        (trade,) = floor.enter(ben, "BUY", "0.4", "10", outcome=1).trades
        floor.exchange.resolve(CONDITION, 0)
        await clock.advance(30)
        floor.exchange.agenda.run_due()
        assert trade.status == "CONFIRMED"
        assert (ann.cash, ann.shares("111")) == (micro("94"), micro("10"))
        assert not floor.discrepancies()

    async def test_each_step_of_a_settlement_carries_its_own_time(self, floor: Floor, clock: ManualClock) -> None:
        running = asyncio.create_task(floor.exchange.agenda.run())
        steps: list[tuple[str, int]] = []

        def note(event: ExchangeEvent) -> None:
            if isinstance(event, TradeChanged):
                steps.append((event.trade.status, event.trade.updated_at_ms))

        floor.exchange.events.subscribe(note)
        start = floor.exchange.now_ms
        floor.enter(floor.account("ann", dollars="100"), "BUY", "0.6", "10")
        floor.enter(floor.account("ben", dollars="100"), "BUY", "0.4", "10", outcome=1)
        await clock.advance(86_400)
        assert steps == [("MATCHED", start), ("MINED", start + 10_000), ("CONFIRMED", start + 20_000)]
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    async def test_an_order_cancelled_before_its_expiry_stays_cancelled(self, floor: Floor, clock: ManualClock) -> None:
        ann = floor.account("ann", dollars="100")
        expiration = floor.exchange.now_s + 100
        order = floor.enter(ann, "BUY", "0.6", "10", order_type="GTD", expiration=expiration).order
        floor.exchange.trading.cancel(order)
        await clock.advance(100)
        floor.exchange.agenda.run_due()
        assert (order.status, ann.open_cash) == ("CANCELED", 0)
