"""Routes of the liquidity programme: scores of orders, programmes of markets, shares of accounts.

The exchange computes who would earn and pays nothing, so earnings are empty lists.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..identifiers import is_hash32
from .authentication import authenticated
from .listing import Listing
from .payloads import Json
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, json_body, page_payload
from .rewards import Programme, is_scoring, programme_of, reward_share
from .units import amount_number
from .venue import Exchange

_PROGRAMMES_PAGE = 500
_EARNINGS_PAGE = 100
_BAD_ORDER = "Invalid order_id"
_FAR_FUTURE = "2500-12-31"


def reward_routes() -> list[Route]:
    return [
        Route("/order-scoring", _order_scoring),
        Route("/orders-scoring", _orders_scoring, methods=["POST"]),
        Route("/rewards/markets/current", _programmes),
        Route("/rewards/markets/{condition_id}", _programme),
        Route("/rewards/user", _earnings),
        Route("/rewards/user/total", _totals),
        Route("/rewards/user/percentages", _percentages),
    ]


async def _order_scoring(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    scoring = _scoring(exchange, credential.address, request.query_params.get("order_id"))
    return JsonResponse({"scoring": scoring})


async def _orders_scoring(request: Request) -> Response:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    order_ids = await json_body(request, error=_BAD_ORDER)
    if not isinstance(order_ids, list):
        raise Rejection(_BAD_ORDER)
    return JsonResponse({order_id: _scoring(exchange, credential.address, order_id) for order_id in order_ids})


async def _programmes(request: Request) -> Response:
    exchange = exchange_of(request)
    rows = []
    for listing in exchange.listings:
        programme = programme_of(listing)
        if programme is not None and not listing.closed:
            rows.append(_programme_row(listing, programme))
    return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_PROGRAMMES_PAGE))


async def _programme(request: Request) -> Response:
    exchange = exchange_of(request)
    listing = exchange.by_condition.get(request.path_params["condition_id"].lower())
    programme = programme_of(listing) if listing else None
    rows: list[Json] = []
    if listing is not None and programme is not None:
        rows.append(
            {
                **_programme_row(listing, programme),
                "question": listing.recorded.gamma.get("question", ""),
                "market_slug": listing.recorded.gamma.get("slug", ""),
                "event_slug": exchange.event_of(listing).get("slug", ""),
                "image": listing.recorded.gamma.get("image", ""),
                "market_competitiveness": 0,
                "tokens": [
                    {"token_id": token_id, "outcome": outcome, "price": float(price)}
                    for token_id, outcome, price in zip(listing.tokens, listing.outcomes, listing.prices, strict=True)
                ],
            }
        )
    return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_EARNINGS_PAGE))


async def _earnings(request: Request) -> Response:
    await authenticated(request, exchange_of(request))
    return JsonResponse(page_payload([], request.query_params.get("next_cursor"), size=_EARNINGS_PAGE))


async def _totals(request: Request) -> Response:
    await authenticated(request, exchange_of(request))
    return JsonResponse([])


async def _percentages(request: Request) -> Response:
    """Percent by market, of markets where the account's orders earn."""
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    account = exchange.open_account(credential.address)
    quoted = dict.fromkeys(order.condition_id for order in exchange.open_orders(account))
    shares = {
        condition_id: reward_share(exchange, account, exchange.by_condition[condition_id]) for condition_id in quoted
    }
    return JsonResponse({condition_id: float(round(100 * share, 4)) for condition_id, share in shares.items() if share})


def _scoring(exchange: Exchange, address: str, order_id: object) -> bool:
    """Orders of others are as unknown as orders that never were."""
    if not isinstance(order_id, str) or not is_hash32(order_id):
        raise Rejection(_BAD_ORDER)
    order = exchange.orders.get(order_id.lower())
    return order is not None and order.account.address == address and is_scoring(exchange, order)


def _programme_row(listing: Listing, programme: Programme) -> Json:
    configs = [
        {
            "id": int(rate.get("id") or number),
            "asset_address": rate.get("assetAddress", ""),
            "start_date": rate.get("startDate", "2026-01-01"),
            "end_date": rate.get("endDate", _FAR_FUTURE),
            "rate_per_day": rate.get("rewardsDailyRate", 0),
            "total_rewards": rate.get("rewardsAmount", 0),
        }
        for number, rate in enumerate(programme.rates, start=1)
    ]
    daily = sum(config["rate_per_day"] for config in configs)
    return {
        "condition_id": listing.condition_id,
        "rewards_max_spread": float(programme.max_spread * 100),
        "rewards_min_size": amount_number(programme.min_size),
        "rewards_config": configs,
        "sponsored_daily_rate": 0,
        "sponsors_count": 0,
        "native_daily_rate": daily,
        "total_daily_rate": daily,
    }
