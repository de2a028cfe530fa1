"""The way out to a venue over real sockets: caching, retrying, breaking, limiting and naming what went wrong."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from decimal import Decimal
from email.utils import format_datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import (
    CircuitOpen,
    ConfigurationError,
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    UnexpectedPayload,
    VenueUnavailable,
)
from polydesk.core.identifiers import OrderId
from polydesk.core.polymarket.environments import PRODUCTION, Environment, environment_at
from polydesk.core.polymarket.request import RequestSpec, params_of, path_of
from polydesk.core.polymarket.sending import Answer, HttpSender, Timeouts
from polydesk.core.polymarket.transport import Transport, TransportSettings
from polydesk.core.polymarket.wire.fields import number_at

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue

ORDER_ID = OrderId("0x" + "ab" * 32)


def read(path: str = "/number", *, ttl_s: float | None = None, missing: bool = False) -> RequestSpec[Decimal | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path=path,
        parse=lambda payload, _: number_at(payload, "n"),
        cache_ttl_s=ttl_s,
        on_missing=(None,) if missing else None,
    )


def order() -> RequestSpec[Any]:
    return RequestSpec(
        service="clob",
        method="POST",
        path="/order",
        body={"a": 1},
        parse=lambda payload, _: number_at(payload, "n"),
        idempotent=False,
        order_ids=(ORDER_ID,),
    )


def cancel() -> RequestSpec[Any]:
    return RequestSpec(
        service="clob",
        method="DELETE",
        path="/cancel-all",
        parse=lambda payload, _: payload,
        idempotent=False,
        cancel=True,
    )


def retrying(venue: ScriptedVenue, clock: ManualClock, *, max_retries: int = 3) -> Transport:
    settings = TransportSettings(max_retries=max_retries, timeout_s=5.0)
    return Transport(venue.environment, clock=clock, random=Random(7), settings=settings)


async def finished(task: asyncio.Task[Any], clock: ManualClock, *, step_s: float = 1.0) -> Any:
    """The result of a task that sleeps on the clock and talks over sockets."""
    while not task.done():
        await clock.advance(step_s)
        await asyncio.wait([task], timeout=0.01)
    return task.result()


async def test_a_cached_answer_is_used_until_it_is_too_old(
    venue: ScriptedVenue, transport: Transport, clock: ManualClock
) -> None:
    venue.on("GET", "/number", venue.json({"n": 1}), venue.json({"n": 2}))
    assert await transport.call(read(ttl_s=10)) == 1
    await clock.advance(9.9)
    assert await transport.call(read(ttl_s=10)) == 1
    await clock.advance(0.2)
    assert await transport.call(read(ttl_s=10)) == 2
    assert len(venue.requests) == 2


async def test_a_fresh_call_passes_the_cache_and_renews_it(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.json({"n": 1}), venue.json({"n": 2}))
    await transport.call(read(ttl_s=10))
    assert await transport.call(read(ttl_s=10), fresh=True) == 2
    assert await transport.call(read(ttl_s=10)) == 2
    assert len(venue.requests) == 2


async def test_what_has_no_cache_time_is_asked_every_time(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.json({"n": 1}))
    await transport.call(read())
    await transport.call(read())
    assert len(venue.requests) == 2


async def test_equal_reads_at_once_make_one_request(venue: ScriptedVenue, transport: Transport) -> None:
    release = asyncio.Event()
    venue.on("GET", "/number", venue.held({"n": 5}, release))
    readers = [asyncio.create_task(transport.call(read(ttl_s=10))) for _ in range(5)]
    await asyncio.sleep(0)
    readers[0].cancel()
    release.set()
    results = await asyncio.gather(*readers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [5, 5, 5, 5]
    assert len(venue.requests) == 1


async def test_a_shared_failure_reaches_everybody_and_is_not_kept(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.json({"error": "no"}, 500), venue.json({"n": 1}))
    results = await asyncio.gather(*(transport.call(read(ttl_s=10)) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, VenueUnavailable) for result in results)
    assert await transport.call(read(ttl_s=10)) == 1


async def test_closing_ends_reads_under_way(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.held({"n": 5}, asyncio.Event()))
    reader = asyncio.create_task(transport.call(read(ttl_s=10)))
    await venue.arrived.wait()
    await transport.aclose()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def test_reads_are_repeated_until_they_succeed(venue: ScriptedVenue, clock: ManualClock) -> None:
    venue.on("GET", "/number", venue.json({}, 502), venue.hang_up(), venue.json({}, 425), venue.json({"n": 3}))
    async with retrying(venue, clock) as transport:
        task = asyncio.create_task(transport.call(read()))
        assert await finished(task, clock) == 3
    assert len(venue.requests) == 4


async def test_retries_are_counted(venue: ScriptedVenue, clock: ManualClock) -> None:
    venue.on("GET", "/number", venue.json({"error": "broken"}, 500))
    async with retrying(venue, clock, max_retries=2) as transport:
        with pytest.raises(VenueUnavailable, match="broken"):
            await finished(asyncio.create_task(transport.call(read())), clock)
    assert len(venue.requests) == 3


async def test_a_retry_waits_as_long_as_the_venue_asks(venue: ScriptedVenue, clock: ManualClock) -> None:
    venue.on("GET", "/number", venue.json({}, 429, headers={"retry-after": "20"}), venue.json({"n": 1}))
    started = clock.now()
    async with retrying(venue, clock) as transport:
        assert await finished(asyncio.create_task(transport.call(read())), clock) == 1
    assert clock.now() - started >= timedelta(seconds=20)


async def test_a_wait_beyond_reason_is_reported_instead(venue: ScriptedVenue, clock: ManualClock) -> None:
    venue.on("GET", "/number", venue.json({}, 429, headers={"retry-after": "3600"}))
    async with retrying(venue, clock) as transport:
        with pytest.raises(RateLimitError) as limited:
            await transport.call(read())
    assert limited.value.retry_after_s == 3600
    assert len(venue.requests) == 1


async def test_retry_after_may_be_a_date_or_the_reset_of_a_bucket(
    venue: ScriptedVenue, transport: Transport, clock: ManualClock
) -> None:
    moment = clock.now() + timedelta(seconds=90)
    for headers, expected in (
        ({"retry-after": format_datetime(moment, usegmt=True)}, 90.0),
        ({"poly-ratelimit-reset": str(int(moment.timestamp()))}, 90.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ):
        venue.on("GET", "/number", venue.json({}, 429, headers=headers))
        with pytest.raises(RateLimitError) as limited:
            await transport.call(read())
        assert limited.value.retry_after_s == expected


async def test_a_rate_limit_inside_a_success_is_seen(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.json({"error": "Too Many Requests"}))
    with pytest.raises(RateLimitError):
        await transport.call(read())


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (400, {"error": "Invalid token id"}, InputRejected, "refused_by_venue"),
        (401, {"error": "Unauthorized/Invalid api key"}, ConfigurationError, None),
        (403, "blocked", ConfigurationError, None),
        (404, {"error": "market not found"}, InputRejected, "not_found"),
        (422, {"type": "validation error", "error": "order fields are not valid"}, InputRejected, "refused_by_venue"),
        (503, {"error": "maintenance"}, VenueUnavailable, None),
    ],
)
async def test_reads_fail_with_what_the_caller_can_do(
    venue: ScriptedVenue,
    transport: Transport,
    status: int,
    body: Any,
    kind: type[PolymarketAPIError],
    code: str | None,
) -> None:
    venue.on("GET", "/number", venue.json(body, status))
    with pytest.raises(kind) as failed:
        await transport.call(read())
    assert failed.value.anything_sent == "no"
    assert getattr(failed.value, "code", None) == code


async def test_a_missing_thing_is_none_where_that_is_an_answer(venue: ScriptedVenue, transport: Transport) -> None:
    assert await transport.call(read(missing=True)) is None
    assert len(venue.requests) == 1


@pytest.mark.parametrize(
    ("content", "path"), [(b"<html>", ""), (b'{"n": "x"}', "n"), (b"{}", "n"), (b"", "n"), (b"[1]", "n")]
)
async def test_an_answer_of_another_shape_names_the_field(
    venue: ScriptedVenue, transport: Transport, content: bytes, path: str
) -> None:
    venue.on("GET", "/number", venue.raw(content))
    with pytest.raises(UnexpectedPayload) as changed:
        await transport.call(read())
    assert changed.value.path == path
    assert "GET /number" in changed.value.message


async def test_numbers_are_exact_whatever_their_spelling(venue: ScriptedVenue, transport: Transport) -> None:
    for content, expected in ((b'{"n": 0.1}', "0.1"), (b'{"n": "0.10"}', "0.1"), (b'{"n": 9e-6}', "0.000009")):
        venue.on("GET", "/number", venue.raw(content))
        assert await transport.call(read()) == Decimal(expected)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 302])
async def test_an_order_that_may_have_been_processed_is_unknown_and_sent_once(
    venue: ScriptedVenue, clock: ManualClock, status: int
) -> None:
    venue.on("POST", "/order", venue.json({"error": "Internal server error"}, status))
    async with retrying(venue, clock) as transport:
        with pytest.raises(OutcomeUnknown) as unknown:
            await transport.call(order())
    assert unknown.value.order_ids == (ORDER_ID,)
    assert unknown.value.anything_sent == "unknown"
    assert len(venue.requests) == 1


@pytest.mark.parametrize("misdeed", ["hang_up", "cut_body", "not_json", "other_shape", "empty"])
async def test_an_order_whose_answer_cannot_be_read_is_unknown(
    venue: ScriptedVenue, clock: ManualClock, misdeed: str
) -> None:
    replies = {
        "hang_up": venue.hang_up(),
        "cut_body": venue.cut_body(),
        "not_json": venue.raw(b"<html>"),
        "other_shape": venue.json({"m": 1}),
        "empty": venue.raw(b""),
    }
    venue.on("POST", "/order", replies[misdeed])
    async with retrying(venue, clock) as transport:
        with pytest.raises(OutcomeUnknown) as unknown:
            await transport.call(order())
    assert unknown.value.order_ids == (ORDER_ID,)
    assert len(venue.requests) == 1


async def test_an_order_that_is_not_answered_in_time_is_unknown(venue: ScriptedVenue, clock: ManualClock) -> None:
    venue.on("POST", "/order", venue.held({"n": 1}, asyncio.Event()))
    settings = TransportSettings(timeout_s=0.05)
    async with Transport(venue.environment, clock=clock, random=Random(1), settings=settings) as transport:
        with pytest.raises(OutcomeUnknown):
            await transport.call(order())


async def test_an_order_that_never_left_is_safe_to_repeat(clock: ManualClock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        environment = environment_at("down", clob_url=url, gamma_url=url, data_url=url, ws_url=url, chain_id=137)
        async with Transport(environment, clock=clock, random=Random(1)) as transport:
            with pytest.raises(VenueUnavailable, match="could not be sent") as unavailable:
                await transport.call(order())
    assert unavailable.value.anything_sent == "no"


async def test_a_connection_that_the_server_closed_while_idle_is_not_used_for_an_order(
    venue: ScriptedVenue, transport: Transport
) -> None:
    venue.on("GET", "/number", venue.json({"n": 1}))
    venue.on("POST", "/order", venue.json({"n": 2}))
    await transport.call(read())
    await venue.close_connections()
    assert await transport.call(order()) == 2
    assert venue.count("/order") == 1


@pytest.mark.parametrize(("timeout_s", "expected"), [(0.5, (0.5, 0.5, 0.5, 0.5, 1.0)), (30.0, (10, 10, 30, 10, 60))])
def test_each_phase_of_a_request_has_its_bound(timeout_s: float, expected: tuple[float, ...]) -> None:
    bounds = Timeouts.within(timeout_s)
    assert (bounds.connect_s, bounds.write_s, bounds.read_s, bounds.pool_s, bounds.total_s) == expected


@pytest.mark.parametrize(
    ("status", "error", "code", "restriction"),
    [
        (400, "order 0x1 is invalid. Duplicated.", "duplicate", None),
        (403, "Trading restricted in your region", "region_restricted", "region"),
        (425, "", "restarting", "restarting"),
        (503, "Trading is currently cancel-only. New orders are not accepted", "cancel_only", "cancel_only"),
        (503, "Trading is currently disabled. Check polymarket.com", "trading_disabled", "trading_disabled"),
        (503, "post-only mode: only post-only orders and cancels are allowed", "post_only_mode", "post_only"),
    ],
)
async def test_a_refused_order_says_why(
    venue: ScriptedVenue, transport: Transport, status: int, error: str, code: str, restriction: str | None
) -> None:
    venue.on("POST", "/order", venue.json({"error": error}, status, headers={"retry-after": "79"}))
    with pytest.raises(OrderError) as refused:
        await transport.call(order())
    assert (refused.value.code, refused.value.restriction, refused.value.status) == (code, restriction, status)
    assert refused.value.anything_sent == "no"


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (b"<html><h1>Access denied</h1></html>", "provider_filter"),
        (b"<html><title>Just a moment...</title></html>", "bot_check"),
    ],
)
async def test_a_page_in_the_venues_place_is_no_region_restriction(
    venue: ScriptedVenue, transport: Transport, page: bytes, code: str
) -> None:
    venue.on("POST", "/order", venue.raw(page, 403))
    with pytest.raises(OrderError) as refused:
        await transport.call(order())
    assert (refused.value.code, refused.value.restriction) == (code, None)
    assert refused.value.anything_sent == "no"
    assert "<" not in refused.value.message


async def test_repeated_failures_open_the_circuit_and_a_success_closes_it(
    venue: ScriptedVenue, transport: Transport, clock: ManualClock
) -> None:
    venue.on("GET", "/number", *[venue.json({}, 500)] * 5, venue.json({"n": 1}))
    for _ in range(5):
        with pytest.raises(VenueUnavailable):
            await transport.call(read())
    with pytest.raises(CircuitOpen) as paused:
        await transport.call(read())
    assert paused.value.retry_after_s == 30
    with pytest.raises(CircuitOpen):
        await transport.call(order())
    assert len(venue.requests) == 5
    await clock.advance(30)
    assert await transport.call(read()) == 1
    assert await transport.call(read()) == 1


async def test_cancels_pass_an_open_circuit(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.json({}, 500))
    venue.on("DELETE", "/cancel-all", venue.json({"canceled": []}))
    for _ in range(5):
        with pytest.raises(VenueUnavailable):
            await transport.call(read())
    assert await transport.call(cancel()) == {"canceled": []}


async def test_refusals_do_not_open_the_circuit(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.json({"error": "Invalid token id"}, 400))
    for _ in range(8):
        with pytest.raises(InputRejected):
            await transport.call(read())


class LimitedVenue:
    """Stands in for the network of a real venue, which no test may reach."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: ManualClock, headers: dict[str, str]) -> None:
        self.sent_at_s: list[float] = []
        start = clock.now()

        async def send(_: HttpSender, method: str, url: str, **rest: object) -> Answer:
            self.sent_at_s.append((clock.now() - start).total_seconds())
            return Answer(200, headers, b'{"n": 1}')

        monkeypatch.setattr(HttpSender, "send", send)


async def test_reads_of_a_real_venue_keep_to_the_rate(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    network = LimitedVenue(monkeypatch, clock, {})
    settings = TransportSettings(rate_limit=60)
    async with Transport(PRODUCTION, clock=clock, random=Random(1), settings=settings) as transport:
        reads = [asyncio.create_task(transport.call(read())) for _ in range(63)]
        await asyncio.wait([asyncio.ensure_future(clock.advance(10))])
        assert network.sent_at_s == [0.0] * 60 + [1.0, 2.0, 3.0]
        await transport.call(cancel())
        assert network.sent_at_s[-1] == 10.0
        await asyncio.gather(*reads)


async def test_orders_heed_what_the_venue_says_is_left(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    network = LimitedVenue(monkeypatch, clock, {"poly-ratelimit-remaining": "-3"})
    async with Transport(PRODUCTION, clock=clock, random=Random(1)) as transport:
        await transport.call(order())
        waiting = asyncio.create_task(transport.call(order()))
        await finished(waiting, clock, step_s=0.05)
    assert network.sent_at_s[1] > 0.14  # four tokens at 28 a second


async def test_a_rate_of_none_does_not_bound_reads(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
    network = LimitedVenue(monkeypatch, clock, {})
    settings = TransportSettings(rate_limit=None)
    async with Transport(PRODUCTION, clock=clock, random=Random(1), settings=settings) as transport:
        await asyncio.gather(*(transport.call(read()) for _ in range(500)))
    assert network.sent_at_s == [0.0] * 500


@pytest.mark.parametrize(
    ("environment", "local"),
    [
        (PRODUCTION, False),
        (
            environment_at(
                "here",
                clob_url="http://127.0.0.1:1/",
                gamma_url="http://localhost:1",
                data_url="http://[::1]:1",
                ws_url="ws://127.0.0.1:1/ws/",
                chain_id=137,
            ),
            True,
        ),
        (
            environment_at(
                "half",
                clob_url="http://127.0.0.1:1",
                gamma_url="https://x.org",
                data_url="http://127.0.0.1:1",
                ws_url="ws://127.0.0.1:1",
                chain_id=137,
            ),
            False,
        ),
    ],
)
def test_only_an_environment_wholly_on_this_machine_is_local(environment: Environment, local: bool) -> None:
    assert environment.is_loopback is local
    assert not environment.clob_url.endswith("/")


def test_parameters_and_paths_are_spelled_as_the_venue_reads_them() -> None:
    assert params_of({"a": None, "b": True, "c": ["1", "2"], "d": 3}) == (
        ("b", "true"),
        ("c", "1"),
        ("c", "2"),
        ("d", "3"),
    )
    assert path_of("markets", "slug", "../orders?x=1") == "/markets/slug/..%2Forders%3Fx%3D1"
