"""Routes of the order book service that answer prices over time: histories, batches of them, candles."""

from __future__ import annotations

from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .history import parse_window
from .payloads import Json
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, json_body
from .venue import Exchange

_MAX_HISTORY_BATCH = 20
_MAX_CANDLES = 1000
_BAD_PAYLOAD = "Invalid payload"
_CANDLE_S = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "4h": 4 * 3600,
    "1d": 86_400,
    "1w": 7 * 86_400,
}


def history_routes() -> list[Route]:
    return [
        Route("/prices-history", _prices_history),
        Route("/batch-prices-history", _batch_prices_history, methods=["POST"]),
        Route("/ohlc", _ohlc),
    ]


async def _prices_history(request: Request) -> Response:
    exchange = exchange_of(request)
    query = request.query_params
    token_id = query.get("market")
    if not token_id:
        raise Rejection("invalid filters: the 'market' (asset id) is mandatory")
    window = {name: query.get(name) for name in ("interval", "startTs", "endTs", "fidelity")}
    return JsonResponse({"history": _history(exchange, token_id, window)})


async def _batch_prices_history(request: Request) -> Response:
    exchange = exchange_of(request)
    body = await json_body(request, error=_BAD_PAYLOAD)
    tokens = body.get("markets") if isinstance(body, dict) else None
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, str) for token in tokens):
        raise Rejection(_BAD_PAYLOAD)
    if len(tokens) > _MAX_HISTORY_BATCH:
        raise Rejection("Payload exceeds the limit")
    given = {"interval": "interval", "startTs": "start_ts", "endTs": "end_ts", "fidelity": "fidelity"}
    window = {name: None if body.get(key) is None else str(body[key]) for name, key in given.items()}
    return JsonResponse({"history": {token_id: _history(exchange, token_id, window) for token_id in tokens}})


def _history(exchange: Exchange, token_id: str, window: dict[str, str | None]) -> list[Json]:
    now = exchange.now_s
    wanted = parse_window(
        interval=window["interval"],
        start=window["startTs"],
        end=window["endTs"],
        fidelity=window["fidelity"],
        now=now,
    )
    listing = exchange.markets.by_token.get(token_id)
    if listing is None:
        return []
    points = wanted.of(listing.history, now=now, closed=listing.closed)
    if listing.outcome_of(token_id) == 1:
        points = [(at, 1 - price) for at, price in points]
    return [{"t": at, "p": float(price)} for at, price in points]


async def _ohlc(request: Request) -> Response:
    """The request and its refusals are documented, the answer is not: candles of the midpoint under `data`."""
    exchange = exchange_of(request)
    query = request.query_params
    start, token_id, fidelity = query.get("startTs"), query.get("asset_id"), query.get("fidelity", "1m")
    if not start:
        raise Rejection("startTs is required")
    if not token_id:
        raise Rejection("asset_id is required")
    if fidelity not in _CANDLE_S:
        raise Rejection(f"invalid fidelity: {fidelity}")
    try:
        begin, limit = int(start), int(query.get("limit", _MAX_CANDLES))
    except ValueError as error:
        raise Rejection("startTs and limit must be numbers") from error
    if limit > _MAX_CANDLES:
        raise Rejection(f"limit cannot exceed {_MAX_CANDLES}")
    listing = exchange.markets.by_token.get(token_id)
    if listing is None:
        return JsonResponse({"data": []})
    candles = listing.history.candles(begin, exchange.now_s, step_s=_CANDLE_S[fidelity], most=limit)
    if listing.outcome_of(token_id) == 1:
        candles = [(at, tuple(1 - prices[index] for index in (0, 2, 1, 3))) for at, prices in candles]
    return JsonResponse({"data": [_candle(at, prices) for at, prices in candles]})


def _candle(at: int, prices: tuple[Decimal, ...]) -> Json:
    return {"t": at, **{name: float(price) for name, price in zip("ohlc", prices, strict=True)}}
