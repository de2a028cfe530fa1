"""From an HTTP answer to the result of a call, or to the error that says what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import OutcomeUnknown, PolymarketAPIError, RateLimitError, UnexpectedPayload
from .answers import asked_wait_s
from .rejections import error_of_mutation, error_of_read
from .request import RequestSpec
from .wire.fields import decode_json

if TYPE_CHECKING:
    from .sending import Answer

T = TypeVar("T")

_UNREADABLE = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What a parser meets in an answer of another shape than it was made for; an order's fate is then as open as ever."""


def is_answered(spec: RequestSpec[Any], answer: Answer) -> bool:
    """Whether an answer has a result; a 404 has one for calls that may find nothing."""
    return 200 <= answer.status < 300 or (answer.status == 404 and spec.on_missing is not None)


def read_answer(spec: RequestSpec[T], answer: Answer, *, at: datetime, venue_now: datetime) -> T:
    """The result in an answer that has one, received `at` by our clock and `venue_now` by the venue's.

    Raises RateLimitError and UnexpectedPayload, and for calls that change something OutcomeUnknown.
    """
    if answer.status == 404 and spec.on_missing is not None:
        return spec.on_missing[0]
    try:
        payload = decode_json(answer.body) if answer.body else ""
        if spec.idempotent and isinstance(payload, dict) and payload.get("error") == "Too Many Requests":
            raise RateLimitError("too many requests", retry_after_s=asked_wait_s(answer, now=venue_now))
        return spec.parse(payload, at)
    except (UnexpectedPayload, *_UNREADABLE) as error:
        reason = error.message if isinstance(error, UnexpectedPayload) else f"the answer is unreadable: {error!r}"
        if spec.idempotent:
            path = error.path if isinstance(error, UnexpectedPayload) else ""
            raise UnexpectedPayload(f"{spec.method} {spec.path}: {reason}", path=path) from error
        raise outcome_unknown(spec, reason) from error


def error_of(spec: RequestSpec[Any], status: int, text: str, *, wait_s: float | None) -> PolymarketAPIError:
    """What an answer without a result means for the call, by its status and the reason that it gives."""
    if spec.idempotent:
        return error_of_read(status, text, retry_after_s=wait_s)
    error = error_of_mutation(status, text, retry_after_s=wait_s)
    return error or outcome_unknown(spec, f"{status} {text}".strip())


def outcome_unknown(spec: RequestSpec[Any], reason: str) -> OutcomeUnknown:
    """The error of a call that was sent and may have changed something."""
    return OutcomeUnknown(
        f"{spec.method} {spec.path} was sent and may have been processed: {reason}",
        order_ids=spec.order_ids,
        safe_to_repeat=spec.cancel and spec.method == "DELETE",
    )
