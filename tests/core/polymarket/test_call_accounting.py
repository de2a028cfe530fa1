"""What the transport counts and tells: metrics per route, waits, headroom, and how long it will be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import OrderError, OutcomeUnknown, RateLimitError, UnexpectedPayload, VenueUnavailable
from polydesk.core.polymarket.answers import asked_wait_s, error_text
from polydesk.core.polymarket.environments import PRODUCTION
from polydesk.core.polymarket.request import Method, RequestSpec
from polydesk.core.polymarket.sending import Answer, HttpSender
from polydesk.core.polymarket.transport import Transport, TransportSettings
from polydesk.core.telemetry.metrics import InMemoryMetrics, RouteSnapshot

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue


def read(path: str = "/number", *, ttl_s: float | None = None) -> RequestSpec[Any]:
    return RequestSpec(
        service="clob", method="GET", path=path, parse=lambda payload, _: payload["n"], cache_ttl_s=ttl_s
    )


def change(method: Method, path: str, *, body: Any = None) -> RequestSpec[Any]:
    return RequestSpec(
        service="clob",
        method=method,
        path=path,
        parse=lambda payload, _: payload,
        body=body,
        auth="l2",
        idempotent=False,
        cancel=method == "DELETE",
    )


def route_of(transport: Transport, route: str) -> RouteSnapshot:
    return next(snapshot for snapshot in transport.metrics.snapshot() if snapshot.route == route)


async def finished(task: asyncio.Task[Any], clock: ManualClock) -> Any:
    while not task.done():
        await clock.advance(1.0)
        await asyncio.wait([task], timeout=0.01)
    return task.result()


async def test_calls_are_counted_with_hits_errors_and_latency(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/number", venue.json({"n": 1}), venue.json({}, 500))
    await transport.call(read(ttl_s=10))
    await transport.call(read(ttl_s=10))
    with pytest.raises(VenueUnavailable):
        await transport.call(read(), fresh=True)
    counted = route_of(transport, "GET clob /number")
    assert (counted.calls, counted.cache_hits, sum(counted.latency.counts)) == (3, 1, 2)
    assert counted.errors == {"ReadRefused": 1}


async def test_those_who_join_a_flight_count_as_hits(venue: ScriptedVenue, transport: Transport) -> None:
    release = asyncio.Event()
    venue.on("GET", "/number", venue.held({"n": 5}, release))
    readers = [asyncio.create_task(transport.call(read(ttl_s=10))) for _ in range(4)]
    await venue.arrived.wait()
    release.set()
    await asyncio.gather(*readers)
    counted = route_of(transport, "GET clob /number")
    assert (counted.calls, counted.cache_hits) == (4, 3)


async def test_latency_includes_retries_and_their_waits(venue: ScriptedVenue, clock: ManualClock) -> None:
    venue.on("GET", "/number", venue.json({}, 429, headers={"retry-after": "20"}), venue.json({"n": 1}))
    metrics = InMemoryMetrics()
    settings = TransportSettings(max_retries=1, timeout_s=5)
    async with Transport(
        venue.environment, clock=clock, random=Random(1), settings=settings, metrics=metrics
    ) as transport:
        await finished(asyncio.create_task(transport.call(read())), clock)
    (counted,) = metrics.snapshot()
    assert counted.retries == 1
    assert counted.latency.sum_s >= 20


class SilentNetwork:
    """Stands in for the network of a real venue, which no test may reach: every request gets the next answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.answers: list[Answer] = []
        self.time_s: int | None = None

        async def send(_: HttpSender, method: str, url: str, *, headers: dict[str, str], **rest: object) -> Answer:
            path = url.removeprefix(PRODUCTION.clob_url)
            self.sent.append((path, headers))
            if path == "/time":
                return Answer(200 if self.time_s else 503, {}, str(self.time_s or "").encode())
            return self.answers.pop(0) if self.answers else Answer(200, {}, b'{"n": 1}')

        monkeypatch.setattr(HttpSender, "send", send)

    def count(self, path: str) -> int:
        return sum(sent == path for sent, _ in self.sent)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> SilentNetwork:
    return SilentNetwork(monkeypatch)


def real(clock: ManualClock, **settings: Any) -> Transport:
    return Transport(PRODUCTION, clock=clock, random=Random(1), settings=TransportSettings(**settings))


async def test_a_wait_beyond_the_callers_patience_is_told_and_nothing_is_sent(
    network: SilentNetwork, clock: ManualClock
) -> None:
    async with real(clock, rate_limit=1, max_retries=3, timeout_s=30) as transport:
        await transport.call(read())
        with pytest.raises(RateLimitError) as refused:
            await transport.call(read())
        assert refused.value.retry_after_s == 60
        assert refused.value.anything_sent == "no"
        with pytest.raises(RateLimitError):
            await transport.call(read(), patience_s=59)
        assert network.count("/number") == 1
        waiting = asyncio.create_task(transport.call(read(), patience_s=60))
        await finished(waiting, clock)
        counted = route_of(transport, "GET clob /number")
        assert (counted.waits, counted.waited_s) == (1, 60)
        assert counted.retries == 0


async def test_a_refusal_of_our_own_says_nothing_about_the_host(network: SilentNetwork, clock: ManualClock) -> None:
    async with real(clock, rate_limit=1, max_retries=0, failure_threshold=1, reset_after_s=10) as transport:
        network.answers = [Answer(500, {}, b"")]
        with pytest.raises(VenueUnavailable):
            await transport.call(read())
        await clock.advance(10)
        assert transport.breaker_states["clob"] == "half_open"
        with pytest.raises(RateLimitError):
            await transport.call(read(), patience_s=1)
        assert transport.breaker_states["clob"] == "half_open"


async def test_headroom_is_told_for_real_venues_only(
    network: SilentNetwork, transport: Transport, clock: ManualClock
) -> None:
    assert transport.headroom == {}
    async with real(clock, rate_limit=100) as outside:
        await outside.call(change("POST", "/order", body={}))
        assert outside.headroom["orders"] == 41
        assert outside.headroom["clob reads"] == 100


async def test_limits_are_kept_on_this_machine_when_asked(venue: ScriptedVenue, clock: ManualClock) -> None:
    venue.on("GET", "/number", venue.json({"n": 1}))
    settings = TransportSettings(rate_limit=1, keep_limits=True, max_retries=0)
    async with Transport(venue.environment, clock=clock, random=Random(1), settings=settings) as transport:
        await transport.call(read())
        with pytest.raises(RateLimitError):
            await transport.call(read())


def authorise(clock: Any) -> Any:
    return lambda *_: {"poly_timestamp": str(int(clock.now().timestamp()))}


async def test_the_clock_is_looked_at_once_and_again_after_a_while(network: SilentNetwork, clock: ManualClock) -> None:
    async with real(clock, skew_keep_s=600) as transport:
        network.time_s = int(clock.now().timestamp()) + 90
        await transport.call(read())
        assert network.count("/time") == 0
        calls = [transport.call(read(), authorise=authorise(transport.clock)) for _ in range(5)]
        await asyncio.gather(*calls)
        assert network.count("/time") == 1
        stamp = int(network.sent[-1][1]["poly_timestamp"]) - clock.now().timestamp()
        assert stamp == pytest.approx(90, abs=1)
        await clock.advance(601)
        network.time_s = int(clock.now().timestamp())
        await transport.call(read(), authorise=authorise(transport.clock))
        assert network.count("/time") == 2
        assert transport.clock_skew_s == 0


async def test_a_clock_that_cannot_be_looked_at_stops_nothing(network: SilentNetwork, clock: ManualClock) -> None:
    async with real(clock) as transport:
        for _ in range(3):
            assert await transport.call(read(), authorise=authorise(transport.clock)) == 1
        assert network.count("/time") == 1
        assert transport.clock_skew_s == 0


async def test_a_cancel_does_not_wait_for_a_look_at_the_clock(network: SilentNetwork, clock: ManualClock) -> None:
    async with real(clock) as transport:
        await transport.call(change("DELETE", "/cancel-all"), authorise=authorise(transport.clock))
        assert network.count("/time") == 0


async def test_a_complaint_about_a_timestamp_leads_to_a_look(network: SilentNetwork, clock: ManualClock) -> None:
    async with real(clock, measure_skew=False) as transport:
        network.time_s = int(clock.now().timestamp()) - 90
        network.answers = [Answer(400, {}, b'{"error": "invalid timestamp"}')]
        with pytest.raises(VenueUnavailable, match="90 s off"):
            await transport.call(change("POST", "/order", body={}), authorise=authorise(transport.clock))
        network.answers = [Answer(400, {}, b'{"error": "order 0x1 is invalid. Duplicated."}')]
        with pytest.raises(OrderError, match="Duplicated"):
            await transport.call(change("POST", "/order", body={}), authorise=authorise(transport.clock))
        assert network.count("/time") == 1


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/book", "/book"),
        ("/markets/0xabc1", "/markets/{id}"),
        ("/markets/slug/will-it-rain", "/markets/slug/{id}"),
        ("/tick-size/7132104567", "/tick-size/{id}"),
        ("/data/order/0x12", "/data/order/{id}"),
        ("/v2/trades", "/v2/trades"),
        ("/v1/heartbeats", "/v1/heartbeats"),
        ("/prices-history", "/prices-history"),
    ],
)
def test_routes_are_labelled_without_what_they_name(path: str, label: str) -> None:
    assert read(path).route == f"GET clob {label}"


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (503, {"retry-after": "79"}, b"", 79.0),
        (503, {}, b'{"error": "x", "retry_after_seconds": 12}', 12.0),
        (503, {"retry-after": "5"}, b'{"retry_after_seconds": 12}', 5.0),
        (200, {}, b'{"retry_after_seconds": 12}', None),
        (503, {"retry-after": "soon"}, b"", None),
        (503, {}, b"<html>", None),
        (503, {"poly-ratelimit-reset": "99999999999"}, b"", None),
    ],
)
def test_the_wait_a_server_asks_for_is_read_from_where_it_says_so(
    clock: ManualClock, status: int, headers: dict[str, str], body: bytes, expected: float | None
) -> None:
    assert asked_wait_s(Answer(status, headers, body), now=clock.now()) == expected


def test_a_date_in_the_past_asks_for_no_wait(clock: ManualClock) -> None:
    past = format_datetime(clock.now() - timedelta(minutes=1), usegmt=True)
    assert asked_wait_s(Answer(429, {"retry-after": past}, b""), now=clock.now()) == 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"error_msg": "no"}', "no"),
        (b'{"errorMsg": "no"}', "no"),
        (b'"no"', "no"),
        (b"no", "no"),
        (b"<html>no</html>", ""),
        (b"[1]", ""),
        (b"", ""),
    ],
)
def test_the_reason_is_found_in_every_spelling(body: bytes, text: str) -> None:
    assert error_text(Answer(400, {}, body)) == text


@pytest.mark.parametrize("failure", [KeyError("orderID"), ZeroDivisionError(), RecursionError(), ValueError("x")])
async def test_a_parser_that_stumbles_leaves_an_order_unknown_and_a_read_unexpected(
    venue: ScriptedVenue, transport: Transport, failure: Exception
) -> None:
    def stumble(payload: object, _: object) -> object:
        raise failure

    venue.on("GET", "/number", venue.json({"n": 1}))
    venue.on("POST", "/order", venue.json({"n": 1}))
    with pytest.raises(UnexpectedPayload, match="unreadable"):
        await transport.call(replace(read(), parse=stumble))
    with pytest.raises(OutcomeUnknown, match="unreadable"):
        await transport.call(replace(change("POST", "/order", body={}), parse=stumble))
