"""The one way out to a venue: metrics, cache, retry, circuit breaker, rate limit and sending, in that order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from ..clock import Clock
from ..errors import (
    CircuitOpen,
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    VenueUnavailable,
)
from ..resilience.answer_cache import AnswerCache
from ..resilience.circuit_breaker import CircuitBreaker
from ..resilience.circuit_breaker import State as BreakerState
from ..resilience.rate_limit import TurnTooFar
from ..resilience.retry import RetryPolicy, call_with_retry
from ..telemetry.metrics import CallMetrics, InMemoryMetrics
from ..telemetry.tracing import venue_span
from .admission import Admission
from .answer_reading import error_of, is_answered, outcome_unknown, read_answer
from .answers import asked_wait_s, error_text
from .environments import Environment
from .rejections import CredentialsRefused, ReadRefused, restriction_of
from .request import RequestSpec, Service
from .venue_clock import TIME_SPEC, VenueClock
from .venue_state import VenueMemory, VenueState

if TYPE_CHECKING:
    import httpx2

    from .sending import Answer, HttpSender, HttpVersion

_log = logging.getLogger(__name__)

T = TypeVar("T")

Authorise = Callable[[str, str, bytes], dict[str, str]]
"""Headers for a method, a path without query, and the exact bytes of the body."""

CacheKey = tuple[Service, str, str, tuple[tuple[str, str], ...], bytes]

_CACHE_ENTRIES = 4096
_SKEW_TIMEOUT_S = 5.0
_SKEW_NOTICED_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """`timeout_s` bounds each wait of a request; a whole answer may take twice that.

    `rate_limit` is reads per minute and host; None for no bound. It, the venue's published limits and the regular
    look at the venue's clock apply to real venues only, unless `keep_limits` and `measure_skew` say otherwise. The
    skew is kept for `skew_keep_s`. `http_version` None speaks what a real venue negotiates, and 1.1 on this machine.
    """

    timeout_s: float = 30.0
    max_retries: int = 3
    rate_limit: int | None = 100
    failure_threshold: int = 5
    reset_after_s: float = 30.0
    keep_limits: bool | None = None
    measure_skew: bool | None = None
    skew_keep_s: float = 600.0
    http_version: HttpVersion | None = None


class Transport:
    """Carries RequestSpecs to one environment, for one account. An `async with`, or `aclose()`, ends its connections.

    Outside in: calls are counted; answers still fresh come from the cache, and equal reads under way are joined;
    idempotent calls are retried; a host that keeps failing is left alone; reads and orders wait their turn. Cancels
    skip breaker and waits, because getting out must always be tried. `clock` is the venue's time, for signatures;
    a `carrier` takes requests in the place of connections.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        clock: Clock,
        random: Random,
        settings: TransportSettings | None = None,
        metrics: CallMetrics | None = None,
        carrier: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        settings = settings or TransportSettings()
        self.environment = environment
        self.clock = VenueClock(clock, keep_s=settings.skew_keep_s)
        self.random = random
        self.metrics: CallMetrics = InMemoryMetrics() if metrics is None else metrics
        self._clock = clock
        self._settings = settings
        self._urls: dict[Service, str] = {
            "clob": environment.clob_url,
            "gamma": environment.gamma_url,
            "data": environment.data_url,
            "relayer": environment.relayer_url,
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
        self._memories = {service: VenueMemory(clock) for service in self._urls}
        real = not environment.is_loopback
        self._admission: Admission | None = None
        if real if settings.keep_limits is None else settings.keep_limits:
            self._admission = Admission(clock=clock, reads_per_minute=settings.rate_limit)
        self._measures_skew = real if settings.measure_skew is None else settings.measure_skew
        self._measuring = asyncio.Lock()
        self._cache: AnswerCache[CacheKey] = AnswerCache(clock=clock, max_entries=_CACHE_ENTRIES)
        self._sender: HttpSender | None = None
        self._carrier = carrier

    async def __aenter__(self) -> Transport:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the connections; calls under way fail. A later call would open new ones."""
        await self._cache.aclose()
        if self._sender is not None:
            await self._sender.aclose()
            self._sender = None

    @property
    def venue_states(self) -> Mapping[Service, VenueState]:
        """What each host takes at the moment, as far as its answers have told."""
        return {service: memory.state for service, memory in self._memories.items()}

    @property
    def breaker_states(self) -> Mapping[Service, BreakerState]:
        """Whether calls to each host are let through."""
        return {service: breaker.state for service, breaker in self._breakers.items()}

    @property
    def headroom(self) -> Mapping[str, float]:
        """Requests that could go at once, by limit; empty where no limits are kept."""
        return {} if self._admission is None else self._admission.headroom

    @property
    def clock_skew_s(self) -> float:
        """Seconds that the venue's clock is ahead of ours; 0 until measured."""
        return self.clock.skew_s

    async def call(
        self,
        spec: RequestSpec[T],
        *,
        authorise: Authorise | None = None,
        fresh: bool = False,
        patience_s: float | None = None,
    ) -> T:
        """Carry out `spec`. `fresh` neither reads the cache nor joins a call under way, but its answer is kept.

        A rate limit may hold it back for `patience_s`, by default as long as an answer may take.
        Raises VenueUnavailable, CircuitOpen, RateLimitError, InputRejected, OrderError, ConfigurationError,
        UnexpectedPayload, and for calls that change something OutcomeUnknown.
        """
        patience_s = self._settings.timeout_s if patience_s is None else patience_s
        if spec.cache_ttl_s is None:
            return await self._counted(spec, authorise, patience_s)
        key = (spec.service, spec.method, spec.path, spec.params, spec.payload)
        if fresh:
            return await self._fetched(key, spec, authorise, patience_s)
        kept = self._cache.get(key)
        if kept is not None:
            self.metrics.cache_hit(spec.route)
            value: T = kept.value
            return value
        if self._cache.is_under_way(key):
            self.metrics.cache_hit(spec.route)
        return await self._cache.joined(key, lambda: self._fetched(key, spec, authorise, patience_s))

    async def _fetched(self, key: CacheKey, spec: RequestSpec[T], authorise: Authorise | None, patience_s: float) -> T:
        value = await self._counted(spec, authorise, patience_s)
        if spec.cache_ttl_s is not None:
            self._cache.keep(key, value, ttl_s=spec.cache_ttl_s)
        return value

    async def _counted(self, spec: RequestSpec[T], authorise: Authorise | None, patience_s: float) -> T:
        began = self._clock.now()
        failure: str | None = None
        try:
            return await self._in_venue_time(spec, authorise, patience_s)
        except BaseException as error:
            failure = type(error).__name__
            raise
        finally:
            latency_s = (self._clock.now() - began).total_seconds()
            self.metrics.finished(spec.route, latency_s=latency_s, error=failure)

    async def _in_venue_time(self, spec: RequestSpec[T], authorise: Authorise | None, patience_s: float) -> T:
        """Look at the venue's clock before signatures need it, and again when the venue does not accept one."""
        if authorise is None:
            return await self._retried(spec, authorise, patience_s)
        if self._measures_skew and not spec.cancel:
            await self._measure_skew(in_doubt=False)
        skew_s = self.clock.skew_s
        try:
            return await self._retried(spec, authorise, patience_s)
        except (CredentialsRefused, OrderError, InputRejected) as error:
            if not _may_be_the_clock(error):
                raise
            await self._measure_skew(in_doubt=True)
            if abs(self.clock.skew_s - skew_s) < _SKEW_NOTICED_S:
                raise
            if not (spec.idempotent or spec.cancel):
                raise VenueUnavailable(
                    f"{spec.method} {spec.path} was refused and nothing was done: this machine's clock is "
                    f"{abs(self.clock.skew_s):.0f} s off the venue's. That is allowed for from now on; try again"
                ) from error
        return await self._retried(spec, authorise, patience_s)

    async def _measure_skew(self, *, in_doubt: bool) -> None:
        """One look at `/time`, if one is due. What cannot be measured stays as it was."""
        if not self.clock.is_due(in_doubt=in_doubt):
            return
        async with self._measuring:
            if not self.clock.is_due(in_doubt=in_doubt):
                return  # someone else has looked meanwhile
            self.clock.trying()
            sent_at = self._clock.now()
            try:
                async with asyncio.timeout(_SKEW_TIMEOUT_S):
                    seconds = await self._guarded(TIME_SPEC, None, _SKEW_TIMEOUT_S)
            except (PolymarketAPIError, TimeoutError):
                return
            self.clock.measured(seconds, sent_at=sent_at, received_at=self._clock.now())

    async def _retried(self, spec: RequestSpec[T], authorise: Authorise | None, patience_s: float) -> T:
        if not spec.idempotent:
            return await self._guarded(spec, authorise, patience_s)
        return await call_with_retry(
            lambda: self._guarded(spec, authorise, patience_s),
            policy=self._retries,
            clock=self._clock,
            random=self.random,
            retryable=lambda error: (
                isinstance(error, (VenueUnavailable, RateLimitError))
                and not isinstance(error, (CircuitOpen, TurnTooFar))
            ),
            asked_wait_s=lambda error: getattr(error, "retry_after_s", None),
            on_retry=lambda: self.metrics.retried(spec.route),
        )

    async def _guarded(self, spec: RequestSpec[T], authorise: Authorise | None, patience_s: float) -> T:
        if spec.cancel:
            await self._admitted(spec, patience_s)
            return await self._sent(spec, authorise)
        with self._breakers[spec.service].attempt(
            is_failure=_is_failure, says_nothing=lambda error: isinstance(error, TurnTooFar)
        ):
            await self._admitted(spec, patience_s)
            return await self._sent(spec, authorise)

    async def _admitted(self, spec: RequestSpec[Any], patience_s: float) -> None:
        if self._admission is not None:
            waited_s = await self._admission.take_turn(spec, patience_s=patience_s)
            if waited_s > 0:
                self.metrics.waited(spec.route, seconds=waited_s)

    async def _sent(self, spec: RequestSpec[T], authorise: Authorise | None) -> T:
        from .sending import NoAnswer, NotSent

        body = spec.payload
        headers = authorise(spec.method, spec.path, body) if authorise else {}
        try:
            answer = await self._exchanged(spec, headers, body)
        except NotSent as error:
            raise VenueUnavailable(f"{spec.method} {spec.path} could not be sent: {error}") from error
        except NoAnswer as error:
            if spec.idempotent:
                raise VenueUnavailable(f"{spec.method} {spec.path} got no answer: {error}") from error
            raise outcome_unknown(spec, str(error)) from error
        if self._admission is not None:
            self._admission.heed(spec, answer, asked_wait_s=asked_wait_s(answer, now=self.clock.now()))
        result = self._read(spec, answer)
        self._memories[spec.service].answered(spec)
        if self._admission is not None:
            self._admission.settle(spec, result)
        return result

    async def _exchanged(self, spec: RequestSpec[Any], headers: dict[str, str], body: bytes) -> Answer:
        """One request and its answer, told in the log (what changes something at INFO) and as a span."""
        began, told = time.perf_counter(), "no answer"
        with venue_span(
            spec.route, {"http.request.method": spec.method, "server.address": self._urls[spec.service]}
        ) as span:
            try:
                answer = await self._opened_sender().send(
                    spec.method, self._urls[spec.service] + spec.path, params=spec.params, headers=headers, body=body
                )
                told = str(answer.status)
                if span is not None:
                    span.set_attribute("http.response.status_code", answer.status)
            finally:
                level = logging.DEBUG if spec.idempotent else logging.INFO
                _log.log(level, "%s: %s in %.1f ms", spec.route, told, 1000 * (time.perf_counter() - began))
        return answer

    def _opened_sender(self) -> HttpSender:
        from .sending import HttpSender, Timeouts

        if self._sender is None:
            local = self.environment.is_loopback
            self._sender = HttpSender(
                timeouts=Timeouts.within(self._settings.timeout_s),
                direct=local,
                http=self._settings.http_version or ("1.1" if local else "negotiated"),
                carrier=self._carrier,
            )
        return self._sender

    def _read(self, spec: RequestSpec[T], answer: Answer) -> T:
        if is_answered(spec, answer):
            return read_answer(spec, answer, at=self._clock.now(), venue_now=self.clock.now())
        wait_s = asked_wait_s(answer, now=self.clock.now())
        text = error_text(answer)
        restriction = restriction_of(answer.status, text)
        if restriction is not None:
            self._memories[spec.service].refused(restriction, retry_after_s=wait_s)
        raise error_of(spec, answer.status, text, wait_s=wait_s)


def _is_failure(error: Exception) -> bool:
    """Whether an error speaks against the host. A venue that restarts or limits its trading is well."""
    if isinstance(error, ReadRefused):
        return error.restriction is None
    return isinstance(error, (VenueUnavailable, OutcomeUnknown))


def _may_be_the_clock(error: PolymarketAPIError) -> bool:
    return isinstance(error, CredentialsRefused) or "timestamp" in error.message.lower()
