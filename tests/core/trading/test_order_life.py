"""Whatever the venue answers, and in whichever order, a record moves only where the table allows, to the truth."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polydesk.core.errors import (
    InsufficientBalance,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    UnexpectedPayload,
    VenueUnavailable,
)
from polydesk.core.models import OpenOrder, OrderSide, OrderStatus, TimeInForce
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.order_states import LEGAL_MOVES, IllegalMove, check_move

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket
    from tests.core.trading.conftest import Bench, MakeBench

D = Decimal
FINAL = frozenset(status for status, moves in LEGAL_MOVES.items() if not moves)

ANSWERS: list[str | PolymarketAPIError] = [
    "live",
    "matched",
    "delayed",
    "unmatched",
    "",
    "a word of next year",
    OrderError("no", code="tick"),
    OrderError("restarting", code="restarting", restriction="restarting"),
    InsufficientBalance("not enough balance"),
    RateLimitError("slow down", retry_after_s=1),
    VenueUnavailable("never sent"),
    OutcomeUnknown("timed out"),
    UnexpectedPayload("no JSON", path="status", anything_sent="unknown"),
]
LOOKS: list[str | None] = [None, "LIVE", "MATCHED", "DELAYED", "CANCELED", "CANCELED_EXPIRED_ORDER", "INVALID"]


def test_what_is_final_stays_and_every_other_state_leads_to_an_end() -> None:
    assert {
        OrderStatus.MATCHED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REFUSED,
        OrderStatus.REJECTED,
        OrderStatus.DEAD,
    } == FINAL
    for status in OrderStatus:
        reached, seen = {status}, set()
        while reached:
            each = reached.pop()
            seen.add(each)
            reached |= LEGAL_MOVES[each] - seen
        assert seen & FINAL, status


@given(st.sampled_from(OrderStatus), st.sampled_from(OrderStatus))
def test_a_move_is_legal_by_the_table_or_an_error(before: OrderStatus, after: OrderStatus) -> None:
    if after is before or after in LEGAL_MOVES[before]:
        check_move(before, after)
    else:
        with pytest.raises(IllegalMove):
            check_move(before, after)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answer=st.sampled_from(ANSWERS),
    rests=st.booleans(),
    looks=st.lists(st.tuples(st.sampled_from(LOOKS), st.booleans(), st.integers(0, 40)), max_size=5),
    cancels=st.booleans(),
)
def test_every_answer_and_every_later_look_lead_to_a_known_end_and_one_send(
    make_bench: MakeBench,
    make_market: MakeMarket,
    now: datetime,
    answer: str | PolymarketAPIError,
    rests: bool,
    looks: list[tuple[str | None, bool, int]],
    cancels: bool,
) -> None:
    asyncio.run(_life(make_bench(), make_market, answer, rests, looks, cancels))


async def _life(
    bench: Bench,
    make_market: MakeMarket,
    answer: str | PolymarketAPIError,
    rests: bool,
    looks: list[tuple[str | None, bool, int]],
    cancels: bool,
) -> None:
    market = make_market()
    limit: dict[str, Any] = {"price": D("0.45"), "time_in_force": TimeInForce.GTC} if rests else {}
    intent = OrderIntent(market=market, outcome=market.outcomes[0], side=OrderSide.BUY, size=D(10), **limit)
    if isinstance(answer, str):
        bench.venue.answer_with_status = answer
    else:
        bench.venue.answer = answer
    with contextlib.suppress(PolymarketAPIError):
        await bench.desk.place(intent, client_token="t")
    (record,) = bench.desk.journal
    sent = len(bench.venue.submitted)
    assert sent == 1
    for word, filled, seconds in looks:
        before = bench.desk.journal.current(record)
        bench.venue.known = {}
        if word is not None and record.order_id is not None:
            bench.venue.known[record.order_id] = _known(bench, record.order_id, word, D(10) if filled else D(0))
        await bench.clock.advance(seconds)
        await bench.desk.refresh()
        after = bench.desk.journal.current(record)
        assert after.status is before.status or after.status in LEGAL_MOVES[before.status]
        if before.status in FINAL:
            assert after.status is before.status
    if cancels and record.order_id is not None:
        await bench.desk.cancels.of((record.order_id,))
    # At last the venue knows nothing of it: whatever was open has come to an end, and nothing was sent again.
    bench.venue.known = {}
    await bench.clock.advance(61)
    await bench.desk.refresh()
    await bench.desk.refresh()
    end = bench.desk.journal.current(record)
    assert end.status in FINAL
    assert len(bench.venue.submitted) == sent


def _known(bench: Bench, order_id: Any, word: str, matched: Decimal) -> OpenOrder:
    from tests.core.trading.test_desk import as_known

    known = as_known(order_id, bench.clock.now() - timedelta(seconds=1), word)
    return dataclasses.replace(known, size_matched=matched)
