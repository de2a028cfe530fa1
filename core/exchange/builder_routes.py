"""Routes of builders: their keys, the trades of orders that carried their code, and their fees, which are none."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from ..money import from_micro, text
from .authentication import authenticated
from .payloads import Json
from .rejections import UNAUTHORIZED, Rejection
from .responses import JsonResponse, exchange_of, page_payload
from .trades import Trade
from .units import amount_text, price_text
from .venue import Exchange

_PAGE = 300


def builder_routes() -> list[Route]:
    return [
        Route("/auth/builder-api-key", _create, methods=["POST"]),
        Route("/auth/builder-api-key", _list, methods=["GET"]),
        Route("/auth/builder-api-key", _revoke, methods=["DELETE"]),
        Route("/builder/trades", _trades),
        Route("/fees/builder-fees/{code}", _fees),
    ]


async def _create(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    with exchange.transaction():
        made = exchange.builders.create_key(credential.address, exchange.now_ms)
    return JsonResponse({"key": made.key, "secret": made.secret, "passphrase": made.passphrase})


async def _list(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    rows = [
        {"key": key.key, "createdAt": key.created_at_ms, "revokedAt": key.revoked_at_ms}
        for key in exchange.builders.keys_of(credential.address)
    ]
    return JsonResponse(rows)


async def _revoke(request: Request) -> Response:
    """A builder key revokes itself; an API key revokes the latest builder key of its address."""
    exchange = exchange_of(request)
    if "poly_builder_api_key" in request.headers:
        key = exchange.builders.proven(
            dict(request.headers),
            method=request.method,
            path=request.scope["path"].removeprefix(request.scope.get("root_path", "")),
            body=await request.body(),
        )
        if key is None:
            raise Rejection(UNAUTHORIZED, status=401)
    else:
        credential = await authenticated(request, exchange)
        active = [key for key in exchange.builders.keys_of(credential.address) if key.revoked_at_ms is None]
        if not active:
            raise Rejection("Could not delete API key")
        key = active[-1]
    with exchange.transaction():
        exchange.builders.revoke(key, exchange.now_ms)
    return JsonResponse("OK")


async def _trades(request: Request) -> Response:
    """Of the takers that carried the code, newest first."""
    exchange, query = exchange_of(request), request.query_params
    code = (query.get("builder_code") or query.get("builder") or "").lower()
    if not is_hash32(code):
        raise Rejection("Invalid builder code")
    rows = [
        _trade_row(exchange, trade, code)
        for trade in reversed(exchange.registry.trades.values())
        if exchange.builders.code_of(trade.taker.id) == code and _asked(trade, query)
    ]
    return JsonResponse(page_payload(rows, query.get("next_cursor"), size=_PAGE))


async def _fees(request: Request) -> Response:
    if not is_hash32(request.path_params["code"]):
        raise Rejection("builder fee rate not found", status=404)
    return JsonResponse({"builder_maker_fee_rate_bps": 0, "builder_taker_fee_rate_bps": 0})


def _asked(trade: Trade, query: Any) -> bool:
    at_s = trade.matched_at_ms // 1000
    try:
        return (
            (not query.get("id") or trade.id == query["id"])
            and (not query.get("market") or trade.taker.condition_id == query["market"])
            and (not query.get("asset_id") or trade.taker.token_id == query["asset_id"])
            and (not query.get("before") or at_s < int(query["before"]))
            and (not query.get("after") or at_s > int(query["after"]))
        )
    except ValueError as error:
        raise Rejection("Invalid trade params payload") from error


def _trade_row(exchange: Exchange, trade: Trade, code: str) -> Json:
    taker = trade.taker
    listing = exchange.markets.by_condition[taker.condition_id]
    fee = text(from_micro(trade.fee))
    return {
        "id": trade.id,
        "tradeType": "TAKER",
        "takerOrderHash": taker.id,
        "builder": code,
        "market": taker.condition_id,
        "assetId": taker.token_id,
        "side": taker.side,
        "size": amount_text(trade.shares),
        "sizeUsdc": amount_text(trade.cash),
        "price": price_text(trade.price),
        "status": trade.status,
        "outcome": listing.outcomes[taker.outcome],
        "outcomeIndex": taker.outcome,
        "owner": taker.owner,
        "maker": taker.maker_address,
        "transactionHash": trade.transaction_hash,
        "matchTime": str(trade.matched_at_ms // 1000),
        "bucketIndex": trade.bucket_index,
        "fee": fee,
        "feeUsdc": fee,
        "err_msg": None,
        "createdAt": str(trade.matched_at_ms // 1000),
        "updatedAt": str(trade.updated_at_ms // 1000),
    }
