"""The real-time data service's stand-in: prices of coins, with the past in the first frame and one a second after."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.websockets import WebSocket

from .frames import dumps
from .simulated_prices import SYMBOLS, SimulatedPrices
from .streams import Connection, StreamCounts
from .venue import Exchange

_TOPIC = "crypto_prices"
_EVERY_S = 1.0


class LiveData:
    """Connections of one exchange to its prices of coins."""

    def __init__(self, exchange: Exchange, counts: StreamCounts) -> None:
        self._exchange = exchange
        self._counts = counts
        first_minute = exchange.now_s // 60 - exchange.settings.live_data_history_min
        self._prices = SimulatedPrices(seed=exchange.settings.seed, first_minute=first_minute)

    async def serve(self, websocket: WebSocket) -> None:
        connection = Connection(websocket, self._counts, queue_frames=self._exchange.settings.stream_queue_frames)
        symbols: dict[str, None] = {}
        telling = asyncio.create_task(self._tell(connection, symbols), name="prices of coins")
        try:
            await connection.serve(lambda text: self._request(connection, symbols, text))
        finally:
            telling.cancel()

    def _request(self, connection: Connection, symbols: dict[str, None], text: str) -> None:
        for symbol, wanted in _asked(text):
            if not wanted:
                symbols.pop(symbol, None)
            elif symbol not in symbols:
                symbols[symbol] = None
                connection.offer(self._history(symbol))

    async def _tell(self, connection: Connection, symbols: dict[str, None]) -> None:
        while True:
            await self._exchange.clock.sleep(_EVERY_S)
            for symbol in symbols:
                payload = {"symbol": symbol} | self._point(symbol, self._exchange.now_ms)
                connection.offer(self._frame("update", payload))

    def _history(self, symbol: str) -> str:
        now_ms = self._exchange.now_ms
        minutes = range(self._prices.first_minute, now_ms // 60_000 + 1)
        data = [self._point(symbol, minute * 60_000) for minute in minutes]
        return self._frame("subscribe", {"symbol": symbol, "data": [*data, self._point(symbol, now_ms)]})

    def _point(self, symbol: str, at_ms: int) -> dict[str, Any]:
        return {"timestamp": at_ms, "value": self._prices.at(symbol, at_ms / 1000)}

    def _frame(self, kind: str, payload: dict[str, Any]) -> str:
        return dumps({"topic": _TOPIC, "type": kind, "timestamp": self._exchange.now_ms, "payload": payload})


def _asked(text: str) -> list[tuple[str, bool]]:
    """Symbols, and whether they are wanted from now on. What is no request for prices of coins is passed over."""
    try:
        request: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(request, dict) or request.get("action") not in ("subscribe", "unsubscribe"):
        return []
    listed = request.get("subscriptions")
    found: list[tuple[str, bool]] = []
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("topic") == _TOPIC:
            named = str(each.get("filters") or ",".join(SYMBOLS)).lower().split(",")
            found += [(symbol, request["action"] == "subscribe") for symbol in named if symbol in SYMBOLS]
    return found
