"""Routes of the catalogue service about sports, profiles and comments, of which the recordings have few or none."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .gamma_filters import GammaError
from .gamma_objects import all_tags
from .responses import JsonResponse, exchange_of

_SPORT_TAG = "sports"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def gamma_people_routes() -> list[Route]:
    return [
        Route("/sports", _sports),
        Route("/sports/market-types", _market_types),
        Route("/teams", _nothing),
        Route("/public-profile", _profile),
        Route("/comments/keyset", _comments_keyset),
        Route("/comments/user_address/{address}", _nothing),
        Route("/comments/{id}", _nothing),
    ]


async def _nothing(request: Request) -> Response:
    exchange_of(request)
    return JsonResponse([])


async def _comments_keyset(request: Request) -> Response:
    query = request.query_params
    if not query.get("parent_entity_type") or not query.get("parent_entity_id"):
        raise GammaError("required query parameter is missing")
    return JsonResponse({"comments": []})


async def _sports(request: Request) -> Response:
    """One sport for each recorded tag that is filed under sports; none in the bundled recordings."""
    exchange = exchange_of(request)
    tags = [tag for tag in all_tags(exchange) if tag.get("slug") == _SPORT_TAG]
    rows = [
        {
            "id": number,
            "sport": tag["slug"],
            "name": tag["label"],
            "image": "",
            "resolution": "",
            "ordering": "home",
            "tags": str(tag["id"]),
            "series": "",
        }
        for number, tag in enumerate(tags, start=1)
    ]
    return JsonResponse(rows)


async def _market_types(request: Request) -> Response:
    kinds = {
        kind
        for listing in exchange_of(request).markets.listings
        if (kind := listing.recorded.gamma.get("sportsMarketType"))
    }
    return JsonResponse({"marketTypes": sorted(kinds)})


async def _profile(request: Request) -> Response:
    """Of a wallet that trades here; nobody has told more about himself than that."""
    exchange = exchange_of(request)
    address = request.query_params.get("address", "")
    if not _ADDRESS.fullmatch(address):
        raise GammaError("invalid address", kind="validation error", status=400)
    account = exchange.accounts.account_of(address)
    if account is None:
        raise GammaError("profile not found", kind="not found error", status=404)
    trades = exchange.registry.trades_of(account)
    since_ms = trades[0].matched_at_ms if trades else exchange.now_ms
    return JsonResponse(
        {
            "createdAt": datetime.fromtimestamp(since_ms / 1000, UTC).isoformat().replace("+00:00", "Z"),
            "proxyWallet": address.lower(),
            "profileImage": "",
            "displayUsernamePublic": False,
            "bio": "",
            "pseudonym": "",
            "name": "",
            "users": [{"id": account.address.lower(), "creator": False, "mod": False}],
            "xUsername": "",
            "verifiedBadge": False,
        }
    )
