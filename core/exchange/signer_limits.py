"""Rate limits per signer: a token bucket for orders and one for cancels, refilled at the rate of the signer's tier.

A batch passes whole or not at all. Cancelling everything, or everything in a market, costs one up front and one for
each order that it cancelled, which may leave the bucket below zero except in the highest tiers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..money import MICRO
from .authentication import authenticated
from .ledger import Account
from .rejections import TOO_MANY_REQUESTS, Rejection
from .responses import JsonResponse, exchange_of, rejection_response
from .venue import Exchange

Kind = Literal["order", "cancel"]
Endpoint = Callable[[Request], Awaitable[Response]]

_VOLUME_WINDOW_MS = 30 * 86_400_000
_TIER_REFRESH_MS = 3 * 3_600_000


@dataclass(frozen=True, slots=True)
class Tier:
    """Rates are tokens a second. `volume` is the dollars in thirty days that earn the tier."""

    name: str
    volume: int
    order_rate: int
    order_burst: int
    cancel_rate: int
    cancel_burst: int
    floored: bool = False

    def rate(self, kind: Kind) -> int:
        return self.order_rate if kind == "order" else self.cancel_rate

    def burst(self, kind: Kind) -> int:
        return self.order_burst if kind == "order" else self.cancel_burst


TIERS = (
    Tier("standard", 0, 40, 60, 80, 120),
    Tier("copper", 30_000, 60, 90, 120, 180),
    Tier("bronze", 50_000, 80, 120, 160, 240),
    Tier("silver", 100_000, 200, 300, 400, 600),
    Tier("gold", 500_000, 400, 600, 800, 1200),
    Tier("platinum", 2_500_000, 450, 675, 900, 1350, floored=True),
    Tier("diamond", 5_000_000, 525, 787, 1050, 1575, floored=True),
    Tier("elite", 10_000_000, 600, 900, 1200, 1800, floored=True),
)
"""As published in the summer of 2026, lowest first."""
_BY_NAME = {tier.name: tier for tier in TIERS}


@dataclass(slots=True)
class _Bucket:
    level: float
    filled_at_ms: int


class SignerLimits:
    """The buckets of all signers of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._buckets: dict[tuple[str, Kind], _Bucket] = {}
        self._tiers: dict[str, tuple[int, Tier]] = {}

    def admit(self, address: str, kind: Kind, cost: int) -> dict[str, str]:
        """Take `cost` tokens and return the headers to answer with.

        Raises Rejection (429) when there are too few and the settings enforce the limit; where they only warn, the
        headers say so and the bucket stays as it is.
        """
        tier, bucket = self._tier(address), self._bucket(address, kind)
        if cost <= bucket.level:
            bucket.level -= cost
            return self._headers(tier, kind, bucket)
        headers = self._headers(tier, kind, bucket)
        if self._exchange.settings.signer_limits == "warn":
            return {**headers, "Poly-RateLimit-Warning": "true"}
        missing = min(cost, tier.burst(kind)) - bucket.level
        retry_after = max(math.ceil(missing / tier.rate(kind)), 1)
        raise Rejection(TOO_MANY_REQUESTS, status=429, headers={**headers, "Retry-After": str(retry_after)})

    def charge(self, address: str, kind: Kind, cost: int) -> dict[str, str]:
        """Take tokens for what was done already, below zero where the tier allows it."""
        tier, bucket = self._tier(address), self._bucket(address, kind)
        bucket.level -= cost
        if tier.floored:
            bucket.level = max(bucket.level, 0)
        return self._headers(tier, kind, bucket)

    def tier(self, address: str) -> Tier:
        """The tier of a signer: the operator's, else by the volume of its account, looked at every three hours."""
        return self._tier(address)

    def _tier(self, address: str) -> Tier:
        fixed = self._exchange.controls.tier_of(address)
        if fixed is not None:
            return _BY_NAME[fixed]
        now_ms = self._exchange.now_ms
        known = self._tiers.get(address)
        if known is None or now_ms - known[0] >= _TIER_REFRESH_MS:
            account = self._exchange.accounts.account_of(address)
            volume = _volume(self._exchange, account) if account else 0
            known = now_ms, next(tier for tier in reversed(TIERS) if volume >= tier.volume * MICRO)
            self._tiers[address] = known
        return known[1]

    def _bucket(self, address: str, kind: Kind) -> _Bucket:
        now_ms, tier = self._exchange.now_ms, self._tier(address)
        bucket = self._buckets.setdefault((address, kind), _Bucket(tier.burst(kind), now_ms))
        refill = (now_ms - bucket.filled_at_ms) / 1000 * tier.rate(kind)
        bucket.level = min(bucket.level + refill, tier.burst(kind))
        bucket.filled_at_ms = now_ms
        return bucket

    def _headers(self, tier: Tier, kind: Kind, bucket: _Bucket) -> dict[str, str]:
        full_in_s = (tier.burst(kind) - bucket.level) / tier.rate(kind)
        return {
            "Poly-RateLimit-Remaining": str(math.floor(bucket.level)),
            "Poly-RateLimit-Reset": str(math.ceil(self._exchange.now_ms / 1000 + full_in_s)),
            "Poly-RateLimit-Tier": tier.name,
        }


def _volume(exchange: Exchange, account: Account) -> int:
    since_ms = exchange.now_ms - _VOLUME_WINDOW_MS
    return sum(
        cash
        for trade in exchange.registry.trades_of(account)
        if trade.matched_at_ms >= since_ms
        for order, _, cash, _ in trade.parts()
        if order.account is account
    )


def limited_routes(routes: Sequence[Route], exchange: Exchange) -> list[Route]:
    """The same routes, those that place and cancel behind the signer's buckets; unchanged where limits are off."""
    if exchange.settings.signer_limits == "off":
        return list(routes)
    limits = SignerLimits(exchange)
    return [_limited(route, limits) for route in routes]


def tier_route(exchange: Exchange) -> Route:
    """Tells a signer its tier and what that allows."""
    limits = SignerLimits(exchange)

    async def tier(request: Request) -> Response:
        credential = await authenticated(request, exchange_of(request))
        return JsonResponse(asdict(limits.tier(credential.address)))

    return Route("/v1/user/rate-limit-tier", tier)


def _limited(route: Route, limits: SignerLimits) -> Route:
    for (method, path), kind in _KINDS.items():
        if path == route.path and route.methods is not None and method in route.methods:
            return Route(path, _endpoint(route.endpoint, limits, kind, counts=path in _COUNTED), methods=[method])
    return route


_KINDS: dict[tuple[str, str], Kind] = {
    ("POST", "/order"): "order",
    ("POST", "/orders"): "order",
    ("DELETE", "/order"): "cancel",
    ("DELETE", "/orders"): "cancel",
    ("DELETE", "/cancel-all"): "cancel",
    ("DELETE", "/cancel-market-orders"): "cancel",
}
_COUNTED = frozenset({"/cancel-all", "/cancel-market-orders"})


def _endpoint(inner: Endpoint, limits: SignerLimits, kind: Kind, *, counts: bool) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        exchange = exchange_of(request)
        exchange.controls.check_region()
        credential = await authenticated(request, exchange)
        headers = limits.admit(credential.address, kind, _cost(await request.body()))
        try:
            response = await inner(request)
        except Rejection as rejection:
            response = await rejection_response(request, rejection)
        if counts and response.status_code == 200:
            cancelled = len(json.loads(bytes(response.body))["canceled"])
            headers.update(limits.charge(credential.address, kind, cancelled))
        response.headers.update(headers)
        return response

    return endpoint


def _cost(body: bytes) -> int:
    """The orders or ids of a list; one for anything else."""
    try:
        items = json.loads(body)
    except ValueError:
        return 1
    return max(len(items), 1) if isinstance(items, list) else 1
