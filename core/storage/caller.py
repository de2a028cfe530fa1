"""Who asked for what is being written down: the host by the name it gives itself, and the token it has shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_caller: ContextVar[str | None] = ContextVar("caller", default=None)
_principal: ContextVar[str] = ContextVar("principal", default="local")


def caller() -> str | None:
    """The host on whose behalf this runs; None for what the desk does by itself."""
    return _caller.get()


def principal() -> str:
    """Who has proved to be asking: the name of a token, or `local` for whoever can start programs on this machine."""
    return _principal.get()


@contextmanager
def on_behalf_of(host: str) -> Iterator[None]:
    """Whatever runs within, and in tasks begun within, runs for `host`."""
    before = _caller.set(host)
    try:
        yield
    finally:
        _caller.reset(before)


@contextmanager
def proved_by(token: str | None) -> Iterator[None]:
    """Whatever runs within runs for the holder of the token of that name; None: nobody had to show one."""
    before = _principal.set("local" if token is None else f"token {token}")
    try:
        yield
    finally:
        _principal.reset(before)
