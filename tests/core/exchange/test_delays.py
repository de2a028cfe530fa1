"""Where a market delays, orders that would match wait, cannot be cancelled meanwhile, and are checked again."""

from __future__ import annotations

import asyncio
import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.events import ExchangeEvent, OrderChanged
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

SPORTS, FAST = 12, 13


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    """One market that delays for three seconds and one whose answers wait."""
    rules: dict[str, dict[str, Any]] = {str(SPORTS): {"sd": 3}, str(FAST): {"itode": True}}
    markets = [
        dataclasses.replace(market, clob={**market.clob, **rules.get(market.gamma["id"], {})})
        for market in catalogue.markets
    ]
    return dataclasses.replace(catalogue, markets=tuple(markets))


async def pass_time(floor: Floor, clock: ManualClock, seconds: float) -> None:
    await clock.advance(seconds)
    floor.exchange.agenda.run_due()


def statuses_of(floor: Floor, kinds: tuple[str, ...] = ("PLACEMENT", "UPDATE", "CANCELLATION")) -> list[str]:
    seen: list[str] = []

    def listen(event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged) and event.order.account.address == "buyer" and event.kind in kinds:
            seen.append(f"{event.kind} {event.order.status}")

    floor.exchange.events.subscribe(listen)
    return seen


async def test_a_marketable_order_waits_and_then_matches(floor: Floor, clock: ManualClock) -> None:
    seen = statuses_of(floor)
    floor.enter(floor.account("seller", shares="10", market=SPORTS), "SELL", "0.5", "10", market=SPORTS)
    buyer = floor.account("buyer", dollars="10")
    entry = floor.enter(buyer, "BUY", "0.5", "10", market=SPORTS)
    assert (entry.status, entry.order.status, entry.trades) == ("delayed", "DELAYED", ())
    assert buyer.open_cash == to_micro(Decimal(5))
    await pass_time(floor, clock, 2)
    assert entry.order.status == "DELAYED"
    await pass_time(floor, clock, 1)
    assert entry.order.status == "MATCHED"
    assert buyer.open_cash == 0
    assert buyer.shares("121") == to_micro(Decimal(10))
    assert seen == ["PLACEMENT DELAYED", "UPDATE MATCHED"]
    assert not floor.discrepancies()


async def test_one_whose_match_is_gone_is_unmatched_and_rests(floor: Floor, clock: ManualClock) -> None:
    seen = statuses_of(floor)
    ask = floor.enter(floor.account("seller", shares="10", market=SPORTS), "SELL", "0.5", "10", market=SPORTS).order
    buyer = floor.account("buyer", dollars="10")
    order = floor.enter(buyer, "BUY", "0.5", "10", market=SPORTS).order
    floor.exchange.trading.cancel(ask)
    await pass_time(floor, clock, 3)
    assert seen == ["PLACEMENT DELAYED", "UPDATE UNMATCHED"]
    assert order.status == "LIVE"
    assert floor.exchange.registry.open_orders(buyer) == [order]
    assert buyer.open_cash == to_micro(Decimal(5))


async def test_a_fill_or_kill_order_whose_match_is_gone_is_killed(floor: Floor, clock: ManualClock) -> None:
    seen = statuses_of(floor)
    ask = floor.enter(floor.account("seller", shares="10", market=SPORTS), "SELL", "0.5", "10", market=SPORTS).order
    buyer = floor.account("buyer", dollars="10")
    floor.enter(buyer, "BUY", "0.5", "10", market=SPORTS, order_type="FOK")
    floor.exchange.trading.cancel(ask)
    await pass_time(floor, clock, 3)
    reason = "order couldn't be fully filled. FOK orders are fully filled or killed."
    assert seen == ["PLACEMENT DELAYED", f"CANCELLATION CANCELED_{reason}"]
    assert buyer.open_cash == 0


async def test_what_waits_holds_its_money_back(floor: Floor, clock: ManualClock) -> None:
    seen = statuses_of(floor, ("CANCELLATION",))
    floor.enter(floor.account("seller", shares="10", market=SPORTS), "SELL", "0.5", "10", market=SPORTS)
    buyer = floor.account("buyer", dollars="5.2")
    floor.enter(buyer, "BUY", "0.5", "10", market=SPORTS)
    buyer.cash -= to_micro(Decimal(5))  # as a transfer away from the venue would
    await pass_time(floor, clock, 3)
    assert seen == ["CANCELLATION CANCELED_NOT_ENOUGH_BALANCE"]
    assert buyer.open_cash == buyer.matched_cash == 0


async def test_a_market_that_resolves_meanwhile_cancels_what_waits(floor: Floor, clock: ManualClock) -> None:
    seen = statuses_of(floor, ("CANCELLATION",))
    floor.enter(floor.account("seller", shares="10", market=SPORTS), "SELL", "0.5", "10", market=SPORTS)
    buyer = floor.account("buyer", dollars="10")
    floor.enter(buyer, "BUY", "0.5", "10", market=SPORTS)
    floor.exchange.resolve(floor.listing(SPORTS).condition_id, 0)
    await pass_time(floor, clock, 3)
    assert seen == ["CANCELLATION CANCELED_MARKET_RESOLVED"]
    assert buyer.open_cash == 0


async def test_what_waits_is_freed_at_once_when_its_market_ends(floor: Floor, clock: ManualClock) -> None:
    """Else its shares could be redeemed while they are still offered."""
    floor.enter(floor.account("buyer", dollars="10"), "BUY", "0.5", "10", market=SPORTS)
    seller = floor.account("seller", shares="10", market=SPORTS)
    order = floor.enter(seller, "SELL", "0.5", "10", market=SPORTS).order
    floor.exchange.resolve(floor.listing(SPORTS).condition_id, 0)
    assert order.status == "CANCELED_MARKET_RESOLVED"
    assert not any(seller.open_shares.values())
    await pass_time(floor, clock, 3)
    assert order.status == "CANCELED_MARKET_RESOLVED"


def test_orders_that_would_rest_do_not_wait(floor: Floor) -> None:
    assert floor.enter(floor.account("buyer", dollars="10"), "BUY", "0.5", "10", market=SPORTS).status == "live"


def test_delays_can_be_switched_off(catalogue: Catalogue, clock: ManualClock, floor: Floor) -> None:
    rules = ExchangeSettings(simulated_traders=False, matching_delays="off")
    desk = type(floor)(Exchange(catalogue, rules, clock))
    desk.enter(desk.account("seller", shares="10", market=SPORTS), "SELL", "0.5", "10", market=SPORTS)
    assert desk.enter(desk.account("buyer", dollars="10"), "BUY", "0.5", "10", market=SPORTS).status == "matched"


class TestOverTheWire:
    async def test_a_delayed_order_is_known_and_cannot_be_cancelled(self, alice: Client, floor: Floor) -> None:
        floor.enter(floor.account("seller", shares="10", market=SPORTS), "SELL", "0.5", "10", market=SPORTS)
        answer = (await alice.place("121", "BUY", "5", "10")).json()
        assert (answer["success"], answer["status"]) == (True, "delayed")
        assert (answer["makingAmount"], answer["takingAmount"]) == ("0", "0")
        known = (await alice.call("GET", f"/data/order/{answer['orderID']}")).json()
        assert known["status"] == "DELAYED"
        listed = (await alice.call("GET", "/data/orders")).json()["data"]
        assert [(row["id"], row["status"]) for row in listed] == [(answer["orderID"], "DELAYED")]
        refused = (await alice.call("DELETE", "/order", {"orderID": answer["orderID"]})).json()
        assert refused["canceled"] == []
        assert refused["not_canceled"] == {answer["orderID"]: "order match delayed due to market conditions"}

    async def test_the_answer_waits_in_a_fast_market(
        self, alice: Client, exchange: Exchange, clock: ManualClock
    ) -> None:
        waiting = delays(exchange, 1)
        placing = asyncio.create_task(alice.place("131", "BUY", "5.1", "10"))
        await asyncio.wait_for(waiting.wait(), 10)
        assert not placing.done()
        await clock.advance(0.1)
        assert (await placing).json()["status"] == "matched"

    async def test_the_answer_is_unmatched_when_the_depth_is_gone(
        self, alice: Client, exchange: Exchange, clock: ManualClock, floor: Floor
    ) -> None:
        ask = floor.enter(floor.account("seller", shares="10", market=FAST), "SELL", "0.5", "10", market=FAST).order
        batch = [
            alice.order_body("131", "BUY", "5", "10"),
            alice.order_body("131", "BUY", "5", "10", order_type="FOK"),
        ]
        waiting = delays(exchange, 2)
        placing = asyncio.create_task(alice.call("POST", "/orders", batch))
        await asyncio.wait_for(waiting.wait(), 10)
        floor.exchange.trading.cancel(ask)
        await clock.advance(0.1)
        rested, killed = (await placing).json()
        assert (rested["status"], rested["errorMsg"]) == ("unmatched", "")
        assert killed["orderID"] == ""
        assert "fully filled or killed" in killed["errorMsg"]

    async def test_a_single_order_that_is_killed_after_the_delay_is_refused(
        self, alice: Client, exchange: Exchange, clock: ManualClock, floor: Floor
    ) -> None:
        ask = floor.enter(floor.account("seller", shares="10", market=FAST), "SELL", "0.5", "10", market=FAST).order
        waiting = delays(exchange, 1)
        placing = asyncio.create_task(alice.place("131", "BUY", "5", "10", order_type="FAK"))
        await asyncio.wait_for(waiting.wait(), 10)
        floor.exchange.trading.cancel(ask)
        await clock.advance(0.1)
        answer = await placing
        assert answer.status_code == 400
        assert "no orders found to match with FAK order" in answer.json()["error"]


def delays(exchange: Exchange, count: int) -> asyncio.Event:
    """Set once that many orders wait."""
    enough = asyncio.Event()
    waiting: list[str] = []

    def listen(event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged) and event.order.status == "DELAYED":
            waiting.append(event.order.id)
            if len(waiting) == count:
                enough.set()

    exchange.events.subscribe(listen)
    return enough
