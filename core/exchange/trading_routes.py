"""Routes that place, cancel and report an account's orders, and its trades and balances."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from .authentication import authenticated
from .book import Order
from .contracts import COLLATERAL, OUTCOME_TOKENS, SPENDERS
from .credentials import Credential
from .ledger import Account
from .order_entry import OrderRequest, check_sender, parse_order_request, place_order
from .payloads import Json, open_order_payload, trade_payload
from .rejections import (
    BAD_ORDER_ID,
    BAD_PAYLOAD,
    MATCH_DELAYED,
    ORDER_NOT_FOUND,
    LedgerUnavailable,
    Rejection,
    too_many_cancels,
    too_many_orders,
)
from .responses import JsonResponse, cursor_page, exchange_of, json_body, page_payload
from .trades import Trade
from .trading import Entry
from .units import amount_text
from .venue import Exchange

_PAGE = 100
Outcome = Entry | Rejection


def trading_routes() -> list[Route]:
    return [
        Route("/order", _post_order, methods=["POST"]),
        Route("/order", _cancel_order, methods=["DELETE"]),
        Route("/orders", _post_orders, methods=["POST"]),
        Route("/orders", _cancel_orders, methods=["DELETE"]),
        Route("/cancel-all", _cancel_all, methods=["DELETE"]),
        Route("/cancel-market-orders", _cancel_market_orders, methods=["DELETE"]),
        Route("/data/order/{order_id}", _get_order, methods=["GET"]),
        Route("/data/orders", _get_orders, methods=["GET"]),
        Route("/data/pre-migration-orders", _get_pre_migration_orders, methods=["GET"]),
        Route("/data/trades", _get_trades, methods=["GET"]),
        Route("/balance-allowance", _balance, methods=["GET"]),
        Route("/balance-allowance/update", _update_balance, methods=["GET"]),
    ]


async def _post_order(request: Request) -> Response:
    exchange = exchange_of(request)
    exchange.controls.check_region()
    credential = await authenticated(request, exchange)
    order_request = parse_order_request(await json_body(request, error=BAD_PAYLOAD))
    with exchange.transaction():
        placed = _placed(exchange, order_request, credential)
    entry = await _ended(placed, exchange)
    if isinstance(entry, Rejection):
        raise entry
    return JsonResponse(_entry_payload(entry))


async def _post_orders(request: Request) -> Response:
    """Not atomic: each order is accepted or refused by itself; an error of shape or of the sender refuses them all."""
    exchange = exchange_of(request)
    exchange.controls.check_region()
    credential = await authenticated(request, exchange)
    bodies = await json_body(request, error=BAD_PAYLOAD)
    if not isinstance(bodies, list) or not bodies:
        raise Rejection(BAD_PAYLOAD)
    if len(bodies) > exchange.settings.max_batch_orders:
        raise too_many_orders(len(bodies), exchange.settings.max_batch_orders)
    requests = [parse_order_request(body) for body in bodies]
    for order_request in requests:
        check_sender(exchange, order_request, credential)
    with exchange.transaction():
        placed = [_placed(exchange, order_request, credential) for order_request in requests]
    entries = [await _ended(each, exchange) for each in placed]
    return JsonResponse(
        [_refused_payload(each) if isinstance(each, Rejection) else _entry_payload(each) for each in entries]
    )


def _placed(exchange: Exchange, order: OrderRequest, credential: Credential) -> Outcome | asyncio.Future[Outcome]:
    """What became of an order, or will have, where a fast market delays the answer."""
    try:
        entry = place_order(exchange, order, credential)
    except Rejection as rejection:
        return rejection
    if entry.status == "delayed" and exchange.markets.by_token[entry.order.token_id].taker_delay:
        return exchange.trading.delayed.outcome(entry.order)
    return entry


async def _ended(placed: Outcome | asyncio.Future[Outcome], exchange: Exchange) -> Outcome:
    """Raises LedgerUnavailable where the exchange halted before the end of a delay was stored."""
    if not isinstance(placed, asyncio.Future):
        return placed
    outcome = await placed
    if exchange.halted is not None:
        raise LedgerUnavailable(exchange.halted)
    return outcome


def _entry_payload(entry: Entry) -> Json:
    traded = bool(entry.trades)
    nothing = "0" if entry.status == "delayed" else ""
    given, taken = (entry.cash, entry.shares) if entry.order.side == "BUY" else (entry.shares, entry.cash)
    return {
        "success": True,
        "errorMsg": "",
        "orderID": entry.order.id,
        "status": entry.status,
        "makingAmount": amount_text(given) if traded else nothing,
        "takingAmount": amount_text(taken) if traded else nothing,
        "transactionsHashes": [trade.transaction_hash for trade in entry.trades if trade.transaction_hash],
        "tradeIDs": [trade.id for trade in entry.trades],
    }


def _refused_payload(rejection: Rejection) -> Json:
    """An entry of a batch is refused by its message and its empty id, while `success` stays true."""
    return {
        "success": True,
        "errorMsg": rejection.text,
        "orderID": "",
        "status": "",
        "makingAmount": "",
        "takingAmount": "",
        "transactionsHashes": [],
        "tradeIDs": [],
    }


async def _cancel_order(request: Request) -> Response:
    exchange = exchange_of(request)
    account = await _account(request, exchange)
    body = await json_body(request, error=BAD_PAYLOAD)
    if not isinstance(body, dict) or "orderID" not in body:
        raise Rejection(BAD_PAYLOAD)
    return _cancel_by_id(exchange, account, [body["orderID"]])


async def _cancel_orders(request: Request) -> Response:
    exchange = exchange_of(request)
    account = await _account(request, exchange)
    ids = await json_body(request, error=BAD_PAYLOAD)
    if not isinstance(ids, list) or not ids:
        raise Rejection(BAD_PAYLOAD)
    if len(ids) > exchange.settings.max_batch_cancels:
        raise too_many_cancels(exchange.settings.max_batch_cancels)
    return _cancel_by_id(exchange, account, ids)


async def _cancel_all(request: Request) -> Response:
    exchange = exchange_of(request)
    return _cancel(exchange, exchange.registry.open_orders(await _account(request, exchange)))


async def _cancel_market_orders(request: Request) -> Response:
    exchange = exchange_of(request)
    account = await _account(request, exchange)
    body = await json_body(request, error=BAD_PAYLOAD)
    if not isinstance(body, dict) or not (body.get("market") or body.get("asset_id")):
        raise Rejection(BAD_PAYLOAD)
    chosen = _matching(exchange.registry.open_orders(account), market=body.get("market"), asset_id=body.get("asset_id"))
    return _cancel(exchange, chosen)


def _cancel_by_id(exchange: Exchange, account: Account, ids: list[Any]) -> Response:
    found: list[Order] = []
    reasons: dict[str, str] = {}
    for order_id in dict.fromkeys(_order_id(given) for given in ids):
        order = exchange.registry.orders.get(order_id.lower())
        if order is None or order.account is not account:
            reasons[order_id] = "Order not found or already canceled"
        elif order.open_size:
            found.append(order)
        elif order.status == "MATCHED":
            reasons[order_id] = "Order already matched"
        elif order.status == "DELAYED":
            reasons[order_id] = MATCH_DELAYED
        else:
            reasons[order_id] = "Order not found or already canceled"
    return _cancel(exchange, found, reasons)


def _cancel(exchange: Exchange, orders: list[Order], reasons: dict[str, str] | None = None) -> Response:
    exchange.trading.cancel_many(orders)
    return JsonResponse({"canceled": [order.id for order in orders], "not_canceled": reasons or {}})


async def _get_order(request: Request) -> Response:
    exchange = exchange_of(request)
    account = await _account(request, exchange)
    order = exchange.registry.orders.get(_order_id(request.path_params["order_id"]).lower())
    if order is None or order.account is not account:
        raise Rejection(ORDER_NOT_FOUND, status=404)
    return JsonResponse(open_order_payload(order, exchange.markets.by_condition[order.condition_id]))


async def _get_orders(request: Request) -> Response:
    """Those that rest, then those that wait before they may match."""
    exchange = exchange_of(request)
    account = await _account(request, exchange)
    query = request.query_params
    waiting = [exchange.registry.orders[order_id] for order_id in exchange.trading.delayed.waiting]
    known = [*exchange.registry.open_orders(account), *(order for order in waiting if order.account is account)]
    orders = _matching(known, market=query.get("market"), asset_id=query.get("asset_id"))
    if query.get("id"):
        orders = [order for order in orders if order.id == query["id"].lower()]
    page, following = cursor_page(orders, query.get("next_cursor"), size=_PAGE)
    rows = [open_order_payload(order, exchange.markets.by_condition[order.condition_id]) for order in page]
    return JsonResponse({"limit": _PAGE, "count": len(rows), "next_cursor": following, "data": rows})


async def _get_pre_migration_orders(request: Request) -> Response:
    """Orders of the protocol before this one; there are none."""
    await _account(request, exchange_of(request))
    return JsonResponse(page_payload([], request.query_params.get("next_cursor"), size=_PAGE))


async def _get_trades(request: Request) -> Response:
    """Newest first. `before` and `after` are unix seconds of the match."""
    exchange = exchange_of(request)
    account = await _account(request, exchange)
    query = request.query_params
    try:
        before = int(query["before"]) if query.get("before") else None
        after = int(query["after"]) if query.get("after") else None
    except ValueError as error:
        raise Rejection("Invalid trade params payload") from error
    trade_id, market, token_id = query.get("id"), query.get("market"), query.get("asset_id")
    chosen = []
    for trade in reversed(exchange.registry.trades_of(account)):
        if after is not None and trade.matched_at_ms < (after + 1) * 1000:
            break  # all others matched even earlier
        if (
            (not trade_id or trade.id == trade_id)
            and (not market or trade.taker.condition_id == market)
            and (not token_id or token_id in _own_tokens(trade, account))
            and (before is None or trade.matched_at_ms < before * 1000)
        ):
            chosen.append(trade)
    page, following = cursor_page(chosen, query.get("next_cursor"), size=_PAGE)
    rows = [trade_payload(trade, exchange.markets.by_condition[trade.taker.condition_id], account) for trade in page]
    return JsonResponse({"limit": _PAGE, "count": len(rows), "next_cursor": following, "data": rows})


def _own_tokens(trade: Trade, account: Account) -> list[str]:
    return [order.token_id for order, *_ in trade.parts() if order.account is account]


async def _balance(request: Request) -> Response:
    exchange = exchange_of(request)
    account = await _account(request, exchange)
    query = request.query_params
    kind = query.get("asset_type")
    if kind not in ("COLLATERAL", "CONDITIONAL", "CONDITIONAL-V2"):
        raise Rejection("Invalid asset type")
    if query.get("signature_type", "0") not in ("0", "1", "2", "3"):
        raise Rejection("Invalid signature_type")
    remembered = exchange.controls.remembered_balance(account.address)
    cash = account.cash if remembered is None else remembered
    balance = cash if kind == "COLLATERAL" else account.shares(query.get("token_id", ""))
    token = COLLATERAL if kind == "COLLATERAL" else OUTCOME_TOKENS
    allowances = {spender: str(exchange.approvals.amount(account.address, token, spender)) for spender in SPENDERS}
    return JsonResponse({"balance": str(balance), "allowances": allowances})


async def _update_balance(request: Request) -> Response:
    """Balances are not cached here, unless the operator has the exchange remember an old one."""
    exchange = exchange_of(request)
    exchange.controls.look_again((await _account(request, exchange)).address)
    return JsonResponse("")


async def _account(request: Request, exchange: Exchange) -> Account:
    credential: Credential = await authenticated(request, exchange)
    return exchange.accounts.open_account(credential.address)


def _order_id(given: object) -> str:
    if not isinstance(given, str) or not is_hash32(given):
        raise Rejection(BAD_ORDER_ID)
    return given


def _matching(orders: list[Order], *, market: str | None, asset_id: str | None) -> list[Order]:
    return [
        order
        for order in orders
        if (not market or order.condition_id == market) and (not asset_id or order.token_id == asset_id)
    ]
