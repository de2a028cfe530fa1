"""Who asked for what is being written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_caller: ContextVar[str | None] = ContextVar("caller", default=None)


def caller() -> str | None:
    """The host on whose behalf this runs; None for what the desk does by itself."""
    return _caller.get()


@contextmanager
def on_behalf_of(host: str) -> Iterator[None]:
    """Whatever runs within, and in tasks begun within, runs for `host`."""
    token = _caller.set(host)
    try:
        yield
    finally:
        _caller.reset(token)
