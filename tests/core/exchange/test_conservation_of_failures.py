"""Trades that fail at random and orders that wait leave no money, no share and no hold behind."""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.ledger import InsufficientFunds
from polydesk.core.exchange.position_operations import merge_positions, split_position
from polydesk.core.exchange.rejections import Rejection
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from tests.core.exchange.conftest import STARTS_AT

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

FEE = "0x" + f"{12:064x}"


@dataclasses.dataclass(frozen=True)
class Step:
    who: int
    action: Literal["BUY", "SELL", "split", "merge", "cancel"]
    outcome: int
    cents: int
    shares: int
    order_type: Literal["GTC", "FAK"]
    pause_s: int


steps = st.lists(
    st.builds(
        Step,
        who=st.integers(0, 2),
        action=st.sampled_from(["BUY", "BUY", "SELL", "SELL", "split", "merge", "cancel"]),
        outcome=st.integers(0, 1),
        cents=st.integers(40, 60),
        shares=st.integers(3, 20),
        order_type=st.sampled_from(["GTC", "FAK"]),
        pause_s=st.integers(0, 3),
    ),
    max_size=40,
)


@given(steps, st.integers(0, 10**6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_is_left_behind(catalogue: Catalogue, floor: Floor, plan: list[Step], seed: int) -> None:
    clock = ManualClock(STARTS_AT)
    rules = ExchangeSettings(
        seed=seed,
        simulated_traders=False,
        mined_after_s=1,
        confirmed_after_s=1,
        retried_after_s=2,
        settlement_retry_probability=0.6,
        settlement_failure_probability=0.6,
    )
    markets = tuple(
        dataclasses.replace(market, clob={**market.clob, "sd": 2}) if market.gamma["id"] == "12" else market
        for market in catalogue.markets
    )
    desk = type(floor)(Exchange(dataclasses.replace(catalogue, markets=markets), rules, clock))
    accounts = [desk.account(f"trader {number}", dollars="40", shares="40", market=12) for number in range(3)]
    for step in plan:
        account, amount = accounts[step.who], step.shares * 10**6
        with contextlib.suppress(Rejection, InsufficientFunds):
            if step.action in ("BUY", "SELL"):
                price = str(Decimal(step.cents) / 100)
                size = str(step.shares)
                desk.enter(
                    account, step.action, price, size, market=12, outcome=step.outcome, order_type=step.order_type
                )
            elif step.action == "split":
                split_position(desk.exchange, account, FEE, amount)
            elif step.action == "merge":
                merge_positions(desk.exchange, account, FEE, amount)
            else:
                desk.exchange.trading.cancel_many(desk.exchange.registry.open_orders(account))
        assert not desk.discrepancies()
        if step.pause_s:
            await clock.advance(step.pause_s)
            desk.exchange.agenda.run_due()
    for _ in range(6):  # a step that was due starts the next from now on
        await clock.advance(5)
        desk.exchange.agenda.run_due()
    desk.exchange.trading.cancel_many(desk.exchange.registry.resting_orders())
    assert not desk.discrepancies()
    for account in accounts:
        assert account.open_cash == account.matched_cash == 0
        assert not any(account.open_shares.values()) and not any(account.matched_shares.values())
    assert {trade.status for trade in desk.exchange.registry.tape} <= {"CONFIRMED", "FAILED"}
