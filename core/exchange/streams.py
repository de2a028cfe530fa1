"""The market and user streams: who listens to what, and what each is sent."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from .credentials import Credential
from .events import (
    BookChanged,
    ExchangeEvent,
    ExchangeHalted,
    MarketListed,
    MarketResolved,
    OrderChanged,
    TickChanged,
    TradeChanged,
)
from .frames import (
    best_bid_ask_frame,
    book_frame,
    dumps,
    last_trade_frame,
    market_resolved_frame,
    new_market_frame,
    opening_books,
    price_change_frame,
    tick_size_frame,
)
from .ledger import Account
from .payloads import Json, book_payload, order_event, trade_event
from .venue import Exchange

_POLICY_VIOLATION = 1008
_INTERNAL_ERROR = 1011
_TRY_AGAIN_LATER = 1013
_CLOSE_S = 1


@dataclass(slots=True)
class StreamCounts:
    """What was lost to clients that did not keep up: connections closed for it, and frames they never got."""

    slow_readers: int = 0
    dropped_frames: int = 0


class Connection:
    """One client's socket behind a bounded queue. A client that does not keep up is closed rather than given gaps."""

    def __init__(self, websocket: WebSocket, counts: StreamCounts, *, queue_frames: int) -> None:
        self._websocket = websocket
        self._counts = counts
        self._frames: asyncio.Queue[str] = asyncio.Queue(maxsize=queue_frames)
        self._close_code: int | None = None
        self._ended = asyncio.Event()

    def offer(self, frame: str) -> None:
        """Queue a text frame; when the queue is full, give the client up."""
        if self._close_code is not None:
            return
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self._counts.slow_readers += 1
            self._counts.dropped_frames += self._frames.qsize() + 1
            self.close(_TRY_AGAIN_LATER)

    def close(self, code: int) -> None:
        """End the connection, queued frames or not."""
        self._close_code = code
        self._ended.set()

    async def serve(self, handle: Callable[[str], None]) -> None:
        """Send what is offered and hand over what arrives, until either side ends it."""
        await self._websocket.accept()
        tasks = [asyncio.create_task(work) for work in (self._send(), self._receive(handle), self._end())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._close_code is not None:
            # The client may not even read the close frame; then the connection is dropped without it.
            with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._websocket.close(self._close_code)

    async def _end(self) -> None:
        await self._ended.wait()

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                frame = await self._frames.get()
                if self._close_code is not None:
                    return
                await self._websocket.send_text(frame)

    async def _receive(self, handle: Callable[[str], None]) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                text = message.get("text")
                if text == "PING":
                    self.offer("PONG")
                elif text:
                    handle(text)


class MarketConnection(Connection):
    """`tokens` are subscribed; `custom` says whether the optional messages were asked for."""

    def __init__(self, websocket: WebSocket, counts: StreamCounts, *, queue_frames: int) -> None:
        super().__init__(websocket, counts, queue_frames=queue_frames)
        self.tokens: dict[str, None] = {}
        self.custom = False


class UserConnection(Connection):
    """`credential` is set once the first frame proved it; `markets` None means all."""

    def __init__(self, websocket: WebSocket, counts: StreamCounts, *, queue_frames: int) -> None:
        super().__init__(websocket, counts, queue_frames=queue_frames)
        self.credential: Credential | None = None
        self.markets: set[str] | None = None


class StreamHub:
    """All open streams of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._queue_frames = exchange.settings.stream_queue_frames
        self._market: dict[MarketConnection, None] = {}
        self._user: dict[UserConnection, None] = {}
        self.counts = StreamCounts()
        self._books: Callable[[], None] | None = None
        exchange.events.subscribe(
            self._on_event, OrderChanged, TradeChanged, TickChanged, MarketResolved, MarketListed, ExchangeHalted
        )

    # -- connections -------------------------------------------------------------------------------------------------

    async def serve_market(self, websocket: WebSocket) -> None:
        connection = MarketConnection(websocket, self.counts, queue_frames=self._queue_frames)
        if self._books is None:
            self._books = self._exchange.events.subscribe(self._on_event, BookChanged)
        self._market[connection] = None
        try:
            await connection.serve(lambda text: self._market_request(connection, text))
        finally:
            del self._market[connection]
            if not self._market and self._books is not None:
                self._books()
                self._books = None

    async def serve_user(self, websocket: WebSocket) -> None:
        connection = UserConnection(websocket, self.counts, queue_frames=self._queue_frames)
        self._user[connection] = None
        try:
            await connection.serve(lambda text: self._user_request(connection, text))
        finally:
            del self._user[connection]

    def _market_request(self, connection: MarketConnection, text: str) -> None:
        """A first frame or an update. Repeating an asset changes nothing but the custom-feature flag."""
        request = _json_object(text)
        if request is None:
            return
        connection.custom = bool(request.get("custom_feature_enabled", connection.custom))
        tokens = [str(token) for token in request.get("assets_ids") or []]
        if request.get("operation") == "unsubscribe":
            for token in tokens:
                connection.tokens.pop(token, None)
            return
        fresh = [token for token in tokens if token not in connection.tokens]
        connection.tokens.update(dict.fromkeys(fresh))
        if request.get("initial_dump", True) and (fresh or "operation" not in request):
            known = [
                (listing, listing.outcome_of(token))
                for token in fresh
                if (listing := self._exchange.markets.by_token.get(token)) is not None
            ]
            connection.offer(dumps(opening_books(known, now_ms=self._exchange.now_ms)))

    def _user_request(self, connection: UserConnection, text: str) -> None:
        """The first frame must prove an API key; later ones change the markets."""
        request = _json_object(text)
        if connection.credential is None:
            connection.credential = self._proven((request or {}).get("auth"))
            if connection.credential is None:
                connection.close(_POLICY_VIOLATION)
                return
        if request is None:
            return
        markets = request.get("markets")
        if request.get("operation") == "unsubscribe":
            if connection.markets is not None:
                connection.markets.difference_update(markets or ())
        elif markets:
            connection.markets = (connection.markets or set()) | {str(market) for market in markets}

    def _proven(self, auth: Any) -> Credential | None:
        if not isinstance(auth, dict):
            return None
        credential = self._exchange.credentials.find(str(auth.get("apiKey", "")))
        if credential is None:
            return None
        given = f"{auth.get('secret', '')} {auth.get('passphrase', '')}"
        known = f"{credential.secret} {credential.passphrase}"
        return credential if hmac.compare_digest(given.encode(), known.encode()) else None

    # -- events ------------------------------------------------------------------------------------------------------

    def _on_event(self, event: ExchangeEvent) -> None:
        if not self._market and not self._user:
            return
        now_ms = self._exchange.now_ms
        match event:
            case BookChanged():
                self._book_changed(event, now_ms)
            case OrderChanged():
                listeners = self._listeners(event.order.account, event.order.condition_id)
                if event.order.owner and listeners:
                    _offer(listeners, dumps(order_event(event.order, event.listing, kind=event.kind, now_ms=now_ms)))
            case TradeChanged():
                self._trade_changed(event, now_ms)
            case TickChanged():
                for outcome in (0, 1):
                    frame = dumps(tick_size_frame(event.listing, outcome, former=event.former, now_ms=now_ms))
                    _offer(self._watching(event.listing.tokens[outcome]), frame)
            case MarketResolved():
                parent = self._exchange.markets.event_of(event.listing)
                self._announce(market_resolved_frame(event.listing, dict(parent), now_ms=now_ms))
            case MarketListed():
                parent = self._exchange.markets.event_of(event.listing)
                self._announce(new_market_frame(event.listing, dict(parent), now_ms=now_ms))
            case ExchangeHalted():
                # What is queued tells of an event that did not last.
                for connection in (*self._market, *self._user):
                    connection.close(_INTERNAL_ERROR)

    def _book_changed(self, event: BookChanged, now_ms: int) -> None:
        """Live order of frames: price_change, the refreshed books after a trade, then the trades."""
        listing = event.listing
        watching = self._watching(*listing.tokens)
        if not watching:
            return
        books = [book_payload(listing, outcome, now_ms=now_ms) for outcome in (0, 1)]
        hashes = books[0]["hash"], books[1]["hash"]
        if event.levels:
            _offer(watching, dumps(price_change_frame(listing, event.levels, hashes, now_ms=now_ms)))
        if event.trades:
            for book in books:
                _offer(self._watching(book["asset_id"]), dumps(book_frame(book, refresh=True)))
            for trade in event.trades:
                _offer(self._watching(trade.taker.token_id), dumps(last_trade_frame(trade, now_ms=now_ms)))
        if event.best_changed:
            for outcome, token in enumerate(listing.tokens):
                custom = [connection for connection in self._watching(token) if connection.custom]
                if custom:
                    _offer(custom, dumps(best_bid_ask_frame(listing, outcome, now_ms=now_ms)))

    def _trade_changed(self, event: TradeChanged, now_ms: int) -> None:
        trade = event.trade
        accounts = dict.fromkeys(order.account for order, *_ in trade.parts() if order.owner)
        for account in accounts:
            listeners = self._listeners(account, trade.taker.condition_id)
            if listeners:
                _offer(listeners, dumps(trade_event(trade, event.listing, account, now_ms=now_ms)))

    def _announce(self, message: Json) -> None:
        """News of markets go to everyone who asked for custom features, whatever they watch."""
        _offer([connection for connection in self._market if connection.custom], dumps(message))

    def _watching(self, *tokens: str) -> list[MarketConnection]:
        return [connection for connection in self._market if any(token in connection.tokens for token in tokens)]

    def _listeners(self, account: Account, condition_id: str) -> list[UserConnection]:
        return [
            connection
            for connection in self._user
            if connection.credential is not None
            and connection.credential.address == account.address
            and (connection.markets is None or condition_id in connection.markets)
        ]


def _offer(connections: Iterable[Connection], frame: str) -> None:
    for connection in connections:
        connection.offer(frame)


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
