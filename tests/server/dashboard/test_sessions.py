"""Browsers are known for as long as they come back, each by its own cookie."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from polydesk.core.clock import ManualClock
from polydesk.server.dashboard.sessions import SHOWN, Sessions, Visitor
from polydesk.server.web.authentication import TokenGate
from polydesk.server.web.settings import load_http_settings
from polydesk.server.web.tokens import TokenFile

HOUR_S = 3600.0


def asked_with(cookie: str = "", **headers: str) -> Request:
    named = headers | ({"cookie": cookie} if cookie else {})
    return Request({"type": "http", "headers": [(name.encode(), value.encode()) for name, value in named.items()]})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 17, tzinfo=UTC))


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def sessions(file: TokenFile, clock: ManualClock, *, secure: bool = False, port: int | None = 8000) -> Sessions:
    gate = TokenGate(file, load_http_settings(), resource="http://127.0.0.1:8000/mcp", clock=clock)
    return Sessions(gate, clock, secure=secure, port=port)


async def signed_in(known: Sessions, token: str) -> str:
    """The cookie that a browser sends back."""
    response = Response()
    assert await known.begin(token, response) is not None
    return response.headers["set-cookie"].partition(";")[0]


async def test_without_any_token_everybody_may_look_and_halt(file: TokenFile, clock: ManualClock) -> None:
    known = sessions(file, clock)
    assert await known.visitor(asked_with()) == Visitor(None, None)
    assert Visitor(None, None).may_halt
    token = file.add("first", ["portfolio:read"])
    assert await known.visitor(asked_with()) is None
    visitor = await known.visitor(asked_with(authorization=f"Bearer {token}"))
    assert visitor is not None and visitor.lacks == ("trading:read", "strategies:read", "operations:read")


async def test_a_session_ends_half_a_day_after_its_last_request(file: TokenFile, clock: ManualClock) -> None:
    known = sessions(file, clock)
    cookie = await signed_in(known, file.add("one", [f"{each.value}:read" for each in SHOWN]))
    for hours in (11, 11):
        await clock.advance(hours * HOUR_S)
        assert await known.visitor(asked_with(cookie)) is not None
    await clock.advance(12.1 * HOUR_S)
    assert await known.visitor(asked_with(cookie)) is None


async def test_cookies_of_others_and_made_up_ones_are_none(file: TokenFile, clock: ManualClock) -> None:
    known = sessions(file, clock)
    token = file.add("one", [f"{each.value}:write" for each in SHOWN])
    cookie = await signed_in(known, token)
    name, _, _ = cookie.partition("=")
    for other in (f"{name}=guess", cookie.replace("8000", "8001"), f"{name}=", f"{name}={token}"):
        assert await known.visitor(asked_with(other)) is None
    visitor = await known.visitor(asked_with(cookie))
    assert visitor is not None and visitor.may_halt and visitor.holder == "one"


async def test_over_https_the_cookie_is_for_https_alone(file: TokenFile, clock: ManualClock) -> None:
    known = sessions(file, clock, secure=True, port=None)
    response = Response()
    await known.begin(file.add("one", [f"{each.value}:read" for each in SHOWN]), response)
    assert response.headers["set-cookie"].startswith("__Secure-polydesk=")
    assert "secure" in response.headers["set-cookie"].lower().split("; ")
