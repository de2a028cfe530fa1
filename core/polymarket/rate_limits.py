"""The venue's published limits, as data: what one address may ask of each host and route, and one signer of orders.

Windows slide. A bucket of 30 % of a window's allowance that refills at 70 % of its rate can never spend more than the
window allows, and leaves room for whoever else asks from the same address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from .request import Method, RequestSpec, Service

RATE_SHARE = 0.7
BURST_SHARE = 0.3

SignerBucket = Literal["order", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteLimit:
    """At most `requests` in any `window_s` seconds of what matches; None matches everything."""

    name: str
    requests: int
    window_s: float = 10.0
    service: Service | None = None
    path: re.Pattern[str] | None = None
    methods: frozenset[Method] | None = None

    def covers(self, spec: RequestSpec[Any]) -> bool:
        return (
            (self.service is None or self.service == spec.service)
            and (self.methods is None or spec.method in self.methods)
            and (self.path is None or self.path.fullmatch(spec.path) is not None)
        )

    @property
    def rate_per_s(self) -> float:
        return RATE_SHARE * self.requests / self.window_s

    @property
    def burst(self) -> float:
        return BURST_SHARE * self.requests


def _limit(
    service: Service | None, path: str, requests: int, *methods: Method, window_s: float = 10.0, name: str = ""
) -> RouteLimit:
    return RouteLimit(
        name=name or " ".join(filter(None, (service, "/".join(methods), path))),
        requests=requests,
        window_s=window_s,
        service=service,
        path=re.compile(path) if path else None,
        methods=frozenset(methods) or None,
    )


def _trading(path: str, method: Method, burst: int, sustained: int) -> tuple[RouteLimit, RouteLimit]:
    """Two windows: ten seconds, and ten minutes."""
    return (
        _limit("clob", path, burst, method),
        _limit("clob", path, sustained, method, window_s=600.0, name=f"clob {method} {path} sustained"),
    )


ROUTE_LIMITS: tuple[RouteLimit, ...] = (
    _limit(None, "", 15_000, name="all hosts"),
    _limit("clob", "", 9_000),
    _limit("clob", "/ok", 100),
    _limit("clob", "/balance-allowance", 200),
    _limit("clob", "/balance-allowance/update", 50),
    _limit("clob", "/book", 1_500),
    _limit("clob", "/price", 1_500),
    _limit("clob", "/midpoint", 1_500),
    _limit("clob", "/books", 500),
    _limit("clob", "/prices", 500),
    _limit("clob", "/midpoints", 500),
    _limit("clob", "/prices-history|/batch-prices-history", 1_000),
    _limit("clob", "/tick-size(/[^/]+)?", 200),
    _limit("clob", "/data/.+|/notifications", 900, "GET", name="clob ledger"),
    _limit("clob", "/data/orders", 500),
    _limit("clob", "/data/trades", 500),
    _limit("clob", "/notifications", 125),
    _limit("clob", "/auth/.+", 100),
    *_trading("/order", "POST", 5_000, 120_000),
    *_trading("/order", "DELETE", 5_000, 120_000),
    *_trading("/orders", "POST", 2_000, 21_000),
    *_trading("/orders", "DELETE", 2_000, 15_000),
    *_trading("/cancel-all", "DELETE", 250, 6_000),
    *_trading("/cancel-market-orders", "DELETE", 1_500, 21_000),
    _limit("gamma", "", 4_000),
    _limit("gamma", "/events(/.*)?", 500),
    _limit("gamma", "/markets(/.*)?", 300),
    _limit("gamma", "/(events|markets)(/.*)?", 900, name="gamma listings"),
    _limit("gamma", "/comments(/.*)?", 200),
    _limit("gamma", "/tags(/.*)?", 200),
    _limit("gamma", "/public-search", 350),
    _limit("data", "(?!/v2/).*", 1_000, name="data v1"),
    _limit("data", "/v2/.*", 800),
    _limit("data", "/trades", 200),
    _limit("data", "/v2/trades", 300),
    _limit("data", "/positions", 150),
    _limit("data", "/v2/positions", 200),
    _limit("data", "(/v2)?/closed-positions", 150),
    _limit("data", "/v2/activity", 200),
    _limit("data", "/v2/prices-history", 200),
    _limit("data", "/v2/status", 100),
    _limit("relayer", "/submit", 25, window_s=60.0),
)
"""Limits per address as the venue documents them. All that cover a request apply to it together."""


@dataclass(frozen=True, slots=True)
class SignerTier:
    """What one signer may do: cost units per second, and at once. Cancels have twice as much, in a bucket apart."""

    orders_per_s: int
    order_burst: int

    def rate_per_s(self, bucket: SignerBucket) -> float:
        return RATE_SHARE * self.orders_per_s * _TIMES[bucket]

    def burst(self, bucket: SignerBucket) -> float:
        return RATE_SHARE * self.order_burst * _TIMES[bucket]


_TIMES: dict[SignerBucket, int] = {"order": 1, "cancel": 2}

STANDARD_TIER = "standard"
SIGNER_TIERS = {
    STANDARD_TIER: SignerTier(40, 60),
    "copper": SignerTier(60, 90),
    "bronze": SignerTier(80, 120),
    "silver": SignerTier(200, 300),
    "gold": SignerTier(400, 600),
    "platinum": SignerTier(450, 675),
    "diamond": SignerTier(525, 787),
    "elite": SignerTier(600, 900),
}
"""By the maker wallet's volume of 30 days; answers to orders name the tier in lower case."""

_ORDER_PATHS = frozenset({"/order", "/orders"})
_CANCEL_ALL_PATHS = frozenset({"/cancel-all", "/cancel-market-orders"})


def limits_of(spec: RequestSpec[Any]) -> Iterator[RouteLimit]:
    """The limits that cover a request."""
    return (limit for limit in ROUTE_LIMITS if limit.covers(spec))


def signer_charge(spec: RequestSpec[Any]) -> tuple[SignerBucket, int] | None:
    """Which bucket of the signer a request draws on and how much: one per order or id, one for a sweeping cancel."""
    if spec.service != "clob" or spec.idempotent:
        return None
    if spec.method == "POST" and spec.path in _ORDER_PATHS:
        return "order", max(spec.cost, len(spec.order_ids))
    if spec.method == "DELETE" and spec.path in _ORDER_PATHS | _CANCEL_ALL_PATHS:
        return "cancel", max(spec.cost, len(spec.order_ids))
    return None


def is_sweeping_cancel(spec: RequestSpec[Any]) -> bool:
    """Whether the request is charged afterwards for every order it cancelled."""
    return spec.method == "DELETE" and spec.path in _CANCEL_ALL_PATHS
