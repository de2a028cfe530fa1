"""What the venue's refusals mean: from HTTP status and text to the desk's errors, each with a machine code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import (
    ConfigurationError,
    InputRejected,
    InsufficientBalance,
    MarketClosedError,
    OrderError,
    OrderNotFound,
    PolymarketAPIError,
    RateLimitError,
    Restriction,
    VenueUnavailable,
)
from ..telemetry.redaction import redacted


class CredentialsRefused(ConfigurationError):
    """The venue did not accept the request's authentication (401); nothing was done."""


class ReadRefused(VenueUnavailable):
    """The venue did not answer a read for now. `restriction` is set where that is its state, not a failure."""

    def __init__(
        self, message: str, *, status: int, restriction: Restriction | None, retry_after_s: float | None
    ) -> None:
        super().__init__(message, status=status)
        self.restriction = restriction
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    code: str
    kind: type[OrderError] = OrderError
    restriction: Restriction | None = None


def _rule(
    pattern: str, code: str, kind: type[OrderError] = OrderError, restriction: Restriction | None = None
) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), code, kind, restriction)


_RULES = (
    _rule(r"breaks minimum tick size", "tick"),
    _rule(r"lower than the minimum", "min_size"),
    _rule(r"invalid amount for a marketable buy", "min_notional"),
    _rule(r"invalid amounts", "precision"),
    _rule(r"duplicated", "duplicate"),
    _rule(r"allowance is not enough", "insufficient_allowance", InsufficientBalance),
    _rule(r"not enough balance|insufficient balance", "insufficient_balance", InsufficientBalance),
    _rule(r"crosses (the )?book", "post_only_would_cross"),
    _rule(r"couldn't be fully filled|FOK orders are (fully )?filled or killed", "fok_not_filled"),
    _rule(r"no orders found to match with FAK|there are no matching orders", "fak_not_filled"),
    _rule(r"not yet ready to process", "market_not_ready", MarketClosedError),
    _rule(r"orderbook .*does not exist|no orderbook exists|market is closed", "market_closed", MarketClosedError),
    _rule(r"invalid signature\b", "invalid_signature"),
    _rule(r"order signer address has to be", "wrong_signer"),
    _rule(r"order owner has to be", "wrong_owner"),
    _rule(r"use the deposit wallet flow", "deposit_wallet_required"),
    _rule(r"order_version_mismatch|invalid order version", "order_version_mismatch"),
    _rule(r"asks for a browser", "bot_check"),
    _rule(r"page from between here and the venue", "provider_filter"),
    _rule(r"restricted in your region", "region_restricted", OrderError, "region"),
    _rule(r"address in closed only mode", "closed_only"),
    _rule(r"address banned", "banned"),
    _rule(r"invalid expiration", "expiration"),
    _rule(r"invalid nonce", "nonce"),
    _rule(r"order canceled in the CTF exchange", "canceled_on_chain"),
    _rule(r"delayed due to market conditions", "order_delayed"),
    _rule(r"post-only mode", "post_only_mode", OrderError, "post_only"),
    _rule(r"cancel-only", "cancel_only", OrderError, "cancel_only"),
    _rule(r"trading is currently disabled", "trading_disabled", OrderError, "trading_disabled"),
    _rule(r"too many orders", "batch_too_large"),
    _rule(r"invalid (order )?payload|invalid orderID", "invalid_payload"),
    _rule(r"order not found", "not_found", OrderNotFound),
)

_NOT_THE_VENUE = ("bot_check", "provider_filter")
"""Refusals by who stands before the venue: nothing has reached it, and the region is not the reason."""


def order_error(text: str, *, status: int = 400, retry_after_s: float | None = None) -> PolymarketAPIError:
    """The error for a refused order or cancel. Texts the desk does not know get the code `rejected`."""
    text = redacted(text)
    if re.search(r"rate limit exceeded|too many requests", text, re.IGNORECASE):
        return RateLimitError(text, retry_after_s=retry_after_s)
    rule = _matching_rule(text)
    if rule is None:
        return OrderError(text or "the venue refused the order", status=status, retry_after_s=retry_after_s)
    return rule.kind(text, status=status, code=rule.code, restriction=rule.restriction, retry_after_s=retry_after_s)


def error_of_mutation(status: int, text: str, *, retry_after_s: float | None) -> PolymarketAPIError | None:
    """The error for an order or cancel that was answered with `status`; None when it may have been processed.

    Refusals come before the matching engine sees the order, so every 4xx but a timeout is final, and so is a 503
    that names a trading mode. Any other 5xx leaves the outcome open.
    """
    if status == 401:
        return CredentialsRefused(f"the venue refused the API credentials: {text or 'no reason given'}")
    if status == 403:
        rule = _matching_rule(text)
        if rule is not None and rule.code in _NOT_THE_VENUE:
            return OrderError(text, status=status, code=rule.code)
        return OrderError(
            text or "the venue refused the request's origin",
            status=status,
            code="region_restricted",
            restriction="region",
        )
    if status == 425:
        return OrderError(
            text or "the matching engine is restarting",
            status=status,
            code="restarting",
            restriction="restarting",
            retry_after_s=retry_after_s,
        )
    if status == 429:
        return RateLimitError(text or "too many requests", retry_after_s=retry_after_s)
    if status == 503:
        if restriction_of(status, text) is None:
            return None
        return order_error(text, status=status, retry_after_s=retry_after_s)
    if 400 <= status < 500 and status != 408:
        return order_error(text, status=status, retry_after_s=retry_after_s)
    return None


def error_of_read(status: int, text: str, *, retry_after_s: float | None) -> PolymarketAPIError:
    """The error for a read that was answered with `status`."""
    if status == 401:
        return CredentialsRefused(f"the venue refused the API credentials: {text or 'no reason given'}")
    if status == 403:
        return ConfigurationError(f"the venue refused access from here: {text or 'no reason given'}")
    if status == 404:
        return InputRejected(text or "the venue knows nothing under this id", code="not_found")
    if status == 429:
        return RateLimitError(text or "too many requests", retry_after_s=retry_after_s)
    if status in (408, 425) or status >= 500:
        return ReadRefused(
            text or f"the venue answered {status}",
            status=status,
            restriction=restriction_of(status, text),
            retry_after_s=retry_after_s,
        )
    return InputRejected(text or f"the venue refused the request with {status}", code="refused_by_venue")


def restriction_of(status: int, text: str) -> Restriction | None:
    """The state of the venue that an answer names: an engine that restarts (425), or a trading mode (503)."""
    if status == 425:
        return "restarting"
    rule = _matching_rule(text) if status == 503 else None
    return rule.restriction if rule else None


def _matching_rule(text: str) -> _Rule | None:
    return next((rule for rule in _RULES if rule.pattern.search(text)), None)
