"""What clients hold of a resolved market is redeemed for them, and they are told."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.auto_redeem import AutoRedeemer
from polydesk.core.exchange.notifications import Notifications
from polydesk.core.exchange.position_operations import split_position
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import to_micro

if TYPE_CHECKING:
    from tests.core.exchange.conftest import Floor

MARKET = "0x" + f"{11:064x}"
RESOLVED = "0x" + f"{13:064x}"


async def test_winners_have_their_dollars_after_the_delay(floor: Floor, exchange: Exchange, clock: ManualClock) -> None:
    notifications = Notifications(exchange)
    exchange.accounts.create_credential("ann", 0)
    ann, ben = exchange.accounts.open_account("ann"), floor.account("ben", dollars="20")
    early = floor.account("early", shares="5", market=13)
    exchange.resolve(RESOLVED, None)
    AutoRedeemer(exchange, after_s=600)
    split_position(exchange, ann, MARKET, to_micro(Decimal(10)))
    floor.enter(ben, "BUY", "0.5", "10")
    floor.enter(ann, "SELL", "0.5", "10")
    cash = ann.cash
    exchange.resolve(MARKET, 1)
    await clock.advance(599)
    exchange.agenda.run_due()
    assert ann.cash == cash
    await clock.advance(1)
    exchange.agenda.run_due()
    assert ann.cash == cash + to_micro(Decimal(10))
    assert early.cash == to_micro(Decimal(5))
    assert ben.cash == to_micro(Decimal(15))
    assert ben.shares("111") == ann.shares("112") == 0
    told = notifications.of("ann")[0].as_json()
    assert (told["type"], told["payload"]["amount"], told["payload"]["conditionId"]) == (9, "10", MARKET)
    assert not floor.discrepancies()
