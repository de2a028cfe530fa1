"""A short soak, with the desk in processes that are really killed. The long one runs by itself."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.seeding import house_order
from polydesk.core.money import MICRO
from polydesk.server.cli import main
from polydesk.server.soak.market import SoakMarket, Watch, faults
from polydesk.server.soak.worker import WorkPlan


@pytest.mark.takeover
def test_a_desk_that_is_killed_twice_among_faults_ends_with_nothing_lost_or_doubled(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = main(["soak", "--orders", "40", "--kills", "2", "--seed", "3", "--json"])
    found = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert code == 0, found
    assert found["passed"]
    assert found["orders"] >= 40
    assert found["kills"] == 2


def test_every_fault_of_a_soak_is_one_that_the_exchange_knows() -> None:
    kinds = {rule.kind for rule in faults(1).rules}
    assert {"reset_before_read", "reset_after_read", "slow_body", "invalid_json", "freeze", "duplicate"} <= kinds


def test_the_watch_sees_more_open_orders_and_more_exposure_than_the_limits_allow() -> None:
    catalogue = load_catalogue()
    for watch, expected in (
        (Watch(most_open=1, most_exposed=Decimal(1000)), 1),
        (Watch(most_open=9, most_exposed=Decimal(30)), 1),
        (Watch(most_open=9, most_exposed=Decimal(1000)), 0),
    ):
        market = SoakMarket(1, ShiftedClock(catalogue.starts_at), watch)
        exchange = market.exchange
        account = exchange.accounts.open_account("0x" + "a" * 40)
        exchange.ledger.deposit(account, 1000 * MICRO)
        listing = next(each for each in exchange.markets.listings if not each.closed)
        for _ in range(2):
            exchange.trading.enter(
                house_order(exchange, account, listing, is_bid=True, book_price=10, size=20_000 * MICRO, mirrored=False)
            )
        assert bool(watch.exceeded) == bool(expected)
        assert len(watch.placed) == 2


def test_a_plan_reads_as_it_was_written(tmp_path: Path) -> None:
    plan = WorkPlan({"mode": "live"}, seed=1, clients=2, ended=(3, 4), settle=True)
    plan.write(tmp_path / "plan.json")
    assert WorkPlan.read(tmp_path / "plan.json") == plan
