"""Turns errors into answers that say what was wrong, whether anything happened, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..core.errors import (
    AnythingSent,
    CircuitOpen,
    ConfigurationError,
    InputRejected,
    OrderError,
    OutcomeUnknown,
    PolymarketAPIError,
    RateLimitError,
    UnexpectedPayload,
    VenueUnavailable,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A tool error. `retry` is never, same_token (repeat the same call), or after_N with N in seconds."""

    code: str
    message: str
    anything_sent: AnythingSent
    retry: str
    next_tool: str | None = None

    def as_json(self) -> dict[str, Any]:
        data = {
            "code": self.code,
            "message": self.message,
            "anything_sent": self.anything_sent,
            "retry": self.retry,
            "next_tool": self.next_tool,
        }
        return {key: value for key, value in data.items() if value is not None}


def failure_of(error: PolymarketAPIError) -> Failure:
    """The answer to an error of the core."""
    message = _sentence(error.message)
    match error:
        case InputRejected():
            if error.fix:
                message = f"{message} Fix: {error.fix}."
            retry = "never" if error.retry_after_s is None else f"after_{error.retry_after_s:g}"
            return Failure(error.code, f"{message} Nothing was sent.", "no", retry, error.next_tool)
        case OrderError():
            retry = f"after_{error.retry_after_s or 30:g}" if error.restriction else "never"
            text = f"The venue refused: {message} This call changed nothing."
            return Failure(error.code, text, "no", retry, "polymarket_get_orders")
        case RateLimitError():
            wait = error.retry_after_s or 10
            text = f"{message} The request was not processed; wait {wait:g} s."
            return Failure("rate_limited", text, "no", f"after_{wait:g}")
        case CircuitOpen():
            text = f"{message} Nothing was sent."
            return Failure("venue_unavailable", text, "no", f"after_{error.retry_after_s:g}", "polymarket_get_status")
        case VenueUnavailable():
            text = f"{message} Nothing was sent or changed; the same call can be repeated."
            return Failure("venue_unavailable", text, "no", "after_5", "polymarket_get_status")
        case OutcomeUnknown(safe_to_repeat=True):
            text = f"{message} It may or may not have been carried out; repeating this call is safe."
            return Failure("outcome_unknown", text, "unknown", "same_token", "polymarket_get_orders")
        case OutcomeUnknown():
            text = f"{message} It may have been carried out: do not place it again; look it up."
            return Failure("outcome_unknown", text, "unknown", "never", "polymarket_get_orders")
        case ConfigurationError():
            return Failure("configuration", f"{message} A person has to act; nothing was sent.", "no", "never")
        case UnexpectedPayload():
            where = f" (field {error.path})" if error.path else ""
            text = f"The venue's answer has an unknown shape{where}: {message}"
            return Failure("unexpected_payload", text, error.anything_sent, "never", "polymarket_get_status")
        case _:
            return Failure("failed", message, error.anything_sent, "never", "polymarket_get_status")


def _sentence(message: str) -> str:
    message = message.strip()
    return message if message.endswith((".", "!", "?")) else f"{message}."


def failure_of_arguments(tool: str, error: ValidationError, known: Sequence[str]) -> Failure:
    """The answer to arguments that do not fit, without echoing their values."""
    problems = [_problem(issue, known) for issue in error.errors(include_url=False, include_input=False)[:5]]
    message = f"{tool} was not run: {'; '.join(problems)}. Nothing was sent."
    return Failure("invalid_arguments", message, "no", "never")


def _problem(issue: ErrorDetails, known: Sequence[str]) -> str:
    where = ".".join(str(part) for part in issue["loc"][:3])[:80]
    if issue["type"] == "extra_forbidden":
        import difflib  # only needed to word a mistake

        close = difflib.get_close_matches(where, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known arguments: {', '.join(known)}"
        return f"there is no argument {where!r} ({hint})"
    if issue["type"] == "missing":
        return f"argument {where} is required"
    return f"argument {where}: {issue['msg'].removeprefix('Value error, ')[:200]}"


def unexpected(error_id: str, *, changes: bool) -> Failure:
    """The answer to a defect of ours; the log holds the rest under `error_id`."""
    if not changes:
        return Failure(
            "internal_error", f"The desk failed unexpectedly; its log says why under error {error_id}.", "no", "never"
        )
    return Failure(
        "internal_error",
        f"The desk failed unexpectedly; its log says why under error {error_id}. Look before repeating the call.",
        "unknown",
        "never",
        "polymarket_get_orders",
    )
