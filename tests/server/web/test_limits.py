"""What one client may do: so many requests, so large, so slow."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.server.web.limits import LARGEST_BODY, ClientLimits, failures_limited, limited

NOW = datetime(2026, 5, 17, tzinfo=UTC)


async def test_a_client_has_a_bucket_that_fills_again() -> None:
    clock = ManualClock(NOW)
    limits = ClientLimits(per_minute=60, clock=clock)
    assert [limits.wait_s("a") for _ in range(15)] == [0.0] * 15
    assert limits.wait_s("a") == pytest.approx(1.0)
    assert limits.wait_s("b") == 0.0
    await clock.advance(0.5)
    assert limits.wait_s("a") == pytest.approx(0.5)
    await clock.advance(0.5)
    assert limits.wait_s("a") == 0.0


def test_clients_without_number_are_forgotten_not_kept() -> None:
    limits = ClientLimits(per_minute=60, clock=ManualClock(NOW))
    for number in range(10_500):
        limits.wait_s(f"address {number}")
    assert len(limits._buckets) == 10_000


class Call:
    """One request to a limited app."""

    def __init__(self, *messages: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.scope = {"type": "http", "headers": list(headers), "client": ("127.0.0.1", 1), "path": "/mcp"}
        self.messages = list(messages)
        self.sent: list[Any] = []
        self.body: bytes | None = None

    async def receive(self) -> Any:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.body = (await receive())["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def made(self, **bounds: float) -> int:
        limits = ClientLimits(per_minute=600, clock=ManualClock(NOW))
        await limited(self.app, limits, **bounds)(self.scope, self.receive, self.send)
        return int(self.sent[0]["status"])


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_parts_arrives_whole() -> None:
    call = Call(part(b"one ", more=True), part(b"two"))
    assert await call.made() == 200
    assert call.body == b"one two"


async def test_a_body_that_is_too_large_is_refused_whatever_its_length_says() -> None:
    declared = Call(headers=((b"content-length", str(LARGEST_BODY + 1).encode()),))
    assert await declared.made() == 413
    chunk = b"x" * (1 << 20)
    lied = Call(*(part(chunk, more=True) for _ in range(5)), headers=((b"content-length", b"10"),))
    assert await lied.made() == 413
    assert lied.body is None
    nonsense = Call(part(b""), headers=((b"content-length", b"-5"),))
    assert await nonsense.made() == 400


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    slow = Call(part(b"one ", more=True))
    assert await slow.made(slowest_body_s=0.01) == 408
    gone = Call({"type": "http.disconnect"})
    assert await gone.made() == 400
    assert slow.body is gone.body is None


def test_an_hour_of_patience_is_a_minute_of_requests() -> None:
    clock = ManualClock(NOW)
    limits = ClientLimits(per_minute=60, clock=clock)
    for _ in range(100):
        limits.wait_s("a")
    clock._now = NOW + timedelta(hours=1)
    assert [limits.wait_s("a") for _ in range(16)].count(0.0) == 15


async def test_failures_are_slowed_by_address_and_a_good_token_is_answered_all_the_while() -> None:
    clock = ManualClock(NOW)
    limits = ClientLimits(per_minute=60, clock=clock)

    async def asked(address: str, *, good: bool) -> tuple[int, dict[bytes, bytes]]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200 if good else 401, "headers": []})
            await send({"type": "http.response.body", "body": b"said"})

        scope = {"type": "http", "headers": [], "client": (address, 1), "path": "/mcp"}
        await failures_limited(app, limits)(scope, Call().receive, send)
        assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]
        return sent[0]["status"], dict(sent[0]["headers"])

    assert [(await asked("1.1.1.1", good=False))[0] for _ in range(15)] == [401] * 15
    status, headers = await asked("1.1.1.1", good=False)
    assert (status, headers[b"retry-after"]) == (429, b"1")
    assert (await asked("1.1.1.1", good=True))[0] == 200
    assert (await asked("2.2.2.2", good=False))[0] == 401
    await clock.advance(1)
    assert (await asked("1.1.1.1", good=False))[0] == 401
