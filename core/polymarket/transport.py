"""The one way out to a venue: cache, retry, circuit breaker, rate limit and sending, in that order for every call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from cachetools import TLRUCache

from ..clock import Clock
from ..errors import (
    CircuitOpen,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    UnexpectedPayload,
    VenueUnavailable,
)
from ..resilience.circuit_breaker import CircuitBreaker
from ..resilience.rate_limit import TokenBucket
from ..resilience.retry import RetryPolicy, call_with_retry
from .environments import Environment
from .rejections import error_of_mutation, error_of_read
from .request import RequestSpec, Service
from .wire.fields import decode_json

if TYPE_CHECKING:
    from .sending import Answer, HttpSender

T = TypeVar("T")

Authorise = Callable[[str, str, bytes], dict[str, str]]
"""Headers for a method, a path without query, and the exact bytes of the body."""

CacheKey = tuple[Service, str, str, tuple[tuple[str, str], ...], bytes]

_ORDERS_PER_S = 28.0
_ORDER_BURST = 42.0
"""Seven tenths of what the venue grants a signer of the lowest tier (40 a second, bursts of 60)."""

_CACHE_ENTRIES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """`timeout_s` bounds each wait of a request. `rate_limit` is reads per minute and host; None for no bound.

    Limits bind real venues only: an environment on this machine has none.
    """

    timeout_s: float = 30.0
    max_retries: int = 3
    rate_limit: int | None = 100
    failure_threshold: int = 5
    reset_after_s: float = 30.0


@dataclass(frozen=True, slots=True)
class _Cached:
    value: Any
    ttl_s: float


class Transport:
    """Carries RequestSpecs to one environment. An `async with`, or `aclose()`, ends its connections.

    Outside in: answers still fresh come from the cache, and equal reads under way are joined; idempotent calls
    are retried; a host that keeps failing is left alone; reads and orders wait for their token bucket. Cancels
    skip breaker and buckets, because getting out must always be tried.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        clock: Clock,
        random: Random,
        settings: TransportSettings | None = None,
    ) -> None:
        settings = settings or TransportSettings()
        self.environment = environment
        self.clock = clock
        self.random = random
        self._settings = settings
        self._urls: dict[Service, str] = {
            "clob": environment.clob_url,
            "gamma": environment.gamma_url,
            "data": environment.data_url,
        }
        self._retries = RetryPolicy(max_retries=settings.max_retries)
        self._breakers = {
            service: CircuitBreaker(
                url,
                clock=clock,
                failure_threshold=settings.failure_threshold,
                reset_after_s=settings.reset_after_s,
            )
            for service, url in self._urls.items()
        }
        self._read_buckets: dict[Service, TokenBucket] = {}
        self._order_bucket: TokenBucket | None = None
        if not environment.is_loopback:
            self._order_bucket = TokenBucket(rate_per_s=_ORDERS_PER_S, burst=_ORDER_BURST, clock=clock)
            if settings.rate_limit is not None:
                for service in self._urls:
                    self._read_buckets[service] = TokenBucket(
                        rate_per_s=settings.rate_limit / 60, burst=settings.rate_limit, clock=clock
                    )
        self._cache: TLRUCache[CacheKey, _Cached] = TLRUCache(
            _CACHE_ENTRIES, ttu=lambda _, cached, now: now + cached.ttl_s, timer=lambda: clock.now().timestamp()
        )
        self._under_way: dict[CacheKey, asyncio.Task[Any]] = {}
        self._sender: HttpSender | None = None

    async def __aenter__(self) -> Transport:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the connections; calls under way fail. A later call would open new ones."""
        under_way = list(self._under_way.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        if self._sender is not None:
            await self._sender.aclose()
            self._sender = None

    async def call(self, spec: RequestSpec[T], *, authorise: Authorise | None = None, fresh: bool = False) -> T:
        """Carry out `spec`. `fresh` neither reads the cache nor joins a call under way, but its answer is kept.

        Raises VenueUnavailable, CircuitOpen, RateLimitError, InputRejected, OrderError, ConfigurationError,
        UnexpectedPayload, and for calls that change something OutcomeUnknown.
        """
        if spec.cache_ttl_s is None:
            return await self._retried(spec, authorise)
        key = (spec.service, spec.method, spec.path, spec.params, spec.payload)
        if not fresh:
            cached = self._cache.get(key)
            if cached is not None:
                value: T = cached.value
                return value
            return await self._joined(key, lambda: self._fetched(key, spec, authorise))
        return await self._fetched(key, spec, authorise)

    async def _joined(self, key: CacheKey, fetch: Callable[[], Awaitable[T]]) -> T:
        """One flight for all who ask at once. A caller that is cancelled leaves the flight to the others."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(fetch())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        value: T = await asyncio.shield(task)
        return value

    def _landed(self, key: CacheKey, task: asyncio.Task[Any]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # marks it as seen when nobody is left to receive it

    async def _fetched(self, key: CacheKey, spec: RequestSpec[T], authorise: Authorise | None) -> T:
        value = await self._retried(spec, authorise)
        if spec.cache_ttl_s is not None:
            self._cache[key] = _Cached(value, spec.cache_ttl_s)
        return value

    async def _retried(self, spec: RequestSpec[T], authorise: Authorise | None) -> T:
        if not spec.idempotent:
            return await self._guarded(spec, authorise)
        return await call_with_retry(
            lambda: self._guarded(spec, authorise),
            policy=self._retries,
            clock=self.clock,
            random=self.random,
            retryable=lambda error: (
                isinstance(error, (VenueUnavailable, RateLimitError)) and not isinstance(error, CircuitOpen)
            ),
            asked_wait_s=lambda error: getattr(error, "retry_after_s", None),
        )

    async def _guarded(self, spec: RequestSpec[T], authorise: Authorise | None) -> T:
        if spec.cancel:
            return await self._sent(spec, authorise)
        with self._breakers[spec.service].attempt(
            is_failure=lambda error: isinstance(error, (VenueUnavailable, OutcomeUnknown))
        ):
            bucket = self._read_buckets.get(spec.service) if spec.idempotent else self._order_bucket
            if bucket is not None:
                await bucket.acquire(spec.cost)
            return await self._sent(spec, authorise)

    async def _sent(self, spec: RequestSpec[T], authorise: Authorise | None) -> T:
        from .sending import HttpSender, NoAnswer, NotSent

        if self._sender is None:
            self._sender = HttpSender(timeout_s=self._settings.timeout_s, direct=self.environment.is_loopback)
        body = spec.payload
        headers = authorise(spec.method, spec.path, body) if authorise else {}
        try:
            answer = await self._sender.send(
                spec.method, self._urls[spec.service] + spec.path, params=spec.params, headers=headers, body=body
            )
        except NotSent as error:
            raise VenueUnavailable(f"{spec.method} {spec.path} could not be sent: {error}") from error
        except NoAnswer as error:
            if spec.idempotent:
                raise VenueUnavailable(f"{spec.method} {spec.path} got no answer: {error}") from error
            raise self._unknown(spec, str(error)) from error
        if not spec.idempotent and not spec.cancel:
            self._heed_order_limit(answer)
        return self._read(spec, answer)

    def _read(self, spec: RequestSpec[T], answer: Answer) -> T:
        if answer.status == 404 and spec.on_missing is not None:
            return spec.on_missing[0]
        if not 200 <= answer.status < 300:
            raise self._error_of(spec, answer)
        try:
            payload = decode_json(answer.body) if answer.body else ""
            if spec.idempotent and isinstance(payload, dict) and payload.get("error") == "Too Many Requests":
                raise RateLimitError("too many requests", retry_after_s=self._retry_after_s(answer))
            return spec.parse(payload, self.clock.now())
        except UnexpectedPayload as error:
            if spec.idempotent:
                raise UnexpectedPayload(f"{spec.method} {spec.path}: {error.message}", path=error.path) from error
            raise self._unknown(spec, error.message) from error

    def _error_of(self, spec: RequestSpec[Any], answer: Answer) -> PolymarketAPIError:
        text = _error_text(answer)
        wait_s = self._retry_after_s(answer)
        if spec.idempotent:
            return error_of_read(answer.status, text, retry_after_s=wait_s)
        error = error_of_mutation(answer.status, text, retry_after_s=wait_s)
        return error or self._unknown(spec, f"{answer.status} {text}".strip())

    @staticmethod
    def _unknown(spec: RequestSpec[Any], reason: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{spec.method} {spec.path} was sent and may have been processed: {reason}", order_ids=spec.order_ids
        )

    def _retry_after_s(self, answer: Answer) -> float | None:
        """Seconds the server asks to wait: `Retry-After` as seconds or a date, else the reset of its bucket."""
        text = answer.headers.get("retry-after", "")
        if text.isdigit():
            return float(text)
        now = self.clock.now().timestamp()
        if text:
            try:
                return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
            except ValueError:
                return None
        reset = answer.headers.get("poly-ratelimit-reset", "")
        return max(float(reset) - now, 0.0) if answer.status == 429 and reset.isdigit() else None

    def _heed_order_limit(self, answer: Answer) -> None:
        """The venue says how many orders are left; other clients of the same signer spend them too."""
        remaining = answer.headers.get("poly-ratelimit-remaining", "")
        if self._order_bucket is not None and remaining.lstrip("-").isdigit():
            self._order_bucket.shrink_to(float(remaining))


def _error_text(answer: Answer) -> str:
    """The reason in an error's body: its `error` or `error_msg`, or the beginning of a page that is not JSON."""
    try:
        payload = decode_json(answer.body)
    except UnexpectedPayload:
        return "" if b"<" in answer.body else answer.body[:200].decode(errors="replace").strip()
    if isinstance(payload, dict):
        return str(payload.get("error") or payload.get("error_msg") or payload.get("errorMsg") or "")
    return payload if isinstance(payload, str) else ""
