"""Listens on an address and serves an application there until a signal arrives."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ...core.errors import ConfigurationError
from ...core.loopback import bound_socket
from .settings import HttpSettings

if TYPE_CHECKING:
    from anyio.abc import TaskStatus
    from starlette.types import ASGIApp

_GRACE_S = 2
"""Seconds that open streams get to end before they are cut."""

_CONNECTIONS = 512
_HEADERS_WITHIN_S = 10.0
"""Seconds within which the head of a request must have arrived."""

_KEPT_OPEN_S = 60
"""Seconds that a connection stays open between requests. One that is closed just as the next arrives fails that one,
and clients do not repeat what may have been done."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigurationError when the port is taken."""
    try:
        listener = bound_socket(host, port)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        listener.listen()
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"The server cannot listen on {host}:{port}: {error.strerror}.")


async def serve_until_signal(
    app: ASGIApp, http: HttpSettings, listener: socket.socket, *, on_stop: Callable[[], None]
) -> None:
    """Serve until SIGTERM or SIGINT. `on_stop` is called first, so that whoever streams for ever can end."""
    import uvicorn

    class QuietServer(uvicorn.Server):
        """uvicorn ends the process itself after a signal, before anything else could be closed."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        http=timed_protocol(),
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=_KEPT_OPEN_S,
        lifespan="on",
        limit_concurrency=_CONNECTIONS,
        # Without a proxy of ours in front, what a request says of where it came from is anybody's word.
        proxy_headers=http.behind_tls_proxy,
        ssl_certfile=_path(http.tls_certificate),
        ssl_keyfile=_path(http.tls_key),
    )
    web = QuietServer(config)

    async def stop_on_signal(*, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for number in signals:
                on_stop()
                web.handle_exit(number, None)  # open event streams end on this call, not on `should_exit`

    async with anyio.create_task_group() as tasks:
        await tasks.start(stop_on_signal)
        await web.serve(sockets=[listener])
        tasks.cancel_scope.cancel()


def timed_protocol(headers_within_s: float = _HEADERS_WITHIN_S) -> Any:
    """uvicorn's protocol, which alone would wait for ever for the head of a request."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    class TimedProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        _patience: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait_for_a_head()

        def data_received(self, data: bytes) -> None:
            self._wait_for_a_head()
            before = self.cycle
            super().data_received(data)
            if self.cycle is not before:
                self._wait_no_more()  # the head is whole; what comes after it may take its time

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def _wait_for_a_head(self) -> None:
            if self._patience is None and self._idle:
                self._patience = self.loop.call_later(headers_within_s, self._give_up)

        def _wait_no_more(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

        def _give_up(self) -> None:
            self._patience = None
            if self._idle and not self.transport.is_closing():
                self.transport.close()

        @property
        def _idle(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

    return TimedProtocol


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
