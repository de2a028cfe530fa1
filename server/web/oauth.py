"""Tokens of an OAuth 2.1 authorization server (JWT): this server is the resource they must have been issued for."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from ...core.clock import Clock
from .scopes import SCOPES

if TYPE_CHECKING:
    from jwt import PyJWK
    from mcp.server.auth.provider import AccessToken

_log = logging.getLogger(__name__)

_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Of public keys alone: a token must not be able to name the way in which the server's own key is misread."""

_KEYS_FOR = timedelta(minutes=10)
_KEYS_AGAIN_AFTER = timedelta(seconds=30)
_TIMEOUT_S = 5.0
"""For the whole answer: one that comes byte by byte would keep everybody waiting."""

_LARGEST_KEYS = 1 << 20
_LEEWAY_S = 30


class JwtVerifier:
    """Accepts tokens signed by one issuer, for one audience, that have not expired.

    The issuer's keys are fetched when a token needs them, kept for ten minutes, and fetched anew at most twice a
    minute for a token with a key that is not known; those with a known key do not wait for that. When the keys are
    older and cannot be fetched, nobody is let in. A key verifies with its own algorithm alone, whatever a token says.
    """

    def __init__(self, *, issuer: str, jwks_url: str | None, audience: str, clock: Clock) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url or f"{issuer.rstrip('/')}/.well-known/jwks.json"
        self._audience = audience
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = clock.now() - timedelta(days=1)
        self._fetching = asyncio.Lock()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who holds a token; None for one that is not good, whatever is wrong with it."""
        import jwt
        from mcp.server.auth.provider import AccessToken

        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            if key is None or header.get("alg") not in _ALGORITHMS:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:  # its parts are a stranger's JSON
            _log.info("a token was refused: %s", type(error).__name__)
            return None
        said = claims.get("scope") or claims.get("scp") or ()
        scopes = said.split() if isinstance(said, str) else [str(each) for each in said]
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            scopes=[scope for scope in scopes if scope in SCOPES],
            expires_at=int(claims["exp"]) + _LEEWAY_S,
            resource=self._audience,
            subject=str(claims["sub"]),
        )

    async def _key(self, kid: str) -> PyJWK | None:
        if (key := self._fresh(kid)) is not None:
            return key
        async with self._fetching:
            now = self._clock.now()
            if self._fresh(kid) is None and now - self._tried_at >= _KEYS_AGAIN_AFTER:
                self._tried_at = now
                await self._fetch()
            return self._fresh(kid)

    def _fresh(self, kid: str) -> PyJWK | None:
        return self._keys.get(kid) if self._clock.now() - self._fetched_at < _KEYS_FOR else None

    async def _fetch(self) -> None:
        import httpx2
        import jwt

        try:
            async with asyncio.timeout(_TIMEOUT_S):
                keys = jwt.PyJWKSet.from_dict(json.loads(await self._answer()))
        except (httpx2.HTTPError, TimeoutError, ValueError, TypeError, RecursionError, jwt.PyJWTError) as error:
            _log.warning("the keys of %s cannot be fetched: %s", self._issuer, error or type(error).__name__)
            return
        self._keys = {str(key.key_id or ""): key for key in keys.keys}
        self._fetched_at = self._clock.now()

    async def _answer(self) -> bytes:
        """What the issuer says its keys are. Raises ValueError where that has no end."""
        import httpx2

        async with (
            httpx2.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client,
            client.stream("GET", self._jwks_url) as answer,
        ):
            answer.raise_for_status()
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _LARGEST_KEYS:
                    raise ValueError("the answer is too large")
            return body
