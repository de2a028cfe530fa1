"""Limits of real venues: every window is kept, the venue's own word counts, and cancels never wait."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import InputRejected, RateLimitError
from polydesk.core.identifiers import OrderId
from polydesk.core.models import CancelResult
from polydesk.core.polymarket.admission import Admission
from polydesk.core.polymarket.rate_limits import ROUTE_LIMITS, SIGNER_TIERS, limits_of, signer_charge
from polydesk.core.polymarket.request import Method, RequestSpec, Service
from polydesk.core.polymarket.sending import Answer

IDS = tuple(OrderId(f"0x{number:064x}") for number in range(300))


def spec(
    method: Method,
    path: str,
    *,
    service: Service = "clob",
    orders: int = 0,
    cancel: bool = False,
    read: bool = True,
) -> RequestSpec[Any]:
    return RequestSpec(
        service=service,
        method=method,
        path=path,
        parse=lambda payload, _: payload,
        idempotent=read,
        cancel=cancel,
        order_ids=IDS[:orders],
    )


def place(orders: int = 1) -> RequestSpec[Any]:
    return spec("POST", "/order" if orders == 1 else "/orders", orders=orders, read=False)


def cancel(orders: int = 1) -> RequestSpec[Any]:
    return spec("DELETE", "/order" if orders == 1 else "/orders", orders=orders, read=False, cancel=True)


CANCEL_ALL = spec("DELETE", "/cancel-all", read=False, cancel=True)
BOOK = spec("GET", "/book")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 1, 12, tzinfo=UTC))


@pytest.fixture
def admission(clock: ManualClock) -> Admission:
    return Admission(clock=clock, reads_per_minute=None)


def answer(status: int = 200, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize("limit", ROUTE_LIMITS, ids=lambda limit: limit.name)
def test_no_window_can_be_overrun(limit: Any) -> None:
    assert limit.burst + limit.rate_per_s * limit.window_s <= limit.requests


def test_names_of_limits_are_distinct() -> None:
    assert len({limit.name for limit in ROUTE_LIMITS}) == len(ROUTE_LIMITS)


@pytest.mark.parametrize(
    ("request_", "windows"),
    [
        (BOOK, [15_000, 9_000, 1_500]),
        (spec("POST", "/books"), [15_000, 9_000, 500]),
        (spec("GET", "/tick-size/123"), [15_000, 9_000, 200]),
        (spec("GET", "/data/orders"), [15_000, 9_000, 900, 500]),
        (spec("GET", "/balance-allowance/update"), [15_000, 9_000, 50]),
        (spec("GET", "/ok"), [15_000, 9_000, 100]),
        (place(), [15_000, 9_000, 5_000, 120_000]),
        (cancel(2), [15_000, 9_000, 2_000, 15_000]),
        (spec("GET", "/markets/12", service="gamma"), [15_000, 4_000, 300, 900]),
        (spec("GET", "/events/keyset", service="gamma"), [15_000, 4_000, 500, 900]),
        (spec("GET", "/public-search", service="gamma"), [15_000, 4_000, 350]),
        (spec("GET", "/trades", service="data"), [15_000, 1_000, 200]),
        (spec("GET", "/v2/trades", service="data"), [15_000, 800, 300]),
        (spec("GET", "/v2/closed-positions", service="data"), [15_000, 800, 150]),
    ],
    ids=lambda value: value.route if isinstance(value, RequestSpec) else "",
)
def test_each_route_has_its_published_limits(request_: RequestSpec[Any], windows: list[int]) -> None:
    assert [limit.requests for limit in limits_of(request_)] == windows


@pytest.mark.parametrize(
    ("request_", "charge"),
    [
        (place(), ("order", 1)),
        (place(15), ("order", 15)),
        (cancel(), ("cancel", 1)),
        (cancel(40), ("cancel", 40)),
        (CANCEL_ALL, ("cancel", 1)),
        (BOOK, None),
        (spec("POST", "/v1/heartbeats", read=False, cancel=True), None),
        (spec("DELETE", "/auth/api-key", read=False), None),
    ],
    ids=lambda value: value.route if isinstance(value, RequestSpec) else "",
)
def test_orders_and_cancels_cost_what_the_venue_charges(
    request_: RequestSpec[Any], charge: tuple[str, int] | None
) -> None:
    assert signer_charge(request_) == charge


async def test_a_route_keeps_its_own_rate(admission: Admission, clock: ManualClock) -> None:
    """30 of 100 at once, then 7 per second: never more than 100 in 10 seconds."""
    passed: list[float] = []
    began = clock.now()

    async def ask() -> None:
        await admission.take_turn(spec("GET", "/ok"), patience_s=60)
        passed.append((clock.now() - began).total_seconds())

    waiting = [asyncio.create_task(ask()) for _ in range(120)]
    await clock.advance(20)
    await asyncio.gather(*waiting)
    assert passed.count(0.0) == 30
    assert passed == sorted(passed)
    assert max(sum(1 for at in passed if start <= at < start + 10) for start in passed) <= 100


async def test_a_wait_beyond_patience_is_said_at_once_and_takes_nothing(
    admission: Admission, clock: ManualClock
) -> None:
    for _ in range(42):
        await admission.take_turn(place(), patience_s=0)
    before = admission.headroom["orders"]
    with pytest.raises(RateLimitError, match="nothing was sent") as refused:
        await admission.take_turn(place(15), patience_s=0.5)
    assert refused.value.retry_after_s == pytest.approx(15 / 28)
    assert refused.value.anything_sent == "no"
    assert admission.headroom["orders"] == before


async def test_a_batch_that_could_never_pass_is_refused(admission: Admission) -> None:
    with pytest.raises(InputRejected, match="more than") as refused:
        await admission.take_turn(place(43), patience_s=600)
    assert "at most 42" in refused.value.fix


async def test_cancels_never_wait_but_are_counted(admission: Admission) -> None:
    for _ in range(3):
        assert await admission.take_turn(cancel(40), patience_s=0) == 0
    assert admission.headroom["cancels"] == pytest.approx(84 - 120)
    await admission.take_turn(CANCEL_ALL, patience_s=0)
    admission.settle(CANCEL_ALL, CancelResult(canceled=IDS[:7], not_canceled={}))
    assert admission.headroom["cancels"] == pytest.approx(84 - 128)
    assert admission.headroom["orders"] == 42


async def test_what_is_left_by_the_venues_word_counts(admission: Admission, clock: ManualClock) -> None:
    admission.heed(place(), answer(poly_ratelimit_remaining="-3"), asked_wait_s=None)
    assert admission.headroom["orders"] == -3
    assert admission.headroom["cancels"] == 84
    admission.heed(place(), answer(poly_ratelimit_remaining="40"), asked_wait_s=None)
    admission.heed(place(), answer(poly_ratelimit_remaining="many"), asked_wait_s=None)
    assert admission.headroom["orders"] == -3


async def test_a_named_tier_changes_both_buckets(admission: Admission, clock: ManualClock) -> None:
    admission.heed(place(), answer(poly_ratelimit_tier="gold"), asked_wait_s=None)
    assert admission.tier == "gold"
    assert admission.headroom["orders"] == 42
    await clock.advance(60)
    assert admission.headroom["orders"] == pytest.approx(0.7 * 600)
    assert admission.headroom["cancels"] == pytest.approx(0.7 * 1200)
    admission.heed(place(), answer(poly_ratelimit_tier="platypus"), asked_wait_s=None)
    assert admission.tier == "gold"


@pytest.mark.parametrize("tier", SIGNER_TIERS)
def test_no_tier_can_be_overrun(tier: str) -> None:
    for bucket, times in (("order", 1), ("cancel", 2)):
        assert SIGNER_TIERS[tier].rate_per_s(bucket) < SIGNER_TIERS[tier].orders_per_s * times  # type: ignore[arg-type]
        assert SIGNER_TIERS[tier].burst(bucket) < SIGNER_TIERS[tier].order_burst * times  # type: ignore[arg-type]


@pytest.mark.parametrize("limited", [place(), BOOK], ids=["order", "read"])
async def test_a_429_holds_its_kind_of_request_off_for_as_long_as_it_asks(
    admission: Admission, clock: ManualClock, limited: RequestSpec[Any]
) -> None:
    admission.heed(limited, answer(429), asked_wait_s=12)
    began = clock.now()
    waiting = asyncio.create_task(admission.take_turn(limited, patience_s=60))
    await clock.advance(11.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert await waiting == pytest.approx(12)
    assert clock.now() - began < timedelta(seconds=13)
    other = BOOK if limited is not BOOK else place()
    assert await admission.take_turn(other, patience_s=0) == 0


async def test_the_users_own_limit_binds_reads_of_each_host(clock: ManualClock) -> None:
    admission = Admission(clock=clock, reads_per_minute=2)
    services: tuple[Service, ...] = ("clob", "gamma")
    for service in services:
        for _ in range(2):
            await admission.take_turn(spec("GET", "/x", service=service), patience_s=0)
        with pytest.raises(RateLimitError) as refused:
            await admission.take_turn(spec("GET", "/x", service=service), patience_s=1)
        assert refused.value.retry_after_s == pytest.approx(30)
    assert await admission.take_turn(place(), patience_s=0) == 0


async def test_a_caller_who_leaves_gives_its_place_in_every_queue_back(
    admission: Admission, clock: ManualClock
) -> None:
    for _ in range(42):
        await admission.take_turn(place(), patience_s=0)
    before = dict(admission.headroom)
    waiting = asyncio.create_task(admission.take_turn(place(), patience_s=60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert dict(admission.headroom) == before
