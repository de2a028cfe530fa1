"""What an HTTP answer says besides its content: the reason of an error, and how long to stay away."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ..errors import UnexpectedPayload
from ..telemetry.redaction import redacted
from .wire.fields import decode_json

if TYPE_CHECKING:
    from .sending import Answer

_BOT_CHECK = (b"just a moment", b"cf-chl", b"challenge-platform", b"attention required", b"enable javascript")
"""What stands on the pages of the service in front of the venue when it takes somebody for a bot."""


def error_text(answer: Answer) -> str:
    """The reason in an error's body: its `error` or `error_msg`, or the beginning of a page that is not JSON.

    Some servers repeat the headers of a request in it, so secrets are masked.
    """
    return redacted(_stated_reason(answer))


def _stated_reason(answer: Answer) -> str:
    payload = _payload(answer)
    if payload is None:
        return _of_page(answer) if b"<" in answer.body else answer.body[:200].decode(errors="replace").strip()
    if isinstance(payload, dict):
        return str(payload.get("error") or payload.get("error_msg") or payload.get("errorMsg") or "")
    return payload if isinstance(payload, str) else ""


def is_bot_check(page: bytes) -> bool:
    """Whether a page is one that lets only browsers on."""
    text = page.lower()
    return any(mark in text for mark in _BOT_CHECK)


def _of_page(answer: Answer) -> str:
    """Whose page stands in the venue's place. The venue itself refuses in JSON, so a refusal as a page is another's."""
    if answer.status not in (403, 451, 503):
        return ""
    if is_bot_check(answer.body):
        return "the venue's edge asks for a browser (bot check)"
    return "" if answer.status == 503 else "a page from between here and the venue refused the request"


def asked_wait_s(answer: Answer, *, now: datetime) -> float | None:
    """Seconds the server asks to wait.

    `Retry-After` as seconds or as a date, else the body's `retry_after_seconds`, else, on a 429, the moment at which
    the signer's bucket is full again.
    """
    header = answer.headers.get("retry-after", "").strip()
    if header:
        return float(header) if header.isdigit() else _until(header, now)
    payload = _payload(answer) if answer.status >= 400 else None
    if isinstance(payload, dict) and isinstance(payload.get("retry_after_seconds"), int):
        return max(float(payload["retry_after_seconds"]), 0.0)
    reset = answer.headers.get("poly-ratelimit-reset", "")
    return max(float(reset) - now.timestamp(), 0.0) if answer.status == 429 and reset.isdigit() else None


def _until(date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(moment.timestamp() - now.timestamp(), 0.0)


def _payload(answer: Answer) -> Any:
    try:
        return decode_json(answer.body)
    except UnexpectedPayload:
        return None
