"""The exchange on a port of this machine, alive: sockets, settlement, simulated traders."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import cast

import uvicorn
from starlette.middleware import Middleware

from ..background_tasks import cancelled
from ..errors import ConfigurationError
from ..loopback import bound_socket, is_loopback
from .application import build_application
from .faults_messages import OpenConnectionProtocol
from .resolution import Resolutions
from .streams import StreamCounts, StreamHub
from .traders import simulated_traders
from .venue import Exchange

_log = logging.getLogger(__name__)

_SHUTDOWN_S = 2
_LOOK_S = 0.002


class ExchangeServer:
    """Serves an exchange in the current event loop for as long as its `async with` lasts.

    `port` 0 takes a free one. Only loopback addresses are served; requests pass `before` on their way to the routes.
    Raises ConfigurationError for any other host and for a port that is taken.
    """

    def __init__(
        self, exchange: Exchange, *, host: str = "127.0.0.1", port: int = 0, before: Sequence[Middleware] = ()
    ) -> None:
        if not is_loopback(host):
            raise ConfigurationError(f"the exchange serves this machine only; {host!r} is not a loopback address")
        self.exchange = exchange
        self.application = build_application(exchange, before=before)
        self._host = host
        self._port = port
        self._tasks: list[asyncio.Task[None]] = []
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port in use, once serving."""
        return self._port

    @property
    def base_url(self) -> str:
        return f"http://{self._authority}"

    @property
    def clob_url(self) -> str:
        return f"{self.base_url}/clob"

    @property
    def gamma_url(self) -> str:
        return f"{self.base_url}/gamma"

    @property
    def data_url(self) -> str:
        return f"{self.base_url}/data"

    @property
    def ws_url(self) -> str:
        """Streams are below it, at /market and /user."""
        return f"ws://{self._authority}/ws"

    @property
    def stream_counts(self) -> StreamCounts:
        """What was lost to slow readers of the streams so far."""
        return cast(StreamHub, self.application.state.streams).counts

    @property
    def fault_counts(self) -> Mapping[str, int]:
        """How often each kind of fault happened so far."""
        return cast(Mapping[str, int], self.application.state.fault_counts)

    @property
    def resolutions(self) -> Resolutions:
        """The oracle that ends markets."""
        return cast(Resolutions, self.application.state.resolutions)

    @property
    def _authority(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    async def __aenter__(self) -> ExchangeServer:
        listener = _listening_socket(self._host, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self.application,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=OpenConnectionProtocol if self.exchange.settings.faults.rules else "auto",
            ws="websockets-sansio",
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )
        self._server = server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="exchange server")
        self._tasks = [serving, asyncio.create_task(self.exchange.agenda.run(), name="exchange agenda")]
        if self.exchange.settings.simulated_traders:
            self._tasks += [asyncio.create_task(trader.run()) for trader in simulated_traders(self.exchange)]
        for task in self._tasks:
            task.add_done_callback(_tell_failure)
        while not server.started:
            if serving.done():
                serving.result()
            await asyncio.sleep(_LOOK_S)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        serving, *living = self._tasks
        for task in living:
            task.cancel()
        if self._server is not None:
            await self._server.leave()
        await cancelled(serving)
        for task in living:
            await cancelled(task)


def _tell_failure(task: asyncio.Task[None]) -> None:
    """A part that dies is missed at once, not when the exchange is closed."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("a part of the exchange has stopped: %s", task.get_name(), exc_info=error)


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def leave(self) -> None:
        """Let nobody in any more and end what is connected, as soon as it has: uvicorn's own way takes fixed waits."""
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        for _ in range(int(_SHUTDOWN_S / _LOOK_S)):
            if not (state.connections or state.tasks):
                break
            await asyncio.sleep(_LOOK_S)
        for task in list(state.tasks):
            task.cancel()


def _listening_socket(host: str, port: int) -> socket.socket:
    try:
        return bound_socket(host, port)
    except OSError as error:
        raise ConfigurationError(f"cannot serve the exchange on {host}:{port}: {error.strerror}") from error
