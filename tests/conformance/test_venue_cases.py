"""What every venue must do, whichever way it is reached: one case per behaviour, each with an id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.errors import InsufficientBalance, MarketClosedError, OrderError, PolymarketAPIError
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.identifiers import OrderId
from polydesk.core.models import OrderSide, PlacementResult, TimeInForce, TradeStatus
from tests.conformance.reaches import DELAY_S, WAYS, Reach

BUY, SELL = OrderSide.BUY, OrderSide.SELL
NOBODYS = OrderId("0x" + "9" * 64)
TEN = Decimal(10)
FILLS_BY_TRADES = "on a mirrored book, resting orders fill by the venue's own trades alone"
BALANCE = Decimal(1_000_000)


@dataclass(frozen=True)
class Case:
    """`rules` are settings of the exchange; `not_on` names ways where the case cannot apply, each with the reason."""

    id: str
    run: Callable[[Reach], Awaitable[None]]
    rules: Mapping[str, Any] = field(default_factory=dict)
    not_on: Mapping[str, str] = field(default_factory=dict)


CASES: list[Case] = []


def case(case_id: str, *, not_on: Mapping[str, str] | None = None, **rules: Any) -> Callable[[Any], Any]:
    """Declare a venue case."""

    def declare(run: Callable[[Reach], Awaitable[None]]) -> Callable[[Reach], Awaitable[None]]:
        CASES.append(Case(case_id, run, rules, not_on or {}))
        return run

    return declare


async def refused(placing: Awaitable[PlacementResult], code: str) -> OrderError:
    with pytest.raises(OrderError) as error:
        await placing
    assert error.value.code == code, error.value.message
    return error.value


async def untouched(reach: Reach) -> None:
    """Nothing rests, nothing was traded, nothing was paid."""
    assert await reach.venue.open_orders() == ()
    assert await reach.venue.trades() == ()
    assert await reach.cash() == BALANCE


@case("rest-look-up-cancel")
async def _(reach: Reach) -> None:
    book = await reach.book()
    assert book.best_bid is not None
    placed = await reach.place(BUY, book.best_bid.price, TEN)
    assert placed.status == "live"
    assert placed.making == placed.taking == 0
    found = await reach.venue.order(placed.order_id)
    assert found is not None
    assert (found.status, found.price, found.original_size) == ("LIVE", book.best_bid.price, TEN)
    assert found.size_matched == 0
    assert [order.id for order in await reach.venue.open_orders()] == [placed.order_id]
    cancelled = await reach.venue.cancel([placed.order_id])
    assert (cancelled.canceled, cancelled.not_canceled) == ((placed.order_id,), {})
    ended = await reach.venue.order(placed.order_id)
    assert ended is not None
    assert ended.status == "CANCELED"
    await untouched(reach)


@case("marketable-fill-settles")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    shares = min(ask.size, TEN)
    placed = await reach.place(BUY, ask.price, shares)
    assert (placed.status, placed.taking) == ("matched", shares)
    await reach.pass_time(5)
    (fill,) = await reach.venue.trades()
    assert (fill.order_id, fill.size, fill.price, fill.side, fill.status, fill.is_taker) == (
        placed.order_id,
        shares,
        ask.price,
        BUY,
        TradeStatus.CONFIRMED,
        True,
    )
    assert await reach.shares() == shares
    fee = reach.market.fees.taker_fee(shares, ask.price)
    assert await reach.cash() == BALANCE - placed.making - fee


@case("bought-shares-are-sold")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    shares = min(ask.size, TEN)
    await reach.place(BUY, ask.price, shares)
    await reach.pass_time(5)
    bid = (await reach.book()).best_bid
    assert bid is not None
    sold = await reach.place(SELL, bid.price, shares)
    assert (sold.status, sold.making) == ("matched", shares)
    await reach.pass_time(5)
    assert await reach.shares() == 0
    assert [fill.side for fill in await reach.venue.trades()] == [BUY, SELL]


@case("partial-fill-then-rest")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    placed = await reach.place(BUY, ask.price, ask.size + 20)
    assert (placed.status, placed.taking) == ("matched", ask.size)
    (resting,) = await reach.venue.open_orders()
    assert (resting.id, resting.size_matched, resting.original_size) == (placed.order_id, ask.size, ask.size + 20)
    rest = (await reach.book()).best_bid
    assert rest is not None
    assert rest.price == ask.price
    assert (await reach.venue.cancel([placed.order_id])).canceled == (placed.order_id,)


@case("met-by-another-account", not_on={"replay": FILLS_BY_TRADES, "paper": FILLS_BY_TRADES})
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    await reach.place(BUY, ask.price, TEN, by=reach.other)
    await reach.pass_time(5)
    placed = await reach.place(BUY, ask.price, ask.size + 20)
    sold = await reach.place(SELL, ask.price, TEN, by=reach.other)
    assert (sold.status, sold.making) == ("matched", TEN)
    (resting,) = await reach.venue.open_orders()
    assert (resting.id, resting.size_matched) == (placed.order_id, ask.size)
    await reach.pass_time(5)
    (as_maker,) = [fill for fill in await reach.venue.trades() if not fill.is_taker]
    assert (as_maker.size, as_maker.side, as_maker.price) == (TEN, BUY, ask.price)
    assert await reach.shares() == ask.size


@case("fok-fills-whole")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    placed = await reach.spend(Decimal(2), ask.price, TimeInForce.FOK)
    assert placed.status == "matched"
    assert await reach.venue.open_orders() == ()


@case("fok-kills")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    await refused(reach.spend(Decimal(20), bid.price, TimeInForce.FOK), "fok_not_filled")
    await untouched(reach)


@case("fak-fills-what-it-can")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    levels = (await reach.book()).asks
    placed = await reach.spend(ask.size * ask.price + 20, ask.price, TimeInForce.FAK)
    assert (placed.status, placed.taking) == ("matched", ask.size)
    assert await reach.venue.open_orders() == ()
    after = (await reach.book()).best_ask
    assert after is not None
    assert after.price == levels[1].price


@case("fak-finds-nothing")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    await refused(reach.spend(Decimal(20), bid.price, TimeInForce.FAK), "fak_not_filled")
    await untouched(reach)


@case("post-only-rests")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    assert (await reach.place(BUY, bid.price, TEN, post_only=True)).status == "live"


@case("post-only-that-would-cross")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    await refused(reach.place(BUY, ask.price, TEN, post_only=True), "post_only_would_cross")
    await untouched(reach)


@case("below-the-minimum")
async def _(reach: Reach) -> None:
    book = await reach.book()
    assert book.best_bid is not None
    await refused(reach.place(BUY, book.best_bid.price, book.min_size - 1), "min_size")
    await untouched(reach)


@case("off-the-tick")
async def _(reach: Reach) -> None:
    book = await reach.book()
    assert book.best_bid is not None
    await refused(reach.place(BUY, book.best_bid.price + book.tick / 10, TEN), "tick")
    await untouched(reach)


@case("marketable-below-a-dollar")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    await refused(reach.spend(Decimal("0.5"), ask.price, TimeInForce.FAK), "min_notional")
    await untouched(reach)


@case("more-dollars-than-there-are")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    with pytest.raises(InsufficientBalance) as error:
        await reach.place(BUY, bid.price, Decimal(int(BALANCE / bid.price) + 1))
    assert error.value.code == "insufficient_balance"
    await untouched(reach)


@case("open-orders-hold-dollars")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    shares = Decimal(int(BALANCE * 3 / 5 / bid.price))
    await reach.place(BUY, bid.price, shares)
    with pytest.raises(InsufficientBalance):
        await reach.place(BUY, bid.price, shares)
    assert len(await reach.venue.open_orders()) == 1


@case("shares-that-are-not-held")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    with pytest.raises(InsufficientBalance):
        await reach.place(SELL, ask.price, TEN)
    await untouched(reach)


@case("gtd-leaves-the-book")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    expires_at = reach.clock.now().replace(microsecond=0) + timedelta(seconds=180)
    placed = await reach.place(BUY, bid.price, TEN, time_in_force=TimeInForce.GTD, expires_at=expires_at)
    assert placed.status == "live"
    await reach.pass_time(118)
    assert len(await reach.venue.open_orders()) == 1
    await reach.pass_time(5)
    assert await reach.venue.open_orders() == ()
    await untouched(reach)


@case("gtd-too-soon")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    expires_at = reach.clock.now().replace(microsecond=0) + timedelta(seconds=30)
    await refused(reach.place(BUY, bid.price, TEN, time_in_force=TimeInForce.GTD, expires_at=expires_at), "expiration")
    await untouched(reach)


@case("unknown-order-is-looked-up")
async def _(reach: Reach) -> None:
    assert await reach.venue.order(NOBODYS) is None


@case("unknown-order-is-cancelled")
async def _(reach: Reach) -> None:
    cancelled = await reach.venue.cancel([NOBODYS])
    assert cancelled.canceled == ()
    assert cancelled.not_canceled[NOBODYS]


@case("cancelled-twice")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    placed = await reach.place(BUY, bid.price, TEN)
    await reach.venue.cancel([placed.order_id])
    again = await reach.venue.cancel([placed.order_id])
    assert again.canceled == ()
    assert "already canceled" in again.not_canceled[placed.order_id]


@case("filled-order-is-cancelled")
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    placed = await reach.place(BUY, ask.price, min(ask.size, TEN))
    late = await reach.venue.cancel([placed.order_id])
    assert late.canceled == ()
    assert "matched" in late.not_canceled[placed.order_id]


@case("others-orders-cannot-be-cancelled")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    placed = await reach.place(BUY, bid.price, TEN)
    assert (await reach.other.cancel([placed.order_id])).canceled == ()
    assert await reach.other.order(placed.order_id) is None
    assert len(await reach.venue.open_orders()) == 1


@case("a-market-and-everything-is-cancelled")
async def _(reach: Reach) -> None:
    book = await reach.book()
    assert book.best_bid is not None
    first = await reach.place(BUY, book.best_bid.price, TEN)
    assert (await reach.venue.cancel_market(reach.market.condition_id)).canceled == (first.order_id,)
    second = await reach.place(BUY, book.best_bid.price - book.tick, TEN)
    third = await reach.place(BUY, book.best_bid.price, TEN)
    assert set((await reach.venue.cancel_all()).canceled) == {second.order_id, third.order_id}
    await untouched(reach)


@case("failed-trade-is-void", settlement_retry_probability=1, settlement_failure_probability=1, retried_after_s=3)
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    placed = await reach.place(BUY, ask.price, min(ask.size, TEN))
    await reach.pass_time(2)
    assert [fill.status for fill in await reach.venue.trades()] == [TradeStatus.RETRYING]
    await reach.pass_time(4)
    (fill,) = await reach.venue.trades()
    assert (fill.order_id, fill.status) == (placed.order_id, TradeStatus.FAILED)
    assert await reach.cash() == BALANCE
    assert await reach.shares() == 0


@case(
    "delayed-order-matches-later",
    not_on={"paper": "the market of the venue it mirrors does not delay"},
    matching_delays="market",
)
async def _(reach: Reach) -> None:
    ask = (await reach.book()).best_ask
    assert ask is not None
    placed = await reach.place(BUY, ask.price, min(ask.size, TEN))
    assert placed.status == "delayed"
    assert placed.taking == 0
    assert await reach.venue.trades() == ()
    await reach.pass_time(DELAY_S + 1)
    found = await reach.venue.order(placed.order_id)
    assert found is not None
    assert found.size_matched == min(ask.size, TEN)


@case("closed-market")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    resting = await reach.place(BUY, bid.price, TEN)
    reach.exchange.resolve(reach.market.condition_id, 0)
    assert await reach.venue.open_orders() == ()
    ended = await reach.venue.order(resting.order_id)
    assert ended is None or ended.status != "LIVE"
    with pytest.raises(MarketClosedError):
        await reach.place(BUY, bid.price, Decimal(11))


@case("sent-twice")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    signed = reach.signed(reach.ticket(BUY, bid.price, TEN))
    await reach.venue.submit(signed)
    await refused(reach.venue.submit(signed), "duplicate")
    assert [order.id for order in await reach.venue.open_orders()] == [signed.order_id]


@case("signed-hash-is-the-order-id")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    signed = reach.signed(reach.ticket(BUY, bid.price, TEN))
    assert await reach.venue.order(signed.order_id) is None
    assert (await reach.venue.submit(signed)).order_id == signed.order_id


@case("batch-with-one-bad-leg")
async def _(reach: Reach) -> None:
    book = await reach.book()
    assert book.best_bid is not None
    price = book.best_bid.price
    tickets = [
        reach.ticket(BUY, price, TEN),
        reach.ticket(BUY, price, book.min_size - 1),
        reach.ticket(BUY, price - book.tick, TEN),
    ]
    signed = [reach.signed(each) for each in tickets]
    first, bad, last = await reach.venue.submit_many(signed)
    assert isinstance(bad, PolymarketAPIError)
    assert isinstance(first, PlacementResult)
    assert isinstance(last, PlacementResult)
    assert (first.order_id, last.order_id) == (signed[0].order_id, signed[2].order_id)
    assert {order.id for order in await reach.venue.open_orders()} == {first.order_id, last.order_id}


@case("banned-account")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    reach.exchange.controls.ban(reach.venue.account)
    await refused(reach.place(BUY, bid.price, TEN), "banned")
    await untouched(reach)


@case("account-that-may-only-close")
async def _(reach: Reach) -> None:
    bid = (await reach.book()).best_bid
    assert bid is not None
    reach.exchange.controls.close_only(reach.venue.account)
    await refused(reach.place(BUY, bid.price, TEN), "closed_only")
    await untouched(reach)


def _cells() -> list[Any]:
    """Every case on every way; where it cannot apply, the reason stands in the report."""
    return [
        pytest.param(
            each,
            way,
            id=f"{each.id}-{way}",
            marks=[pytest.mark.skip(reason=each.not_on[way])] if way in each.not_on else [],
        )
        for each in CASES
        for way in WAYS
    ]


@pytest.mark.parametrize(("venue_case", "way"), _cells())
async def test_the_venue_does_what_every_venue_must(venue_case: Case, way: str) -> None:
    defaults = {
        "simulated_traders": False,
        "matching_delays": "off",
        "mined_after_s": 1,
        "confirmed_after_s": 1,
        "starting_balance": BALANCE,
    }
    async with WAYS[way](ExchangeSettings(**{**defaults, **venue_case.rules})) as reach:
        await venue_case.run(reach)


def test_case_ids_are_unique_and_reasons_name_ways_that_exist() -> None:
    assert len({each.id for each in CASES}) == len(CASES)
    assert {way for each in CASES for way in each.not_on} <= WAYS.keys()
