"""Makers near the midpoint earn by the minute, makers of fee markets share the fees, and both are paid at midnight."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.notifications import Notifications
from polydesk.core.exchange.reward_payments import RewardPayments
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro
from tests.support.catalogues import with_earnings

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Client, Floor

BUSY, FEE = "0x" + f"{13:064x}", "0x" + f"{12:064x}"
QUIET = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    return with_earnings(catalogue)


async def minutes(exchange: Exchange, clock: ManualClock, count: int) -> None:
    for _ in range(count):
        await clock.advance(60)
        exchange.agenda.run_due()


async def to_midnight(exchange: Exchange, clock: ManualClock) -> None:
    tomorrow = (clock.now().astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    await clock.advance((tomorrow - clock.now()).total_seconds())
    exchange.agenda.run_due()


async def test_orders_near_the_midpoint_earn_their_share_of_each_minute(
    floor: Floor, exchange: Exchange, clock: ManualClock
) -> None:
    payments, notifications = RewardPayments(exchange), Notifications(exchange)
    exchange.accounts.create_credential("maker", 0)
    maker = exchange.accounts.open_account("maker")
    today = clock.now().astimezone(UTC).date()
    floor.enter(maker, "BUY", "0.49", "500", market=13)
    order = floor.enter(maker, "BUY", "0.51", "400", market=13, outcome=1).order
    await minutes(exchange, clock, 20)
    earned = payments.rewards(maker, today)
    assert set(earned) == {BUSY}
    assert 0 < earned[BUSY] < to_micro(Decimal(2))  # ten cents a minute, shared with the house
    exchange.trading.cancel_many(exchange.registry.open_orders(maker))
    assert not order.open_size
    await minutes(exchange, clock, 20)
    assert payments.rewards(maker, today) == earned
    before = maker.cash
    await to_midnight(exchange, clock)
    assert maker.cash == before + earned[BUSY]
    told = next(each.as_json() for each in notifications.of("maker") if each.kind == 5)
    assert Decimal(told["payload"]["reward"]) * 1_000_000 == earned[BUSY]
    assert exchange.wallet_activity.of(maker)[-1].kind == "REWARD"
    assert not floor.discrepancies()


async def test_less_than_a_dollar_is_not_paid(floor: Floor, exchange: Exchange, clock: ManualClock) -> None:
    payments = RewardPayments(exchange)
    exchange.accounts.create_credential("maker", 0)
    maker = exchange.accounts.open_account("maker")
    floor.enter(maker, "BUY", "0.49", "100", market=13)
    await minutes(exchange, clock, 2)
    assert 0 < payments.rewards(maker, clock.now().astimezone(UTC).date())[BUSY] < 1_000_000
    floor.exchange.trading.cancel_many(exchange.registry.open_orders(maker))
    before = maker.cash
    await to_midnight(exchange, clock)
    assert maker.cash == before


async def test_makers_share_a_part_of_the_fees(floor: Floor, exchange: Exchange, clock: ManualClock) -> None:
    payments = RewardPayments(exchange)
    today = clock.now().astimezone(UTC).date()
    makers = []
    for name, size in (("large", "3000"), ("small", "1000")):
        exchange.accounts.create_credential(name, 0)
        makers.append(floor.account(name, shares=size, market=12))
        floor.enter(makers[-1], "SELL", "0.5", size, market=12)
    floor.enter(floor.account("taker", dollars="3000"), "BUY", "0.5", "4000", market=12)
    fees = exchange.ledger.fees
    assert fees == to_micro(Decimal(70))
    large, small = (payments.rebates(maker, today)[FEE] for maker in makers)
    assert (large, small) == (to_micro(Decimal("13.125")), to_micro(Decimal("4.375")))
    cash = [maker.cash for maker in makers]
    await to_midnight(exchange, clock)
    assert [maker.cash for maker in makers] == [cash[0] + large, cash[1] + small]
    assert exchange.ledger.fees == fees - large - small
    assert not floor.discrepancies()


class TestOverTheWire:
    async def test_earnings_are_listed_by_day(self, alice: Client, exchange: Exchange, clock: ManualClock) -> None:
        await alice.place("131", "BUY", "245", "500")
        await minutes(exchange, clock, 3)
        day = clock.now().astimezone(UTC).date().isoformat()
        (row,) = (await alice.call("GET", "/rewards/user", date=day)).json()["data"]
        assert (row["condition_id"], row["date"]) == (BUSY, f"{day}T00:00:00Z")
        assert row["earnings"] > 0
        (total,) = (await alice.call("GET", "/rewards/user/total", date=day)).json()
        assert total["earnings"] == row["earnings"]
        (market,) = (await alice.call("GET", "/rewards/user/markets", date=day)).json()["data"]
        assert market["earnings"][0]["earnings"] == row["earnings"]
        assert 0 < market["earning_percentage"] < 100
        assert (await alice.call("GET", "/rewards/user/total", date="2020-01-01")).json() == []
        assert (await alice.call("GET", "/rewards/user", date="soon")).json() == {"error": "Invalid date"}

    async def test_rebates_are_listed_for_a_maker_and_null_without_any(
        self, alice: Client, floor: Floor, clock: ManualClock
    ) -> None:
        await alice.place("121", "BUY", "500", "1000")
        taker = floor.account("taker", dollars="1000")
        floor.enter(taker, "BUY", "0.5", "1000", market=12, outcome=1)
        day = clock.now().astimezone(UTC).date().isoformat()
        query = {"date": day, "maker_address": alice.wallet.address}
        (row,) = (await alice.http.get("/clob/rebates/current", params=query)).json()
        assert (row["condition_id"], row["rebated_fees_usdc"]) == (FEE, "4.375")
        nobody = {"date": day, "maker_address": "0x" + "1" * 40}
        assert (await alice.http.get("/clob/rebates/current", params=nobody)).json() is None

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ({}, 1),
            ({"q": "THING 13"}, 1),
            ({"q": "nothing"}, 0),
            ({"event_id": "1", "order_by": "price", "position": "ASC"}, 1),
            ({"event_id": "2"}, 0),
            ({"min_price": "0.6"}, 0),
            ({"max_spread": "0.05", "min_volume_24hr": "0", "page_size": "10"}, 1),
        ],
    )
    async def test_markets_with_a_programme_are_sought(self, alice: Client, query: dict[str, str], count: int) -> None:
        page = (await alice.http.get("/clob/rewards/markets/multi", params=query)).json()
        assert (len(page["data"]), page["total_count"]) == (count, count)

    @pytest.mark.parametrize(
        ("query", "text"),
        [
            ({"order_by": "luck"}, "Invalid order_by"),
            ({"position": "UP"}, "Invalid position"),
            ({"min_spread": "wide"}, "Invalid filter"),
            ({"next_cursor": "?"}, "Invalid next_cursor"),
        ],
    )
    async def test_what_cannot_be_sought_is_refused(self, alice: Client, query: dict[str, str], text: str) -> None:
        answer = await alice.http.get("/clob/rewards/markets/multi", params=query)
        assert (answer.status_code, answer.json()) == (400, {"error": text})
