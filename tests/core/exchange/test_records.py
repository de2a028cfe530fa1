"""A restart of an exchange with a ledger file keeps notifications, unpaid earnings, proposals and builders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.notifications import Notifications
from polydesk.core.exchange.resolution import Resolutions
from polydesk.core.exchange.reward_payments import RewardPayments
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro
from tests.support.catalogues import with_earnings

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

QUIET = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
BUSY = "0x" + f"{13:064x}"
EMPTY = "0x" + f"{11:064x}"
Run = Callable[[], AbstractContextManager["Floor"]]


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    return with_earnings(catalogue)


@pytest.fixture
def run(tmp_path: Path, catalogue: Catalogue, clock: ManualClock, floor: Floor) -> Run:
    """Each call is a run of an exchange on the same ledger, after the one before has ended."""
    kind = type(floor)

    @contextmanager
    def next_run() -> Iterator[Floor]:
        with LedgerStore(tmp_path / "ledger.db", secret=b"r" * 32) as store:
            running = kind(Exchange(catalogue, QUIET, clock, store=store))
            for _ in range(store.opened * 1000):
                next(running.numbers)  # order ids of one run are not those of another
            yield running
            assert not running.discrepancies()

    return next_run


async def pass_time(floor: Floor, clock: ManualClock, seconds: float) -> None:
    await clock.advance(seconds)
    floor.exchange.agenda.run_due()


def until_midnight_s(clock: ManualClock) -> float:
    tomorrow = (clock.now().astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return (tomorrow - clock.now()).total_seconds()


async def test_what_an_account_was_told_is_there_after_a_restart_unless_it_dropped_it(
    run: Run, clock: ManualClock
) -> None:
    with run() as floor:
        notifications = Notifications(floor.exchange)
        floor.exchange.accounts.create_credential("ann", 0)
        for price in ("0.3", "0.4"):
            entry = floor.enter(floor.account("ann", dollars="50"), "BUY", price, "10")
            floor.exchange.trading.cancel(entry.order)
        second, first = notifications.of("ann")
        notifications.drop("ann", [first.id])
    with run() as floor:
        notifications = Notifications(floor.exchange)
        assert notifications.of("ann") == [second]
        entry = floor.enter(floor.account("ann"), "BUY", "0.2", "10")
        floor.exchange.trading.cancel(entry.order)
        third = notifications.of("ann")[0]
        assert third.id > second.id
        await pass_time(floor, clock, 49 * 3600)
        assert notifications.of("ann") == []


async def test_rewards_of_a_day_are_paid_though_the_exchange_was_restarted_during_it(
    run: Run, clock: ManualClock
) -> None:
    with run() as floor:
        payments = RewardPayments(floor.exchange)
        floor.exchange.accounts.create_credential("maker", 0)
        floor.enter(floor.account("maker", dollars="1000", shares="1000", market=13), "BUY", "0.49", "500", market=13)
        floor.enter(floor.account("maker"), "SELL", "0.51", "500", market=13)
        for _ in range(20):
            await pass_time(floor, clock, 60)
        maker, day = floor.exchange.accounts.open_account("maker"), clock.now().astimezone(UTC).date()
        earned = payments.rewards(maker, day)[BUSY]
        assert earned > to_micro(Decimal(1))
    with run() as floor:
        payments = RewardPayments(floor.exchange)
        maker = floor.exchange.accounts.open_account("maker")
        assert payments.rewards(maker, day)[BUSY] == earned
        await pass_time(floor, clock, 60)
        assert payments.rewards(maker, day)[BUSY] > earned
        floor.exchange.trading.cancel_many(floor.exchange.registry.open_orders(maker))
        earned, before = payments.rewards(maker, day)[BUSY], maker.cash
    await clock.advance(until_midnight_s(clock) + 3600)
    for _ in range(2):  # paid as soon as it runs again, and once
        with run() as floor:
            payments = RewardPayments(floor.exchange)
            floor.exchange.agenda.run_due()
            maker = floor.exchange.accounts.open_account("maker")
            assert maker.cash == before + earned
            assert payments.rewards(maker, day)[BUSY] == earned


async def test_rebates_of_a_day_are_paid_though_the_exchange_was_restarted_during_it(
    run: Run, clock: ManualClock
) -> None:
    with run() as floor:
        payments = RewardPayments(floor.exchange)
        floor.exchange.accounts.create_credential("maker", 0)
        floor.enter(floor.account("maker", dollars="1000", market=12), "BUY", "0.5", "1000", market=12)
        floor.enter(floor.account("taker", shares="1000", market=12), "SELL", "0.5", "1000", market=12)
        maker, day = floor.exchange.accounts.open_account("maker"), clock.now().astimezone(UTC).date()
        (earned,) = payments.rebates(maker, day).values()
        assert earned > to_micro(Decimal(1))
        before = maker.cash
    with run() as floor:
        RewardPayments(floor.exchange)
        await pass_time(floor, clock, until_midnight_s(clock))
        assert floor.exchange.accounts.open_account("maker").cash == before + earned


@pytest.mark.parametrize("winner", [0, 1, None])
async def test_a_proposed_outcome_settles_at_its_time_though_the_exchange_was_restarted(
    run: Run, clock: ManualClock, winner: Any
) -> None:
    with run() as floor:
        Resolutions(floor.exchange).propose(EMPTY, winner)
        await pass_time(floor, clock, 3600)
    with run() as floor:
        Resolutions(floor.exchange)
        await pass_time(floor, clock, 3599)
        assert floor.listing(11).oracle_steps == ["proposed"]
        await pass_time(floor, clock, 1)
        assert (floor.listing(11).closed, floor.listing(11).winner) == (True, winner)
    with run() as floor:
        oracle = Resolutions(floor.exchange)
        assert floor.listing(11).oracle_steps == ["proposed", "resolved"]
        with pytest.raises(ValueError, match="the market is resolved"):
            oracle.dispute(EMPTY)


async def test_a_proposal_can_still_be_disputed_after_a_restart(run: Run, clock: ManualClock) -> None:
    with run() as floor:
        Resolutions(floor.exchange).propose(EMPTY, 0)
    with run() as floor:
        Resolutions(floor.exchange).dispute(EMPTY)
    with run() as floor:
        oracle = Resolutions(floor.exchange)
        await pass_time(floor, clock, 3 * 3600)
        assert not floor.listing(11).closed
        assert floor.listing(11).oracle_steps == ["proposed", "disputed"]
        oracle.settle(EMPTY, 1)
        assert floor.listing(11).winner == 1


def test_builders_keep_their_keys_and_the_orders_that_carried_their_code(run: Run) -> None:
    with run() as floor, floor.exchange.transaction():
        builders = floor.exchange.builders
        kept, revoked = builders.create_key("0xB", 1), builders.create_key("0xB", 2)
        builders.revoke(revoked, 3)
        builders.attribute("0xorder", bytes(31) + b"\x07")
        builders.attribute("0xother", bytes(32))
    with run() as floor, floor.exchange.transaction():
        builders = floor.exchange.builders
        assert builders.keys_of("0xB") == [kept, revoked]
        assert builders.code_of("0xorder") == "0x" + "00" * 31 + "07"
        assert builders.code_of("0xother") is None
        assert builders.create_key("0xB", 4).key not in (kept.key, revoked.key)
