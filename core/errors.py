"""Every error the desk raises, in one tree ordered by what the caller can do about it.

PolymarketAPIError
  ConfigurationError             a person must act
  InputRejected                  refused before sending
    RiskRefused                  a control said no (control, limit, value)
  OrderError                     the venue understood and said no (status, code, restriction)
    MarketClosedError | InsufficientBalance | OrderNotFound
  RateLimitError                 wait retry_after_s
  VenueUnavailable               nothing was done; safe to retry
    CircuitOpen
  OutcomeUnknown                 sent, no answer: reconcile, never resend
  UnexpectedPayload              the wire changed (path of the field)
"""

from __future__ import annotations

from typing import Literal

AnythingSent = Literal["no", "yes", "unknown"]
Restriction = Literal["restarting", "post_only", "cancel_only", "trading_disabled", "region"]


class PolymarketAPIError(Exception):
    """Root of the tree. `anything_sent` says whether an order or cancel may have reached a venue."""

    anything_sent: AnythingSent = "no"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(PolymarketAPIError):
    """Settings or credentials are missing or contradict each other; only a person can mend that."""


class InputRejected(PolymarketAPIError):
    """The desk refused the request before anything was sent. `fix` says what would be accepted.

    `retry_after_s` is set where the same request may pass later.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "invalid_input",
        fix: str = "",
        next_tool: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.code = code
        self.fix = fix
        self.next_tool = next_tool


class RiskRefused(InputRejected):
    """A risk control said no. `value` and `limit` are the two numbers that were compared, as text with units."""

    def __init__(
        self,
        message: str,
        *,
        control: str,
        value: str,
        limit: str,
        fix: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        fix = f"stay within {limit}" if fix is None else fix
        super().__init__(message, code=f"risk_{control}", fix=fix, retry_after_s=retry_after_s)
        self.control = control
        self.value = value
        self.limit = limit


class OrderError(PolymarketAPIError):
    """The venue understood the request and said no. Nothing rests or filled because of this request."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "rejected",
        restriction: Restriction | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.restriction = restriction
        self.retry_after_s = retry_after_s


class MarketClosedError(OrderError):
    """The market no longer, or not yet, takes orders."""


class InsufficientBalance(OrderError):
    """Balance or allowance does not cover the order, its fee and the orders already open."""


class OrderNotFound(OrderError):
    """The venue knows no such order."""


class RateLimitError(PolymarketAPIError):
    """A rate limit was reached and the request was not processed. Wait `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class VenueUnavailable(PolymarketAPIError):
    """The venue could not be reached or did not answer a read; nothing was done and a retry is safe."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class CircuitOpen(VenueUnavailable):
    """Calls to this host are paused after repeated failures. Wait `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(PolymarketAPIError):
    """A request that changes something was sent and its answer never came.

    `order_ids` are the hashes to look up. Resending an order could trade twice; a cancel is `safe_to_repeat`.
    """

    anything_sent: AnythingSent = "unknown"

    def __init__(self, message: str, *, order_ids: tuple[str, ...] = (), safe_to_repeat: bool = False) -> None:
        super().__init__(message)
        self.order_ids = order_ids
        self.safe_to_repeat = safe_to_repeat


class UnexpectedPayload(PolymarketAPIError):
    """The venue's answer does not have the documented shape. `path` names the field, e.g. `bids.0.price`."""

    def __init__(self, message: str, *, path: str = "", anything_sent: AnythingSent = "no") -> None:
        super().__init__(message)
        self.path = path
        self.anything_sent = anything_sent
