"""The client against an exchange that misbehaves: the right error, a true account of what was sent, and no hang."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import (
    CircuitOpen,
    ConfigurationError,
    OrderError,
    OutcomeUnknown,
    RateLimitError,
    UnexpectedPayload,
    VenueUnavailable,
)
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import (
    ClockSkew,
    ConnectionFault,
    Fault,
    FaultPlan,
    HtmlError,
    InvalidJson,
    RateLimited,
    Restart,
    SlowBody,
    StatusFault,
    TradingMode,
)
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import TokenId
from polydesk.core.models import OrderSide, OrderTicket, TimeInForce
from polydesk.core.polymarket.amounts import limit_amounts
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.signing import SignedOrder, Signer
from polydesk.core.polymarket.transport import Transport, TransportSettings
from tests.support.exchanges import environment_of

PUBLIC_TEST_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
BOOK = "/clob/book"
ORDER = "/clob/order"
T = TypeVar("T")


@dataclass
class Desk:
    """A client, the exchange it trades on, and the time of both."""

    exchange: Exchange
    transport: Transport
    clob: CLOBClient
    clock: ManualClock
    token: TokenId

    async def result(self, call: Awaitable[T]) -> T:
        """The result of a call that may sleep on the clock."""
        task = asyncio.ensure_future(call)
        async with asyncio.timeout(20):
            while not task.done():
                await self.clock.advance(0.5)
                await asyncio.wait([task], timeout=0.005)
        return task.result()

    def order(self, *, price: str = "0.05", size: str = "20", post_only: bool = False) -> SignedOrder:
        """A signed bid far from the market, which rests."""
        listing = self.exchange.markets.by_token[self.token]
        tick = Decimal("0.01")
        amounts = limit_amounts(price=Decimal(price), size_shares=Decimal(size), tick=tick)
        return self.clob.sign(
            OrderTicket(
                token_id=self.token,
                condition_id=listing.condition_id,  # type: ignore[arg-type]
                side=OrderSide.BUY,
                price=Decimal(price),
                shares=amounts.shares,
                dollars=amounts.dollars,
                time_in_force=TimeInForce.GTC,
                tick=tick,
                neg_risk=bool(listing.neg_risk),
                post_only=post_only,
            )
        )

    @property
    def condition(self) -> str:
        """What the client believes of the order book service."""
        return self.transport.venue_states["clob"].condition

    def resting(self) -> list[str]:
        """Our orders on the exchange's books, as the exchange has them."""
        return [order.id for order in self.exchange.registry.orders.values() if order.owner and order.open_size]


OpenDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def open_desk() -> AsyncIterator[OpenDesk]:
    async with AsyncExitStack() as opened:

        async def make(*faults: Fault, retries: int = 2, log_in: bool = True, **settings: Any) -> Desk:
            return await opened.enter_async_context(_desk(faults, retries=retries, log_in=log_in, **settings))

        yield make


@asynccontextmanager
async def _desk(faults: tuple[Fault, ...], *, retries: int, log_in: bool, **settings: Any) -> AsyncIterator[Desk]:
    catalogue = load_catalogue()
    clock = ManualClock(catalogue.starts_at)
    rules = ExchangeSettings(simulated_traders=False, faults=FaultPlan.of(*faults))
    exchange = Exchange(catalogue, rules, clock)
    listing = next(market for market in exchange.markets.listings if _is_likely(market))
    async with ExchangeServer(exchange) as server:
        environment = environment_of(server)
        client_settings = TransportSettings(**{"max_retries": retries, "timeout_s": 5.0, **settings})
        async with Transport(environment, clock=clock, random=Random(3), settings=client_settings) as transport:
            clob = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY))
            if log_in:
                await clob.credentials()
            yield Desk(exchange, transport, clob, clock, TokenId(listing.tokens[0]))


@pytest.mark.parametrize("kind", ["reset_before_read", "reset_after_read"])
async def test_a_read_survives_resets(open_desk: OpenDesk, kind: Any) -> None:
    desk = await open_desk(ConnectionFault(kind=kind, route=BOOK, count=2))
    book = await desk.result(desk.clob.book(desk.token))
    assert book is not None
    retried = next(route for route in desk.transport.metrics.snapshot() if route.route == "GET clob /book")
    assert (retried.retries, retried.errors) == (2, {})


async def test_an_order_reset_before_it_was_read_is_unknown_and_was_not_placed(open_desk: OpenDesk) -> None:
    desk = await open_desk(ConnectionFault(kind="reset_before_read", route=ORDER))
    signed = desk.order()
    with pytest.raises(OutcomeUnknown) as lost:
        await desk.clob.post_order(signed)
    assert lost.value.order_ids == (signed.order_id,)
    assert lost.value.anything_sent == "unknown"
    assert desk.resting() == []
    assert await desk.clob.order(signed.order_id) is None


async def test_an_order_whose_answer_was_lost_is_unknown_and_can_be_found(open_desk: OpenDesk) -> None:
    desk = await open_desk(ConnectionFault(kind="reset_after_read", route=ORDER))
    signed = desk.order()
    with pytest.raises(OutcomeUnknown) as lost:
        await desk.clob.post_order(signed)
    assert desk.resting() == [signed.order_id]
    found = await desk.clob.order(lost.value.order_ids[0])  # type: ignore[arg-type]
    assert found is not None
    assert found.id == signed.order_id


async def test_a_cancel_whose_answer_was_lost_is_unknown_and_may_be_repeated(open_desk: OpenDesk) -> None:
    desk = await open_desk(ConnectionFault(kind="reset_after_read", route=ORDER, method="DELETE", count=1))
    signed = desk.order()
    await desk.clob.post_order(signed)
    with pytest.raises(OutcomeUnknown) as lost:
        await desk.clob.cancel([signed.order_id])
    assert lost.value.safe_to_repeat
    assert desk.resting() == []
    assert signed.order_id in (await desk.clob.cancel([signed.order_id])).not_canceled


async def test_a_body_that_never_ends_is_given_up(open_desk: OpenDesk) -> None:
    """Each piece comes in time, so only the bound on the whole answer can end this."""
    desk = await open_desk(SlowBody(kind="slow_body", route=BOOK, delay_s=0.1, pieces=1000), retries=0, timeout_s=0.2)
    feeding = asyncio.ensure_future(_tick(desk.clock))
    try:
        async with asyncio.timeout(10):
            with pytest.raises(VenueUnavailable, match="not complete within") as late:
                await desk.clob.book(desk.token)
    finally:
        feeding.cancel()
    assert late.value.anything_sent == "no"


async def test_an_order_with_a_slow_answer_is_unknown(open_desk: OpenDesk) -> None:
    desk = await open_desk(SlowBody(kind="slow_body", route=ORDER, delay_s=600), timeout_s=0.2)
    signed = desk.order()
    with pytest.raises(OutcomeUnknown) as late:
        await desk.clob.post_order(signed)
    assert late.value.order_ids == tuple(desk.resting()) == (signed.order_id,)


async def test_a_slow_body_that_ends_in_time_is_read(open_desk: OpenDesk) -> None:
    desk = await open_desk(SlowBody(kind="slow_body", route=BOOK, delay_s=0.5, pieces=4))
    assert await desk.result(desk.clob.book(desk.token)) is not None


async def test_a_read_that_is_not_json_names_the_request(open_desk: OpenDesk) -> None:
    desk = await open_desk(InvalidJson(kind="invalid_json", route=BOOK))
    with pytest.raises(UnexpectedPayload, match="GET /book") as spoilt:
        await desk.clob.book(desk.token)
    assert spoilt.value.anything_sent == "no"


async def test_an_order_answered_with_something_else_is_unknown(open_desk: OpenDesk) -> None:
    desk = await open_desk(InvalidJson(kind="invalid_json", route=ORDER))
    signed = desk.order()
    with pytest.raises(OutcomeUnknown):
        await desk.clob.post_order(signed)
    assert desk.resting() == [signed.order_id]


async def test_a_proxys_error_page_is_never_shown_as_the_reason(open_desk: OpenDesk) -> None:
    desk = await open_desk(HtmlError(kind="html_error", route=BOOK), HtmlError(kind="html_error", route=ORDER))
    with pytest.raises(VenueUnavailable, match="502") as page:
        await desk.result(desk.clob.book(desk.token))
    assert "<" not in page.value.message
    with pytest.raises(OutcomeUnknown) as unknown:
        await desk.clob.post_order(desk.order())
    assert "<" not in unknown.value.message
    assert desk.resting() == []


async def test_a_proxys_page_under_a_success_is_not_believed(open_desk: OpenDesk) -> None:
    desk = await open_desk(HtmlError(kind="html_error", status=200, route=BOOK))
    with pytest.raises(UnexpectedPayload):
        await desk.clob.book(desk.token)


@pytest.mark.parametrize(("retry_after", "waited_s"), [(7, 7.0), (None, 0.0)])
async def test_a_limited_read_comes_back_later(open_desk: OpenDesk, retry_after: int | None, waited_s: float) -> None:
    desk = await open_desk(RateLimited(kind="rate_limited", route=BOOK, count=1, retry_after=retry_after))
    began = desk.clock.now()
    assert await desk.result(desk.clob.book(desk.token)) is not None
    assert desk.clock.now() - began >= timedelta(seconds=waited_s)


@pytest.mark.parametrize("retry_after", [7, None])
async def test_a_limited_order_is_not_sent_again(open_desk: OpenDesk, retry_after: int | None) -> None:
    desk = await open_desk(RateLimited(kind="rate_limited", route=ORDER, count=1, retry_after=retry_after))
    with pytest.raises(RateLimitError) as limited:
        await desk.clob.post_order(desk.order())
    assert limited.value.retry_after_s == retry_after
    assert limited.value.anything_sent == "no"
    assert desk.resting() == []
    await desk.clob.post_order(desk.order())


async def test_a_restart_is_followed_through_all_its_phases(open_desk: OpenDesk) -> None:
    desk = await open_desk(Restart(kind="restarting", restarting_s=30, post_only_s=120))
    transport = desk.transport
    with pytest.raises(OrderError) as restarting:
        await desk.clob.post_order(desk.order())
    assert restarting.value.restriction == "restarting"
    assert desk.condition == "restarting"
    assert transport.venue_states["clob"].since == desk.clock.now()
    with pytest.raises(OrderError):
        await desk.clob.cancel_all()

    await desk.clock.advance(31)
    with pytest.raises(OrderError) as refused:
        await desk.clob.post_order(desk.order())
    assert refused.value.restriction == "post_only"
    assert refused.value.retry_after_s == 119
    assert desk.condition == "post_only"
    assert transport.venue_states["clob"].retry_after_s == 119
    batch = await desk.clob.post_orders([desk.order(), desk.order()])
    assert [getattr(entry, "restriction", None) for entry in batch] == ["post_only", "post_only"]
    quote = desk.order(post_only=True)
    await desk.clob.post_order(quote)
    assert desk.condition == "post_only"
    assert (await desk.clob.cancel_all()).canceled == (quote.order_id,)

    await desk.clock.advance(119)
    await desk.clob.post_order(desk.order())
    assert desk.condition == "normal"
    assert transport.breaker_states["clob"] == "closed"


@pytest.mark.parametrize(
    ("kind", "condition", "cancels"), [("cancel_only", "cancel_only", True), ("disabled", "disabled", False)]
)
async def test_a_trading_mode_is_shown_and_is_no_failure(
    open_desk: OpenDesk, kind: Any, condition: str, cancels: bool
) -> None:
    desk = await open_desk(TradingMode(kind=kind, after=1, count=None))
    resting = desk.order()
    await desk.clob.post_order(resting)
    for _ in range(8):
        with pytest.raises(OrderError) as refused:
            await desk.clob.post_order(desk.order())
        assert refused.value.anything_sent == "no"
    assert desk.condition == condition
    assert desk.transport.breaker_states["clob"] == "closed"
    if cancels:
        assert (await desk.clob.cancel_all()).canceled == (resting.order_id,)
        assert desk.condition == condition
    else:
        with pytest.raises(OrderError):
            await desk.clob.cancel_all()


async def test_reads_during_a_restart_do_not_open_the_circuit(open_desk: OpenDesk) -> None:
    desk = await open_desk(StatusFault(kind="status", status=425, route=BOOK, count=12), retries=0)
    for _ in range(12):
        with pytest.raises(VenueUnavailable):
            await desk.clob.book(desk.token, fresh=True)
    assert desk.condition == "restarting"
    assert await desk.clob.book(desk.token, fresh=True) is not None


async def test_a_plain_503_opens_the_circuit_and_its_retry_after_is_kept(open_desk: OpenDesk) -> None:
    down = StatusFault(kind="status", status=503, body={"error": "maintenance"}, retry_after=9, count=5, route=BOOK)
    desk = await open_desk(down, retries=0)
    for _ in range(5):
        with pytest.raises(VenueUnavailable, match="maintenance") as refused:
            await desk.clob.book(desk.token)
        assert getattr(refused.value, "retry_after_s", None) == 9
    with pytest.raises(CircuitOpen):
        await desk.clob.book(desk.token)
    assert desk.condition == "normal"
    await desk.clock.advance(30)
    assert await desk.clob.book(desk.token) is not None


async def test_a_clock_that_is_90_seconds_off_is_measured_before_it_matters(open_desk: OpenDesk) -> None:
    desk = await open_desk(ClockSkew(kind="clock_skew", seconds=90), measure_skew=True)
    assert desk.transport.clock_skew_s == pytest.approx(90, abs=1)
    signed = desk.order()
    await desk.clob.post_order(signed)
    assert desk.resting() == [signed.order_id]
    placed_at_s = int(signed.order["timestamp"]) / 1000
    assert placed_at_s - desk.clock.now().timestamp() == pytest.approx(90, abs=1)
    assert not any(route.errors for route in desk.transport.metrics.snapshot())


@pytest.mark.parametrize("seconds", [90.0, -90.0])
async def test_a_skew_that_nobody_looked_for_is_found_when_a_read_is_refused(
    open_desk: OpenDesk, seconds: float
) -> None:
    desk = await open_desk(ClockSkew(kind="clock_skew", seconds=seconds, after=1))
    assert await desk.clob.balance()
    assert desk.transport.clock_skew_s == pytest.approx(seconds, abs=1)


async def test_an_order_refused_because_of_the_clock_is_not_resent_but_the_next_one_passes(
    open_desk: OpenDesk,
) -> None:
    desk = await open_desk(ClockSkew(kind="clock_skew", seconds=90, after=1))
    with pytest.raises(VenueUnavailable, match="90 s off") as refused:
        await desk.clob.post_order(desk.order())
    assert refused.value.anything_sent == "no"
    assert desk.resting() == []
    signed = desk.order()
    await desk.clob.post_order(signed)
    assert desk.resting() == [signed.order_id]


async def test_a_cancel_refused_because_of_the_clock_is_repeated(open_desk: OpenDesk) -> None:
    desk = await open_desk(ClockSkew(kind="clock_skew", seconds=90, after=2))
    signed = desk.order()
    await desk.clob.post_order(signed)
    assert (await desk.clob.cancel_all()).canceled == (signed.order_id,)


async def test_credentials_that_are_wrong_stay_wrong_whatever_the_clock(open_desk: OpenDesk) -> None:
    desk = await open_desk(
        StatusFault(kind="status", status=401, body={"error": "Unauthorized/Invalid api key"}, route=ORDER)
    )
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="credentials"):
            await desk.clob.post_order(desk.order())
    looks = [route.calls for route in desk.transport.metrics.snapshot() if route.route == "GET clob /time"]
    assert looks == []  # the looks at the clock are no calls of anybody
    assert desk.transport.clock_skew_s == 0


def _is_likely(listing: Listing) -> bool:
    """Whether bids at a few cents are far from the market."""
    return listing.accepting_orders and listing.midpoint is not None and listing.midpoint > Decimal("0.3")


async def _tick(clock: ManualClock) -> None:
    while True:
        await clock.advance(0.1)
        await asyncio.sleep(0.005)
