"""The dead man's switch: an API key that began to beat loses its resting orders when it stops."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .authentication import authenticated
from .credentials import Credential
from .rejections import BAD_PAYLOAD, Rejection
from .responses import JsonResponse, exchange_of, json_body
from .venue import Exchange

_DEADLINE_MS = 10_000


@dataclass(slots=True)
class _Pulse:
    """The id that the next beat must carry, when it is due, and how many ids there were."""

    expected: str = ""
    due_ms: int = 0
    count: int = 0


class Heartbeats:
    """The beating keys of one exchange. Nothing disarms a key that began."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._pulses: dict[str, _Pulse] = {}

    def beat(self, credential: Credential, heartbeat_id: str) -> str | None:
        """The id for the next beat; None for a wrong one, which does not count.

        An empty id begins, and begins anew, because a client that lost an answer knows no other.
        """
        pulse = self._pulses.setdefault(credential.api_key, _Pulse())
        if heartbeat_id and heartbeat_id != pulse.expected:
            return None
        self._renew(credential.api_key, pulse)
        pulse.due_ms = self._exchange.now_ms + _DEADLINE_MS
        self._exchange.agenda.at(pulse.due_ms, partial(self._check, credential.api_key, pulse))
        return pulse.expected

    def expected(self, credential: Credential) -> str:
        return self._pulses[credential.api_key].expected

    def _check(self, api_key: str, pulse: _Pulse) -> None:
        if self._exchange.now_ms < pulse.due_ms:
            return  # a later beat moved the deadline
        self._renew(api_key, pulse)
        resting = [
            order for order in self._exchange.registry.orders.values() if order.owner == api_key and order.open_size
        ]
        self._exchange.trading.cancel_many(resting)

    def _renew(self, api_key: str, pulse: _Pulse) -> None:
        pulse.count += 1
        pulse.expected = hashlib.sha256(f"{api_key}:{pulse.count}".encode()).hexdigest()[:32]


def heartbeat_routes(heartbeats: Heartbeats) -> list[Route]:
    async def beat(request: Request) -> Response:
        credential = await authenticated(request, exchange_of(request))
        body: Any = await json_body(request, error=BAD_PAYLOAD)
        given = (body.get("heartbeat_id") or "") if isinstance(body, dict) else None
        if not isinstance(given, str):
            raise Rejection(BAD_PAYLOAD)
        following = heartbeats.beat(credential, given)
        if following is None:
            refused = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": heartbeats.expected(credential)}
            return JsonResponse(refused, status_code=400)
        return JsonResponse({"heartbeat_id": following})

    return [Route("/v1/heartbeats", beat, methods=["POST"])]
