"""Which tool call something happens for: one id from the tool down to the venue, and the host's own trace beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """`request_id` is made where a call enters, `traceparent` what the host sent with it (W3C Trace Context)."""

    request_id: str
    traceparent: str | None = None


_request: ContextVar[Request | None] = ContextVar("request", default=None)


def current_request() -> Request | None:
    """The call on whose behalf this runs; None for what the desk does by itself."""
    return _request.get()


@contextmanager
def within_request(request: Request) -> Iterator[None]:
    """Whatever runs within, and in tasks begun within, belongs to `request`."""
    before = _request.set(request)
    try:
        yield
    finally:
        _request.reset(before)
