"""Posts alerts to an address as signed JSON; follows no redirect and reads no answer but its status."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from urllib.parse import urlsplit

from .channel import ChannelFailed, Message, encoded

_TIMEOUT_S = 10.0
_TRY_LATER = frozenset({408, 425, 429})


class WebhookChannel:
    """One address. The receiver can tell a repeat by `Idempotency-Key`, and with `secret` who has written it.

    `X-Polydesk-Signature` is `sha256=` and the HMAC-SHA256, in hex, of `X-Polydesk-Timestamp`, which is the alert's, a
    full stop and the body.
    """

    def __init__(self, url: str, *, secret: str | None = None, timeout_s: float = _TIMEOUT_S) -> None:
        self._url = url
        self._host = urlsplit(url).hostname or ""
        self._secret = secret
        self._timeout_s = timeout_s

    async def send(self, message: Message) -> None:
        """Any status of 200 to 299 is a success. Raises ChannelFailed."""
        import httpx2  # only who has a webhook needs it before the first request

        body = encoded(message)
        try:
            # A client of its own for each: alerts are rare, and an idle connection would be kept for nothing. Proxies
            # of the environment are passed over, as nobody named them for this.
            async with (
                asyncio.timeout(self._timeout_s),
                httpx2.AsyncClient(follow_redirects=False, trust_env=False, timeout=self._timeout_s) as client,
                client.stream("POST", self._url, content=body, headers=self._headers(message, body)) as response,
            ):
                status = response.status_code
        except TimeoutError as error:
            raise ChannelFailed(f"no answer within {self._timeout_s:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise ChannelFailed(f"it could not be reached ({type(error).__name__})") from error
        if 300 <= status < 400:
            raise ChannelFailed(f"it redirects ({status}), which is not followed", lasting=True)
        if not 200 <= status < 300:
            raise ChannelFailed(f"it answered {status}", lasting=400 <= status < 500 and status not in _TRY_LATER)

    def _headers(self, message: Message, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "polydesk",
            "Idempotency-Key": message.message_id,
        }
        if self._secret is not None:
            stamp = str(int(message.at.timestamp()))
            signed = hmac.new(self._secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers |= {"X-Polydesk-Timestamp": stamp, "X-Polydesk-Signature": f"sha256={signed}"}
        return headers
