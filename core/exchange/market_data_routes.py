"""Public routes of the order book service: books, quotes, rules of a token."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..money import text
from .listing import Listing
from .payloads import book_payload
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, json_body
from .units import UNIT, price_text
from .venue import Exchange

_MAX_BATCH = 500
_BAD_PAYLOAD = "Invalid payload"
_BAD_TOKEN = "Invalid token id"
_BAD_SIDE = "Invalid side"
_NO_BOOK = "No orderbook exists for the requested token id"
_NO_MARKET = "market not found"


def market_data_routes() -> list[Route]:
    return [
        Route("/", _ok),
        Route("/ok", _ok),
        Route("/time", _time),
        Route("/version", _version),
        Route("/book", _book),
        Route("/books", _books, methods=["POST"]),
        Route("/price", _price),
        Route("/prices", _prices, methods=["POST"]),
        Route("/midpoint", _midpoint),
        Route("/midpoints", _midpoints, methods=["POST"]),
        Route("/spread", _spread),
        Route("/spreads", _spreads, methods=["POST"]),
        Route("/last-trade-price", _last_trade_price),
        Route("/last-trades-prices", _last_trades_prices, methods=["POST"]),
        # Documented as GET too, but live those forms only ever refuse.
        *(
            Route(path, _refuse, methods=["GET"])
            for path in ("/books", "/prices", "/midpoints", "/spreads", "/last-trades-prices")
        ),
        Route("/tick-size", _tick_size),
        Route("/tick-size/{token_id}", _tick_size),
        Route("/neg-risk", _neg_risk),
        Route("/neg-risk/{token_id}", _neg_risk),
        Route("/fee-rate", _fee_rate),
        Route("/fee-rate/{token_id}", _fee_rate),
    ]


async def _ok(request: Request) -> Response:
    return JsonResponse("OK")


async def _time(request: Request) -> Response:
    return JsonResponse(exchange_of(request).now_s)


async def _version(request: Request) -> Response:
    return JsonResponse({"version": 2})


async def _refuse(request: Request) -> Response:
    raise Rejection(_BAD_PAYLOAD)


async def _book(request: Request) -> Response:
    exchange = exchange_of(request)
    listing, outcome = _open_book(exchange, request.query_params.get("token_id"))
    return JsonResponse(book_payload(listing, outcome, now_ms=exchange.now_ms))


async def _books(request: Request) -> Response:
    """Unknown tokens are left out."""
    exchange = exchange_of(request)
    found = _known_books(exchange, await _batch(request))
    return JsonResponse([book_payload(listing, outcome, now_ms=exchange.now_ms) for _, listing, outcome in found])


async def _price(request: Request) -> Response:
    """BUY is the best bid and SELL the best ask, as live."""
    exchange = exchange_of(request)
    listing, outcome = _open_book(exchange, request.query_params.get("token_id"))
    side = request.query_params.get("side", "").upper()
    if side not in ("BUY", "SELL"):
        raise Rejection(_BAD_SIDE)
    bid, ask = _quotes(exchange, listing, outcome)
    return JsonResponse({"price": price_text(bid if side == "BUY" else ask)})


async def _prices(request: Request) -> Response:
    """An item without a side answers SELL."""
    exchange = exchange_of(request)
    answer: dict[str, dict[str, str]] = {}
    for item, listing, outcome in _known_books(exchange, await _batch(request)):
        side = str(item.get("side") or "SELL").upper()
        if side not in ("BUY", "SELL"):
            raise Rejection(_BAD_SIDE)
        bid, ask = _quotes(exchange, listing, outcome)
        answer.setdefault(item["token_id"], {})[side] = price_text(bid if side == "BUY" else ask)
    return JsonResponse(answer)


async def _midpoint(request: Request) -> Response:
    return _quote(request, "mid", _midpoint_text)


async def _midpoints(request: Request) -> Response:
    return await _quote_batch(request, _midpoint_text)


async def _spread(request: Request) -> Response:
    return _quote(request, "spread", _spread_text)


async def _spreads(request: Request) -> Response:
    return await _quote_batch(request, _spread_text)


async def _last_trade_price(request: Request) -> Response:
    exchange = exchange_of(request)
    token_id = _token_id(request.query_params.get("token_id"))
    listing = exchange.markets.by_token.get(token_id)
    price, side = _last_trade(listing, token_id) if listing else ("0.5", "")
    return JsonResponse({"price": price, "side": side})


async def _last_trades_prices(request: Request) -> Response:
    """Tokens that never traded are left out."""
    exchange = exchange_of(request)
    answer = []
    for item in await _batch(request):
        listing = exchange.markets.by_token.get(item["token_id"])
        if listing is not None and listing.last_trade is not None:
            price, side = _last_trade(listing, item["token_id"])
            answer.append({"token_id": item["token_id"], "price": price, "side": side})
    return JsonResponse(answer)


async def _tick_size(request: Request) -> Response:
    return JsonResponse({"minimum_tick_size": float(_listing(request).tick_decimal)})


async def _neg_risk(request: Request) -> Response:
    return JsonResponse({"neg_risk": _listing(request).neg_risk})


async def _fee_rate(request: Request) -> Response:
    """The legacy base fee, which is not what is charged."""
    listing = _listing(request, missing="fee rate not found for market")
    return JsonResponse({"base_fee": int(listing.recorded.clob.get("tbf", 0))})


def _quote(request: Request, name: str, value: Callable[[int, int], str]) -> Response:
    exchange = exchange_of(request)
    listing, outcome = _open_book(exchange, request.query_params.get("token_id"))
    return JsonResponse({name: value(*_quotes(exchange, listing, outcome))})


async def _quote_batch(request: Request, value: Callable[[int, int], str]) -> Response:
    exchange = exchange_of(request)
    found = _known_books(exchange, await _batch(request))
    return JsonResponse(
        {item["token_id"]: value(*_quotes(exchange, listing, outcome)) for item, listing, outcome in found}
    )


def _midpoint_text(bid: int, ask: int) -> str:
    return text(Decimal(bid + ask) / (2 * UNIT))


def _spread_text(bid: int, ask: int) -> str:
    return price_text(ask - bid)


def _quotes(exchange: Exchange, listing: Listing, outcome: int) -> tuple[int, int]:
    """Best bid and ask. Raises Rejection where an empty side counts as no book."""
    bid, ask = listing.book.best_for(outcome)
    if exchange.settings.empty_side_quotes == "not_found" and (bid is None or ask is None):
        raise Rejection(_NO_BOOK, status=404)
    return bid or 0, UNIT if ask is None else ask


def _last_trade(listing: Listing, token_id: str) -> tuple[str, str]:
    """The market's last trade as seen from one token: a trade of the other one is mirrored."""
    last = listing.last_trade
    if last is None:
        return "0.5", ""
    if last.outcome == listing.outcome_of(token_id):
        return price_text(last.price), last.side
    return price_text(UNIT - last.price), "SELL" if last.side == "BUY" else "BUY"


def _token_id(given: object) -> str:
    if not isinstance(given, str) or not given.isascii() or not given.isdigit():
        raise Rejection(_BAD_TOKEN)
    return given


def _open_book(exchange: Exchange, token_id: str | None) -> tuple[Listing, int]:
    """The market and outcome of a token that trades. Raises Rejection."""
    known = _token_id(token_id)
    listing = exchange.markets.by_token.get(known)
    if listing is None or listing.closed:
        raise Rejection(_NO_BOOK, status=404)
    return listing, listing.outcome_of(known)


def _listing(request: Request, *, missing: str = _NO_MARKET) -> Listing:
    token_id = _token_id(request.path_params.get("token_id") or request.query_params.get("token_id"))
    listing = exchange_of(request).markets.by_token.get(token_id)
    if listing is None:
        raise Rejection(missing, status=404)
    return listing


async def _batch(request: Request) -> list[dict[str, Any]]:
    """The items of a batch request, each with a `token_id`. Raises Rejection."""
    items = await json_body(request, error=_BAD_PAYLOAD)
    if not isinstance(items, list) or not items:
        raise Rejection(_BAD_PAYLOAD)
    if len(items) > _MAX_BATCH:
        raise Rejection("Payload exceeds the limit")
    if not all(isinstance(item, dict) and isinstance(item.get("token_id"), str) for item in items):
        raise Rejection(_BAD_PAYLOAD)
    return items


def _known_books(exchange: Exchange, items: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Listing, int]]:
    found = []
    for item in items:
        listing = exchange.markets.by_token.get(item["token_id"])
        if listing is not None and not listing.closed:
            found.append((item, listing, listing.outcome_of(item["token_id"])))
    return found
