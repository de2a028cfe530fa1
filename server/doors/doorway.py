"""Finds the way of a call to the desk: this process holds it, or forwards to the one that does."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import logging
import os
import signal
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, NoReturn

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ... import __version__
from ...core.background_tasks import cancelled, logs_failure
from ...core.clock import Clock, SystemClock
from ...core.errors import ConfigurationError, OutcomeUnknown, PolymarketAPIError, VenueUnavailable
from ...core.settings import Settings
from ...handlers.catalogue import tools_of
from ...handlers.context import DeskSeat
from ...handlers.resources import resource_of
from ...handlers.toolspec import parse_toolsets
from .greeting import objection
from .lease import DeskCard, DeskLease, read_card
from .link import DoorRefused, Link, LinkLost, greet, look_at_desk
from .listener import DoorHost, DoorListener
from .question_origin import marked, unmarked

_log = logging.getLogger(__name__)

_OPENING_S = 30.0
"""How long a door waits for another process that is opening the desk."""

_LOOK_EVERY_S = 0.05
_NOTICE_S = 1.0
_ATTEMPTS = 5
Context = ServerRequestContext[Any, Any]


class Doorway:
    """This process's place at the desk of its state folder. Nothing is taken or asked before the first call.

    `open_desk` opens the desk in this process, `close_desk` closes it, `host` serves its doors. When the process
    that holds the desk ends, every door that has used it tries to take its place: what runs goes on without a call.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        open_desk: Callable[[], Awaitable[object]],
        close_desk: Callable[[], Awaitable[None]],
        host: DoorHost,
        background: bool = False,
        clock: Clock | None = None,
        told: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`told` is called when the desk of another process has new alerts."""
        self._settings = settings
        self._told = told
        self._listeners = 0
        self._at_desk: asyncio.StreamWriter | None = None
        self._open_desk = open_desk
        self._close_desk = close_desk
        self._host = host
        self._background = background
        self._clock = clock or SystemClock()
        self._folder = settings.desk_folder
        self._lease = DeskLease(self._folder)
        self._listener: DoorListener | None = None
        self._card: DeskCard | None = None
        self._attendance: asyncio.Task[None] | None = None
        self._succession: asyncio.Task[None] | None = None
        self._links: dict[int, Link] = {}
        self._linking = asyncio.Lock()
        self._entering: asyncio.Task[None] | None = None
        self._closed = False
        # Tools after whose loss nobody can know what happened, and whether it does no harm to call them again.
        self._changing = {
            spec.name: spec.idempotent for spec in tools_of(parse_toolsets(settings.toolsets)) if spec.changes
        }

    @property
    def holds_desk(self) -> bool:
        """Whether this process is the desk."""
        return self._listener is not None

    @property
    def doors(self) -> int:
        """How many other processes use the desk of this one."""
        return self._listener.doors if self._listener else 0

    @property
    def listeners(self) -> int:
        """How many clients of doors of this desk are subscribed to alerts."""
        return self._listener.listeners if self._listener else 0

    def tell_news(self) -> None:
        """Let the doors of this desk know that there are new alerts."""
        if self._listener is not None:
            self._listener.tell_news()

    def listen(self, listeners: int) -> None:
        """Let the desk of another process know how many clients of this one are subscribed to alerts."""
        self._listeners = min(listeners, 255)
        if self._at_desk is not None and not self._at_desk.is_closing():
            self._at_desk.write(bytes([self._listeners]))

    def seat(self) -> DeskSeat:
        """Where the desk is, for status answers."""
        from .background import BackgroundMark  # with the locks, after the first call

        return DeskSeat(
            pid=os.getpid(),
            doors=self.doors,
            survives_host_exit=self._background or BackgroundMark(self._folder).stands(),
        )

    async def __call__(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Middleware of the server: carries what asks the desk to it and lets everything else pass."""
        if ctx.method == "tools/call":
            try:
                return await self._carried(ctx, call_next)
            except PolymarketAPIError as error:
                return await _worded(error, ctx, call_next)
        if ctx.method == "resources/read" and resource_of(str((ctx.params or {}).get("uri"))) is not None:
            try:
                return await self._carried(ctx, call_next)
            except PolymarketAPIError as error:
                raise MCPError(INTERNAL_ERROR, error.message) from error
        return await call_next(ctx)

    async def look(
        self, name: str, arguments: Mapping[str, Any] | None = None, *, opening: bool = True
    ) -> Mapping[str, Any] | None:
        """Read one thing of the desk (`server/looks.py`), be it this process or another.

        Looking makes this process no door: it need not agree with the desk on anything but the version. Unless
        `opening`, no desk is opened for it: None where nobody holds one. Raises ConfigurationError, VenueUnavailable,
        and in the process of the desk what the look raises.
        """
        for _ in range(_ATTEMPTS):
            if self.holds_desk:
                return await self._host.look(name, arguments or {})
            try:
                if (card := read_card(self._folder)) is not None:
                    return await look_at_desk(card, self._settings, name, arguments or {})
            except DoorRefused as refused:
                raise ConfigurationError(str(refused)) from None
            except LinkLost:
                await self._notice_end()  # or the card was left over
            if not opening:
                return None
            await self.enter()
        raise VenueUnavailable("The connection to the desk ended again and again.")

    async def enter(self) -> None:
        """Hold the desk, or attend the one who does. Raises ConfigurationError, and VenueUnavailable after a wait.

        A host that gives up its call meanwhile stops nothing: a desk is opened whole or not at all.
        """
        if self.holds_desk or self.attends:
            return
        if self._entering is None or self._entering.done():
            # What the desk begins here goes on for hours, and belongs to no call, be it the first.
            self._entering = asyncio.create_task(self._enter(), name="way to the desk", context=contextvars.Context())
            self._entering.add_done_callback(_seen)
        await asyncio.shield(self._entering)

    async def _enter(self) -> None:
        deadline = self._clock.now() + timedelta(seconds=_OPENING_S)
        while self._clock.now() < deadline and not self._closed:
            if self._lease.take():
                await self._hold()
                return
            try:
                if (card := read_card(self._folder)) is not None:
                    await self._attend(card)
                    return
            except DoorRefused as refused:
                raise ConfigurationError(str(refused)) from None
            except LinkLost:
                pass  # it is going, or its card is left over
            await self._clock.sleep(_LOOK_EVERY_S)
        raise VenueUnavailable(
            "This server is being stopped." if self._closed else "Another process has not finished opening the desk."
        )

    async def aclose(self) -> None:
        """Let go of the desk, or of the connection to it. The desk itself must be closed by now."""
        self._closed = True
        for task in (self._attendance, self._succession):
            if task is not None:
                await cancelled(task)
        for link in list(self._links.values()):
            await link.aclose()
        await self._let_go()

    async def close_to_doors(self) -> None:
        """Before the desk closes: whoever comes now waits for the next one."""
        self._closed = True
        if self._entering is not None and not self._entering.done():
            await cancelled(self._entering)
        if self._listener is not None:
            self._lease.withdraw()
            await self._listener.aclose()

    @property
    def attends(self) -> bool:
        return self._attendance is not None and not self._attendance.done()

    async def _carried(self, call: Context, call_next: CallNext) -> HandlerResult:
        """The desk's answer, be it this process or another. A call that changes nothing is carried once more."""
        name = (call.params or {}).get("name")
        for _ in range(_ATTEMPTS):
            await self.enter()
            desk = self._card
            assert desk is not None  # whoever holds it has written one, whoever attends it has read one
            own = unmarked(call, desk)
            if self.holds_desk:
                return marked(await call_next(own), desk)
            try:
                link = await self._link_of(own)
                return marked(await link.forward(own), desk)
            except DoorRefused as refused:
                raise ConfigurationError(str(refused)) from None
            except LinkLost as lost:
                if lost.sent and name in self._changing:
                    raise OutcomeUnknown(
                        "The process that held the desk ended during this call.", safe_to_repeat=self._changing[name]
                    ) from lost
                await self._notice_end()
        raise VenueUnavailable("The connection to the desk ended again and again during this call.")

    async def _hold(self) -> None:
        try:
            await self._open_desk()
            self._card = self._lease.publish(version=__version__, since=self._clock.now(), background=self._background)
            secret = self._card.secret
            self._listener = DoorListener(
                self._card,
                objection=lambda greeting: objection(greeting, self._settings, secret=secret),
                host=self._host,
                status=self._status,
            )
            await self._listener.open()
        except BaseException:
            await self._close_desk()
            await self._let_go()
            self.watch_for_halt()  # the desk took the signal for itself
            raise

    async def _let_go(self) -> None:
        if self._listener is not None:
            await self._listener.aclose()
            self._listener = None
        self._lease.release()

    async def _attend(self, card: DeskCard) -> None:
        reader, writer, _ = await greet(card, self._settings, "attend")
        self._card = card
        self._at_desk = writer
        self.listen(self._listeners)

        async def until_it_ends() -> None:
            try:
                with suppress(ConnectionError):
                    while await reader.read(64):
                        if self._told is not None:
                            await self._told()
            finally:
                writer.close()

        self._attendance = asyncio.create_task(until_it_ends(), name="attendance at the desk")
        self._attendance.add_done_callback(self._desk_ended)

    def watch_for_halt(self) -> None:
        """Halt trading on SIGUSR1 from now on: whoever sends it may not know which process is the desk.

        A desk that is open hears the signal itself.
        """
        if hasattr(signal, "SIGUSR1"):
            with suppress(ValueError, RuntimeError, NotImplementedError):  # not the main thread
                asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._halt)

    def _halt(self) -> None:
        from ...core.risk.kill_switch import KillSwitch  # only somebody in a hurry needs it

        KillSwitch(self._folder, lifted_by="").engage("a signal to the process", self._clock.now())

    def _desk_ended(self, attendance: asyncio.Task[None]) -> None:
        if attendance.cancelled() or self._closed:
            return
        self._succession = attendance.get_loop().create_task(self.enter(), name="succession to the desk")
        self._succession.add_done_callback(
            logs_failure(_log, "the desk ended, and this process could not take its place")
        )

    async def _notice_end(self) -> None:
        """A link broke: the desk is gone, whether the other connection to it has noticed or not."""
        attendance = self._attendance
        if attendance is not None:
            await asyncio.wait([attendance], timeout=_NOTICE_S)
            await cancelled(attendance)

    async def _link_of(self, call: Context) -> Link:
        """The conversation of the call's host. Modern calls carry all of their host with them and share one."""
        assert self._card is not None
        host = None if call.protocol_version in MODERN_PROTOCOL_VERSIONS else call.session.client_params
        async with self._linking:
            known = self._links.get(id(host))
            if known is not None and not known.closed:
                return known
            link = self._links[id(host)] = await Link.open(self._card, self._settings, call)
        if host is not None and known is None:
            # What a host said in its handshake lives as long as its connection.
            weakref.finalize(host, self._host_left, id(host)).atexit = False
        return link

    def _host_left(self, host: int) -> None:
        link = self._links.pop(host, None)
        if link is not None:
            link.leave()

    def _status(self) -> Mapping[str, Any]:
        assert self._card is not None
        return {
            "pid": self._card.pid,
            "version": self._card.version,
            "since": self._card.since.isoformat(),
            "background": self._card.background,
            "doors": self.doors,
        }


async def _worded(error: PolymarketAPIError, ctx: Context, call_next: CallNext) -> HandlerResult:
    """The tool itself words the failure, as it does every other."""
    params = {key: value for key, value in (ctx.params or {}).items() if key not in ("requestState", "inputResponses")}
    return await call_next(dataclasses.replace(ctx, params=params, lifespan_context=_NoDesk(error)))


def _seen(entering: asyncio.Task[None]) -> None:
    """Who waits for it is told of its failure, and when everybody has left nobody needs to be."""
    if not entering.cancelled():
        entering.exception()


class _NoDesk:
    """What a call finds in the place of the desk when there is none to be had."""

    def __init__(self, error: PolymarketAPIError) -> None:
        self._error = error

    async def desk(self) -> NoReturn:
        raise self._error
