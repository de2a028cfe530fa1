"""A venue with a market channel and books by REST, on this machine, whose channel misbehaves when told to."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from polydesk.core.clock import ManualClock
from polydesk.core.errors import VenueUnavailable
from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import OrderBook, PriceLevel
from polydesk.core.polymarket.environments import Environment, environment_at

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def condition_of(token_id: str) -> str:
    return f"0x{token_id:0>64}"


@dataclass
class VenueBook:
    """Levels by price text, as the venue knows them."""

    bids: dict[str, str] = field(default_factory=lambda: {"0.48": "100", "0.4": "2000.5"})
    asks: dict[str, str] = field(default_factory=lambda: {"0.52": "150", "0.6": "1000"})
    tick: str = "0.01"
    stamp: int = int(NOW.timestamp() * 1000)

    @property
    def best(self) -> tuple[str, str]:
        return max(self.bids, key=Decimal, default="0"), min(self.asks, key=Decimal, default="1")

    @property
    def hash(self) -> str:
        return hashlib.sha1(repr((self.bids, self.asks, self.stamp)).encode()).hexdigest()


class BookVenue:
    """Every change of a book is told to all who subscribed; `frozen` connections answer pings and say nothing else.

    `mangle` turns one frame about to be sent into the frames that are sent instead.
    """

    def __init__(self) -> None:
        self.books: dict[str, VenueBook] = {}
        self.frozen = False
        self.rest_fails = False
        self.mangle: Callable[[str], Iterable[str]] = lambda frame: (frame,)
        self.heard: list[dict[str, Any]] = []
        self.fetched: list[tuple[str, ...]] = []
        self.subscriptions: dict[ServerConnection, set[str]] = {}
        self._server: Server | None = None

    @staticmethod
    def new_book() -> VenueBook:
        return VenueBook()

    async def start(self) -> None:
        self._server = await serve(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def environment(self) -> Environment:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        return environment_at(
            "books", clob_url=url, gamma_url=url, data_url=url, ws_url=f"ws://127.0.0.1:{port}/ws", chain_id=137
        )

    async def change(self, token_id: str, side: str, price: str, size: str) -> None:
        """Change one level and tell it."""
        await self.send(self.change_frame(token_id, side, price, size), token_id)

    def change_frame(self, token_id: str, side: str, price: str, size: str) -> str:
        """Change one level; the caller decides what becomes of the frame."""
        book = self.books[token_id]
        levels = book.bids if side == "BUY" else book.asks
        if size == "0":
            levels.pop(price, None)
        else:
            levels[price] = size
        book.stamp += 1
        best_bid, best_ask = book.best
        row = {"asset_id": token_id, "price": price, "size": size, "side": side, "hash": book.hash}
        return json.dumps(
            {
                "market": condition_of(token_id),
                "price_changes": [{**row, "best_bid": best_bid, "best_ask": best_ask}],
                "timestamp": str(book.stamp),
                "event_type": "price_change",
            }
        )

    def book_frame(self, token_id: str) -> dict[str, Any]:
        book = self.books[token_id]
        return {
            "market": condition_of(token_id),
            "asset_id": token_id,
            "timestamp": str(book.stamp),
            "hash": book.hash,
            "bids": [{"price": price, "size": size} for price, size in book.bids.items()],
            "asks": [{"price": price, "size": size} for price, size in book.asks.items()],
            "tick_size": book.tick,
            "event_type": "book",
            "last_trade_price": "",
        }

    async def send(self, frame: str, token_id: str) -> None:
        """Send a frame to those who follow the token, as far as the channel works."""
        for connection, tokens in list(self.subscriptions.items()):
            if token_id in tokens and not self.frozen:
                for sent in self.mangle(frame):
                    await connection.send(sent)

    async def disconnect(self) -> None:
        for connection in list(self.subscriptions):
            await connection.close()

    async def fetch(self, token_ids: Sequence[TokenId]) -> dict[TokenId, OrderBook]:
        """The books as REST tells them."""
        self.fetched.append(tuple(token_ids))
        if self.rest_fails:
            raise VenueUnavailable("REST is down too")
        return {token_id: self.order_book(token_id) for token_id in token_ids if token_id in self.books}

    def order_book(self, token_id: TokenId) -> OrderBook:
        book = self.books[token_id]

        def levels(side: dict[str, str], *, best_high: bool) -> tuple[PriceLevel, ...]:
            ordered = sorted(side.items(), key=lambda level: Decimal(level[0]), reverse=best_high)
            return tuple(PriceLevel(Decimal(price), Decimal(size)) for price, size in ordered)

        return OrderBook(
            market_id=ConditionId(condition_of(token_id)),
            token_id=token_id,
            bids=levels(book.bids, best_high=True),
            asks=levels(book.asks, best_high=False),
            timestamp=datetime.fromtimestamp(book.stamp / 1000, UTC),
            received_at=NOW,
            tick=Decimal(book.tick),
            min_size=Decimal(5),
            neg_risk=False,
            last_trade_price=None,
            hash=book.hash,
        )

    async def _serve(self, connection: ServerConnection) -> None:
        tokens: set[str] = set()
        self.subscriptions[connection] = tokens
        try:
            async for frame in connection:
                if frame == "PING":
                    await connection.send("PONG")
                    continue
                request = json.loads(frame)
                self.heard.append(request)
                if request.get("operation") == "unsubscribe":
                    tokens.difference_update(request["assets_ids"])
                    continue
                fresh = [token for token in request["assets_ids"] if token not in tokens]
                tokens.update(fresh)
                if not self.frozen:
                    await connection.send(json.dumps([self.book_frame(each) for each in fresh if each in self.books]))
        finally:
            del self.subscriptions[connection]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def venue() -> AsyncIterator[BookVenue]:
    scripted = BookVenue()
    await scripted.start()
    yield scripted
    await scripted.stop()


class Patience:
    """Lets time pass, on the desk's clock and for sockets, until something is so; a test that hangs fails."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    async def until(self, condition: Callable[[], bool], *, limit_s: float = 120) -> float:
        """Seconds of the desk's time until `condition` held."""
        started = self._clock.now()
        while not condition():
            passed = (self._clock.now() - started).total_seconds()
            assert passed < limit_s, f"nothing came of it in {passed} s"
            await self._clock.advance(0.5)
            await self.sockets()
        return (self._clock.now() - started).total_seconds()

    async def at_once(self, condition: Callable[[], bool]) -> None:
        """The same without any time passing on the desk's clock."""
        async with asyncio.timeout(10):
            while not condition():
                await self.sockets()

    @staticmethod
    async def sockets() -> None:
        """Let what is on its way between sockets of this process arrive."""
        for _ in range(10):
            await asyncio.sleep(0.0005)


@pytest.fixture
def patience(clock: ManualClock) -> Patience:
    return Patience(clock)
