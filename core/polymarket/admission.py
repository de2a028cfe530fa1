"""When a request may go: every published limit, the user's own, and what the venue says about its signer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..clock import Clock
from ..errors import InputRejected
from ..models import CancelResult
from ..resilience.rate_limit import TokenBucket, take_turn
from .rate_limits import (
    ROUTE_LIMITS,
    SIGNER_TIERS,
    STANDARD_TIER,
    RouteLimit,
    SignerBucket,
    SignerTier,
    is_sweeping_cancel,
    limits_of,
    signer_charge,
)
from .request import RequestSpec, Service

if TYPE_CHECKING:
    from .sending import Answer

_SERVICES: tuple[Service, ...] = ("clob", "gamma", "data", "relayer")


class Admission:
    """The buckets of one account at one venue.

    Reads and orders wait their turn in all buckets that concern them. Cancels never wait, because getting out must
    always be tried, but what they cost is counted. `reads_per_minute` bounds reads of each host on top of the
    venue's limits.
    """

    def __init__(self, *, clock: Clock, reads_per_minute: int | None) -> None:
        self._clock = clock
        self._routes: dict[RouteLimit, TokenBucket] = {
            limit: TokenBucket(rate_per_s=limit.rate_per_s, burst=limit.burst, clock=clock) for limit in ROUTE_LIMITS
        }
        self._reads: dict[Service, TokenBucket] = {}
        if reads_per_minute is not None:
            self._reads = {
                service: TokenBucket(rate_per_s=reads_per_minute / 60, burst=reads_per_minute, clock=clock)
                for service in _SERVICES
            }
        self._tier = STANDARD_TIER
        tier = SIGNER_TIERS[self._tier]
        self._signer: dict[SignerBucket, TokenBucket] = {
            "order": _signer_bucket(tier, "order", clock),
            "cancel": _signer_bucket(tier, "cancel", clock),
        }

    @property
    def headroom(self) -> Mapping[str, float]:
        """Requests that could go at once, by limit: the signer's two buckets, the user's own, and the venue's."""
        return {
            "orders": self._signer["order"].available,
            "cancels": self._signer["cancel"].available,
            **{f"{service} reads": bucket.available for service, bucket in self._reads.items()},
            **{limit.name: bucket.available for limit, bucket in self._routes.items()},
        }

    @property
    def tier(self) -> str:
        """The signer's tier as the venue last named it."""
        return self._tier

    async def take_turn(self, spec: RequestSpec[Any], *, patience_s: float) -> float:
        """Wait until the request may go; the seconds waited.

        Raises TurnTooFar when that would take longer than `patience_s`, and InputRejected for a batch that could
        never pass.
        """
        charges = self._charges(spec)
        if spec.cancel:
            for bucket, cost in charges:
                bucket.charge(cost)
            return 0.0
        charge = signer_charge(spec)
        if charge is not None and charge[1] > (most := int(self._signer[charge[0]].burst)):
            raise InputRejected(
                f"{charge[1]} orders at once are more than the signer's rate limit lets pass",
                code="batch_size",
                fix=f"send at most {most} at once",
            )
        return await take_turn(charges, clock=self._clock, patience_s=patience_s)

    def heed(self, spec: RequestSpec[Any], answer: Answer, *, asked_wait_s: float | None) -> None:
        """Believe the venue: other clients of the same signer spend its tokens too, and tiers change."""
        charge = signer_charge(spec)
        if charge is not None:
            self._heed_tier(answer.headers.get("poly-ratelimit-tier", ""))
            remaining = answer.headers.get("poly-ratelimit-remaining", "")
            if remaining.removeprefix("-").isdigit():
                self._signer[charge[0]].shrink_to(float(remaining))
        if answer.status == 429 and asked_wait_s:
            held = self._signer[charge[0]] if charge else self._narrowest(spec)
            held.hold_off(asked_wait_s)

    def settle(self, spec: RequestSpec[Any], result: object) -> None:
        """Charge what only the answer tells: a sweeping cancel costs one more for each order it cancelled."""
        if is_sweeping_cancel(spec) and isinstance(result, CancelResult):
            self._signer["cancel"].charge(len(result.canceled))

    def _charges(self, spec: RequestSpec[Any]) -> list[tuple[TokenBucket, float]]:
        charges: list[tuple[TokenBucket, float]] = [(self._routes[limit], 1.0) for limit in limits_of(spec)]
        if spec.idempotent and spec.service in self._reads:
            charges.append((self._reads[spec.service], 1.0))
        charge = signer_charge(spec)
        if charge is not None:
            charges.append((self._signer[charge[0]], float(charge[1])))
        return charges

    def _narrowest(self, spec: RequestSpec[Any]) -> TokenBucket:
        return self._routes[min(limits_of(spec), key=lambda limit: limit.rate_per_s)]

    def _heed_tier(self, tier: str) -> None:
        if tier == self._tier or tier not in SIGNER_TIERS:
            return
        self._tier = tier
        for name, bucket in self._signer.items():
            bucket.resize(rate_per_s=SIGNER_TIERS[tier].rate_per_s(name), burst=SIGNER_TIERS[tier].burst(name))


def _signer_bucket(tier: SignerTier, name: SignerBucket, clock: Clock) -> TokenBucket:
    return TokenBucket(rate_per_s=tier.rate_per_s(name), burst=tier.burst(name), clock=clock)
