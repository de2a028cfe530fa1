"""Routes of what accounts earned: liquidity rewards by day and market, and maker rebates."""

from __future__ import annotations

from datetime import UTC, date, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..money import MICRO, from_micro, text
from .authentication import authenticated
from .contracts import COLLATERAL
from .ledger import Account
from .payloads import Json
from .rejections import Rejection
from .responses import JsonResponse, exchange_of, page_payload
from .reward_objects import reward_market
from .reward_payments import RewardPayments
from .rewards import programme_of, reward_share
from .venue import Exchange

_PAGE = 100


def earning_routes(payments: RewardPayments) -> list[Route]:
    async def by_market(request: Request) -> Response:
        _, account, day = await _asked(request)
        rows = [
            {"condition_id": condition_id, **_earned(account, day, amount)}
            for condition_id, amount in payments.rewards(account, day).items()
        ]
        return JsonResponse(page_payload(rows, request.query_params.get("next_cursor"), size=_PAGE))

    async def total(request: Request) -> Response:
        _, account, day = await _asked(request)
        amount = sum(payments.rewards(account, day).values())
        return JsonResponse([_earned(account, day, amount)] if amount else [])

    async def with_markets(request: Request) -> Response:
        """Every market with a programme, what the account earned in it that day and its share now."""
        exchange, account, day = await _asked(request)
        earned = payments.rewards(account, day)
        rows = []
        for listing in exchange.markets.listings:
            programme = programme_of(listing)
            if programme is not None and not listing.closed:
                amount = earned.get(listing.condition_id, 0)
                rows.append(
                    {
                        **reward_market(exchange, listing, programme),
                        "maker_address": account.address,
                        "earning_percentage": float(round(100 * reward_share(exchange, account, listing), 4)),
                        "earnings": [{"asset_address": COLLATERAL, "earnings": amount / MICRO, "asset_rate": 1}],
                    }
                )
        page = page_payload(rows, request.query_params.get("next_cursor"), size=_PAGE)
        return JsonResponse({**page, "total_count": len(rows)})

    async def rebates(request: Request) -> Response:
        """Null when there are none."""
        exchange, query = exchange_of(request), request.query_params
        account = exchange.accounts.account_of(query.get("maker_address", ""))
        day = _day(query.get("date"), exchange)
        earned = payments.rebates(account, day) if account else {}
        rows = [
            {
                "date": f"{day.isoformat()}T00:00:00Z",
                "condition_id": condition_id,
                "asset_address": COLLATERAL,
                "maker_address": query["maker_address"],
                "rebated_fees_usdc": text(from_micro(amount)),
            }
            for condition_id, amount in earned.items()
            if amount
        ]
        return JsonResponse(rows or None)

    return [
        Route("/rewards/user", by_market),
        Route("/rewards/user/total", total),
        Route("/rewards/user/markets", with_markets),
        Route("/rebates/current", rebates),
    ]


async def _asked(request: Request) -> tuple[Exchange, Account, date]:
    exchange = exchange_of(request)
    credential = await authenticated(request, exchange)
    return (
        exchange,
        exchange.accounts.open_account(credential.address),
        _day(request.query_params.get("date"), exchange),
    )


def _day(given: str | None, exchange: Exchange) -> date:
    """The day asked for, today without one. Raises Rejection."""
    try:
        return date.fromisoformat(given) if given else exchange.clock.now().astimezone(UTC).date()
    except ValueError as error:
        raise Rejection("Invalid date") from error


def _earned(account: Account, day: date, amount: int) -> Json:
    return {
        "date": datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
        "asset_address": COLLATERAL,
        "maker_address": account.address,
        "earnings": amount / MICRO,
        "asset_rate": 1,
    }
