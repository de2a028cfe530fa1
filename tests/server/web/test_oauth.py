"""Tokens of an authorization server: its own, for this server, in time, signed in a way that cannot be turned round."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from mcp.server.auth.provider import AccessToken

from polydesk.core.clock import ManualClock
from polydesk.server.web.oauth import JwtVerifier
from polydesk.server.web.scopes import holder_of
from tests.support.processes import SOURCE_COMMAND, WAIT_S, environment, serving

AUDIENCE = "http://127.0.0.1:8000/mcp"
NOW = datetime(2026, 5, 17, tzinfo=UTC)


class Issuer:
    """An authorization server as far as a resource server sees it: a key, and where it can be read."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.kid = "one"
        self.fetches = 0
        self.broken = False
        self.padding = b""
        self.may_answer, self.asked_again = threading.Event(), threading.Event()
        self.may_answer.set()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.fetches += 1
                if issuer.fetches > 1:
                    issuer.asked_again.set()
                issuer.may_answer.wait(10)
                public = json.loads(ECAlgorithm.to_jwk(issuer.key.public_key()))
                body = json.dumps({"keys": [{**public, "kid": issuer.kid, "alg": "ES256", "use": "sig"}]}).encode()
                body += issuer.padding
                self.send_response(500 if issuer.broken else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with suppress(OSError):  # a reader may have had enough
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, *, key: Any = None, algorithm: str = "ES256", kid: str | None = None, **claims: Any) -> str:
        whole = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "somebody",
            "client_id": "news-trader",
            "scope": "markets:read trading:write admin",
            "exp": time.time() + 60,
        }
        named = {name: value for name, value in (whole | claims).items() if value is not None}
        return jwt.encode(named, key or self.key, algorithm=algorithm, headers={"kid": kid or self.kid})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def verifier(issuer: Issuer, clock: ManualClock) -> JwtVerifier:
    return JwtVerifier(issuer=issuer.url, jwks_url=None, audience=AUDIENCE, clock=clock)


async def test_a_good_token_tells_who_and_what(issuer: Issuer, verifier: JwtVerifier) -> None:
    found = await verifier.verify_token(issuer.token())
    assert found is not None
    assert (found.client_id, found.subject, found.resource) == ("news-trader", "somebody", AUDIENCE)
    assert found.scopes == ["markets:read", "trading:write"]
    assert await verifier.verify_token(issuer.token(scope=None, scp=["markets:read"])) is not None
    assert issuer.fetches == 1


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"aud": "http://127.0.0.1:8000/other"},
        {"aud": None},
        {"iss": "https://login.example"},
        {"sub": None},
        {"nbf": time.time() + 3600},
    ],
)
async def test_a_token_for_another_time_place_or_nobody_is_none(
    issuer: Issuer, verifier: JwtVerifier, claims: dict[str, Any]
) -> None:
    assert await verifier.verify_token(issuer.token(**claims)) is None


async def test_signatures_of_others_and_none_at_all_are_refused(issuer: Issuer, verifier: JwtVerifier) -> None:
    good = issuer.token()
    stranger = ec.generate_private_key(ec.SECP256R1())
    head, body, _ = good.split(".")
    unsigned = jwt.encode({"iss": issuer.url, "aud": AUDIENCE}, None, algorithm="none", headers={"kid": "one"})  # type: ignore[arg-type]
    secret = issuer.token(key="x" * 32, algorithm="HS256")
    for forged in (issuer.token(key=stranger), f"{head}.{body}.", unsigned, secret, "", "a.b.c", "x" * 10_000):
        assert await verifier.verify_token(forged) is None


async def test_a_token_of_odd_parts_is_none_and_breaks_nothing(issuer: Issuer, verifier: JwtVerifier) -> None:
    assert await verifier.verify_token(issuer.token()) is not None
    deep = b'{"kid":"one","alg":"ES256","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    heads = (deep, b'{"kid":"one","alg":"RS256"}', b'{"kid":"one","alg":["ES256"]}', b'{"kid":{},"alg":"ES256"}', b"[]")
    for head in heads:
        odd = base64.urlsafe_b64encode(head).decode().rstrip("=")
        assert await verifier.verify_token(f"{odd}.e30.eA") is None


async def test_known_keys_count_while_others_are_being_fetched(
    issuer: Issuer, verifier: JwtVerifier, clock: ManualClock
) -> None:
    good = issuer.token()
    assert await verifier.verify_token(good) is not None
    await clock.advance(31)
    issuer.may_answer.clear()
    waiting = asyncio.create_task(verifier.verify_token(issuer.token(kid="unknown")))
    try:
        await asyncio.to_thread(issuer.asked_again.wait, 10)
        assert await verifier.verify_token(good) is not None
        assert not waiting.done()
    finally:
        issuer.may_answer.set()
    assert await waiting is None


async def test_keys_without_end_are_not_read(issuer: Issuer, verifier: JwtVerifier) -> None:
    issuer.padding = b" " * (4 << 20)
    assert await verifier.verify_token(issuer.token()) is None


def test_two_people_of_one_program_are_two_and_neither_is_a_handed_out_token() -> None:
    def holder(client_id: str, subject: str | None) -> str:
        return holder_of(AccessToken(token="x", client_id=client_id, scopes=[], subject=subject))

    assert len({holder("desk", None), holder("desk", "ann"), holder("desk", "bob"), holder("ann", "desk")}) == 4


async def test_a_new_key_is_fetched_but_not_without_end(
    issuer: Issuer, verifier: JwtVerifier, clock: ManualClock
) -> None:
    assert await verifier.verify_token(issuer.token()) is not None
    issuer.key, issuer.kid = ec.generate_private_key(ec.SECP256R1()), "two"
    for _ in range(5):
        assert await verifier.verify_token(issuer.token()) is None
    assert issuer.fetches == 1, "an unknown key is no reason to ask again within half a minute"
    await clock.advance(31)
    assert await verifier.verify_token(issuer.token()) is not None
    assert issuer.fetches == 2


async def test_while_the_keys_cannot_be_read_known_ones_count_for_ten_minutes(
    issuer: Issuer, verifier: JwtVerifier, clock: ManualClock
) -> None:
    token = issuer.token()
    assert await verifier.verify_token(token) is not None
    issuer.broken = True
    await clock.advance(300)
    assert await verifier.verify_token(token) is not None
    await clock.advance(301)
    assert await verifier.verify_token(token) is None


def test_a_server_tells_where_its_tokens_come_from(issuer: Issuer, tmp_path: Path) -> None:
    env = environment(tmp_path, POLYMARKET_HTTP_OAUTH_ISSUER=issuer.url)
    with serving(SOURCE_COMMAND, "http", env) as served:
        call = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accept = {"Accept": "application/json, text/event-stream"}
        refused = httpx2.post(served.url, json=call, headers=accept, timeout=WAIT_S)
        assert refused.status_code == 401
        described = refused.headers["www-authenticate"].split('resource_metadata="')[1].split('"')[0]
        about = httpx2.get(described, timeout=WAIT_S).json()
        assert about["resource"] == served.url
        assert about["authorization_servers"] == [issuer.url]
        assert "trading:write" in about["scopes_supported"]
        token = issuer.token(aud=served.url)
        let_in = httpx2.post(
            served.url, json=call, headers={**accept, "Authorization": f"Bearer {token}"}, timeout=WAIT_S
        )
        assert let_in.status_code != 401
        elsewhere = {**accept, "Authorization": f"Bearer {issuer.token()}"}
        assert httpx2.post(served.url, json=call, headers=elsewhere, timeout=WAIT_S).status_code == 401
