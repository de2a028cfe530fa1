"""Before a request reaches the exchange: have its markets there, let an order be on its way, refuse stale prices."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..clock import Clock
from ..errors import PolymarketAPIError
from ..exchange.responses import clob_error
from .freshness import Freshness
from .latency import Latency
from .relay import Relay

_QUOTES = ("/clob/book", "/clob/price", "/clob/midpoint", "/clob/spread")
_BATCHES = ("/clob/books", "/clob/prices", "/clob/midpoints", "/clob/spreads")
_TERMS = ("/clob/tick-size", "/clob/neg-risk", "/clob/fee-rate", "/clob/last-trade-price", "/clob/markets-by-token")
_BY_CONDITION = ("/clob/clob-markets/", "/clob/markets/")
_PLACING = ("/clob/order", "/clob/orders")
_BATCH_BODY = (*_BATCHES, "/clob/last-trades-prices")
_MARKET_STREAM = "/ws/market"
_NO_BOOK = "No orderbook exists for the requested token id"


class OnDemand:
    """Middleware of the paper exchange.

    A token or condition that a request names is listed first. Quotes and orders wait for a current book. An order or
    cancel is then on its way for a while, as to the real venue, and the book moves on meanwhile. Where prices are still
    not current, the request is refused with the reason and nothing is done; cancels always pass.
    """

    def __init__(self, app: ASGIApp, *, relay: Relay, freshness: Freshness, latency: Latency, clock: Clock) -> None:
        self._app = app
        self._relay = relay
        self._freshness = freshness
        self._latency = latency
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "websocket" and path == _MARKET_STREAM:
            await self._app(scope, self._listing(receive), send)
        elif scope["type"] == "http" and path.startswith("/clob/"):
            await self._request(path, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        places = method == "POST" and path in _PLACING
        cancels = method == "DELETE"
        body = b""
        if places or (method == "POST" and path in _BATCH_BODY):
            body = await _body(receive)
            receive = _replayed(body, receive)
        tokens = _tokens(path, scope, body, places=places)
        conditions = [path.removeprefix(prefix) for prefix in _BY_CONDITION if path.startswith(prefix)]
        try:
            await self._relay.list_tokens(tokens)
            await self._relay.list_conditions(conditions)
            await self._relay.take_terms(tokens if places else (), conditions)
        except PolymarketAPIError as error:
            refusal = f"the real venue cannot be asked about this market: {error.message}. Nothing was done"
            await clob_error(refusal)(scope, receive, send)
            return
        needs_prices = places or path in _QUOTES or path in _BATCHES
        if needs_prices:
            await self._freshness.wait_current(tokens)
        if places or cancels:
            await self._clock.sleep(self._latency.draw_s())
        if path in _QUOTES and any(map(self._freshness.has_no_book, tokens)):
            await clob_error(_NO_BOOK, status=404)(scope, receive, send)
            return
        stale = self._freshness.refusal(tokens) if needs_prices else None
        if stale is not None:
            await clob_error(stale)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _listing(self, receive: Receive) -> Receive:
        """Messages of a client of the market stream, each after the tokens that it names were listed."""

        async def listed() -> Message:
            message = await receive()
            request = _json(message.get("text") or "")
            if isinstance(request, dict) and request.get("operation") != "unsubscribe":
                tokens = [str(token) for token in request.get("assets_ids") or []]
                try:
                    await self._relay.list_tokens(tokens)
                    await self._freshness.wait_current(tokens)
                except PolymarketAPIError:
                    return message  # the stream has no book then, and whoever needs it asks by REST and hears why
            return message

        return listed


def _tokens(path: str, scope: Scope, body: bytes, *, places: bool) -> list[str]:
    """The tokens that a request names; what is malformed names none, and the route says so."""
    if places:
        return _of_orders(_json(body))
    if body:
        items = _json(body)
        items = items if isinstance(items, list) else []
        return [str(item["token_id"]) for item in items if isinstance(item, dict) and "token_id" in item]
    if path in _QUOTES or path in _TERMS:
        query = parse_qs(scope.get("query_string", b"").decode())
        return query.get("token_id", [])[:1]
    return [path.rpartition("/")[2] for prefix in _TERMS if path.startswith(f"{prefix}/")]


def _of_orders(payload: Any) -> list[str]:
    entries = payload if isinstance(payload, list) else [payload]
    orders = [entry.get("order") for entry in entries if isinstance(entry, dict)]
    return [str(order["tokenId"]) for order in orders if isinstance(order, dict) and "tokenId" in order]


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever else the client sends."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return left.pop() if left else await receive()

    return replay
