"""What became of orders is told once to each who asks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from polydesk.core.models import OrderSide, TimeInForce
from polydesk.core.storage.audit_log import AuditLog
from polydesk.core.storage.database import Database
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.since_last_seen import LastSeen

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket
    from tests.core.trading.conftest import MakeBench

D = Decimal


async def test_each_order_is_told_once_with_its_latest_turn(make_bench: MakeBench, make_market: MakeMarket) -> None:
    bench = make_bench()
    market = make_market()
    journal = bench.desk.journal
    database: Database = journal._database
    last_seen = LastSeen(database, AuditLog(database, bench.venue.account), journal)
    now = bench.clock.now()
    assert last_seen.tell("host", now=now) is None
    intent = OrderIntent(
        market=market,
        outcome=market.outcomes[0],
        side=OrderSide.BUY,
        size=D(10),
        price=D("0.45"),
        time_in_force=TimeInForce.GTC,
    )
    record = (await bench.desk.place(intent)).record
    assert record.order_id is not None
    await bench.desk.cancels.of((record.order_id,))
    told = last_seen.tell("host", now=now)
    assert told is not None
    assert [(news.what, news.record.attempt_id) for news in told.orders] == [("cancelled", record.attempt_id)]
    assert told.since == now
    again = last_seen.tell("host", now=now)
    assert again is not None
    assert again.orders == ()
    other = last_seen.tell("another host", now=now)
    assert other is None
