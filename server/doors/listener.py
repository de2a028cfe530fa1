"""The desk's side: a socket on which its doors come in, each served as a host of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import anyio

from ...core.errors import PolymarketAPIError
from .framing import LONGEST_LINE, MessageReader, MessageWriter, read_object, send_object
from .greeting import Greeting
from .lease import DeskCard

_log = logging.getLogger(__name__)

_GREETING_S = 5.0


class DoorHost(Protocol):
    """What the desk does for its doors."""

    async def attended(self, greeting: Greeting) -> None:
        """A process has become a door."""
        ...

    async def look(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read one thing of the desk. Raises PolymarketAPIError."""
        ...

    async def serve(self, greeting: Greeting, read: MessageReader, write: MessageWriter) -> None:
        """Serve MCP to a host behind a door until it goes."""
        ...


@dataclass(slots=True)
class _Door:
    """A process that attends. `listeners` are its clients that subscribed to alerts, as it has told."""

    writer: asyncio.StreamWriter
    listeners: int = 0


class DoorListener:
    """Accepts doors that know the desk's secret and have no reason to be refused."""

    def __init__(
        self,
        card: DeskCard,
        *,
        objection: Callable[[Greeting], str | None],
        host: DoorHost,
        status: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._card = card
        self._objection = objection
        self._host = host
        self._status = status
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()
        self._attending: dict[asyncio.Task[None], _Door] = {}

    @property
    def doors(self) -> int:
        """How many other processes are doors of this desk."""
        return len(self._attending)

    @property
    def listeners(self) -> int:
        """How many clients behind doors are subscribed to alerts."""
        return sum(door.listeners for door in self._attending.values())

    def tell_news(self) -> None:
        """Let every door know that there are new alerts."""
        for door in self._attending.values():
            if not door.writer.is_closing() and not door.writer.transport.get_write_buffer_size():
                door.writer.write(b"!")  # what one has not read yet says the same

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._arrived, str(self._card.socket), limit=LONGEST_LINE)

    async def aclose(self) -> None:
        """Let nobody in any more and cut off who is."""
        if self._server is not None:
            self._server.close()
            self._server = None
        visits = list(self._visits)
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)  # what failed is logged as it ends

    def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.create_task(self._visit(reader, writer), name="door")
        self._visits.add(visit)
        visit.add_done_callback(self._gone)

    def _gone(self, visit: asyncio.Task[None]) -> None:
        self._visits.discard(visit)
        self._attending.pop(visit, None)
        if not visit.cancelled() and (error := visit.exception()) is not None:
            _log.error("a door was lost", exc_info=error)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_GREETING_S):
                greeting = Greeting.parse(await read_object(reader))
            if greeting is None or not greeting.knows(self._card.secret):
                _log.warning("a connection that does not know the desk's secret was refused")
                return
            refused = self._objection(greeting)
            await send_object(writer, {"refused": refused, "status": dict(self._status())})
            if refused is not None:
                return
            match greeting.purpose:
                case "attend":
                    visit = asyncio.current_task()
                    assert visit is not None
                    door = self._attending[visit] = _Door(writer)
                    await self._host.attended(greeting)
                    while said := await reader.read(64):  # how many listen; nothing: this is its end
                        door.listeners = said[-1]
                case "look":
                    await self._looked_at(reader, writer)
                case "serve":
                    await self._served(greeting, MessageReader(reader), MessageWriter(writer))
        except (TimeoutError, ConnectionError):
            pass  # it went before it was served
        finally:
            writer.close()

    async def _looked_at(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question, or say why it cannot be answered."""
        async with asyncio.timeout(_GREETING_S):
            asked = await read_object(reader) or {}
        answer: dict[str, Any]
        try:
            answer = {"answer": await self._host.look(str(asked.get("look")), asked.get("arguments") or {})}
        except PolymarketAPIError as error:
            answer = {"problem": error.message}
        except Exception as error:
            # Cut off, the other side would take this desk for one that has ended, and let go of it.
            _log.exception("a look at the desk failed")
            answer = {"problem": f"The desk could not be read ({type(error).__name__}); see its log."}
        await send_object(writer, answer)

    async def _served(self, greeting: Greeting, read: MessageReader, write: MessageWriter) -> None:
        try:
            await self._host.serve(greeting, read, write)
        except* (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the door was gone before its last messages were dealt with
