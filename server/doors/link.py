"""A door's side: calls of one host, forwarded to the desk as they came, and its answers handed back as they are."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.dispatcher import CallOptions, DispatchContext
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import CONNECTION_CLOSED, METHOD_NOT_FOUND, ElicitRequest, ElicitRequestParams, ElicitResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ...core.background_tasks import cancelled
from ...core.errors import VenueUnavailable
from ...core.settings import Settings
from ...core.telemetry.request import current_request
from ..request_ids import REQUEST_KEY
from ..web.scopes import token_of
from .framing import LONGEST_LINE, MessageReader, MessageWriter, read_object, send_object
from .greeting import TOKEN_KEY, Greeting, Purpose
from .lease import DeskCard

_log = logging.getLogger(__name__)

_GREETING_S = 5.0
_LOOK_S = 60.0
"""Longer than a look that waits for a change at a venue that is slow."""

Context = ServerRequestContext[Any, Any]


class LinkLost(Exception):
    """The desk is gone. `sent` tells whether a call was already on its way to it."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("the connection to the desk ended")
        self.sent = sent


class DoorRefused(Exception):
    """The desk does not serve this door; the text says why."""


async def greet(
    card: DeskCard, settings: Settings, purpose: Purpose
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Mapping[str, Any]]:
    """A connection to the desk, and how the desk is. Raises LinkLost, and DoorRefused."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(card.socket), limit=LONGEST_LINE)
    except OSError as error:
        raise LinkLost(sent=False) from error
    try:
        async with asyncio.timeout(_GREETING_S):
            await send_object(writer, Greeting.of(settings, purpose, secret=card.secret).as_json())
            answer = await read_object(reader)
        if answer is None:
            raise LinkLost(sent=False)
        if answer.get("refused"):
            raise DoorRefused(answer["refused"])
    except (OSError, TimeoutError) as error:
        writer.close()
        raise LinkLost(sent=False) from error
    except BaseException:
        writer.close()
        raise
    return reader, writer, answer["status"]


async def look_at_desk(
    card: DeskCard, settings: Settings, name: str, arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    """One look at the desk of another process, on a connection of its own.

    Raises LinkLost, DoorRefused, and VenueUnavailable with the desk's own words where it could not answer.
    """
    reader, writer, _ = await greet(card, settings, "look")
    try:
        async with asyncio.timeout(_LOOK_S):
            await send_object(writer, {"look": name, "arguments": arguments})
            answer = await read_object(reader)
    except TimeoutError as error:  # it is there, so nobody else can be the desk
        raise VenueUnavailable(f"The process that holds the desk has not answered within {_LOOK_S:g} s.") from error
    except OSError as error:
        raise LinkLost(sent=True) from error
    finally:
        writer.close()
    if answer is None:
        raise LinkLost(sent=True)
    if "problem" in answer:
        raise VenueUnavailable(str(answer["problem"]))
    found: Mapping[str, Any] = answer["answer"]
    return found


class Link:
    """One host's conversation with the desk, in the protocol era of that host.

    The SDK's own dispatcher matches answers, passes progress on and cancels; what it carries is not looked into.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = MessageWriter(writer)
        self._dispatcher: JSONRPCDispatcher[TransportContext] = JSONRPCDispatcher(MessageReader(reader), self._writer)
        self._numbers = itertools.count(1)
        self._running = asyncio.Event()
        self._calls: list[Context] = []
        self._task = asyncio.create_task(self._run(), name="link to the desk")

    @classmethod
    async def open(cls, card: DeskCard, settings: Settings, first: Context) -> Link:
        """Connect, and shake hands as the host of `first` has. Raises LinkLost and DoorRefused."""
        reader, writer, _ = await greet(card, settings, "serve")
        link = cls(reader, writer)
        try:
            await link._running.wait()
            if first.protocol_version not in MODERN_PROTOCOL_VERSIONS:
                await link._shake_hands(first)
        except MCPError as error:
            link.leave()
            raise LinkLost(sent=False) from error
        except BaseException:  # the host gave up meanwhile
            link.leave()
            raise
        return link

    async def _shake_hands(self, first: Context) -> None:
        params = first.session.client_params
        assert params is not None  # no host calls a tool before its handshake
        handshake = params.model_dump(by_alias=True, mode="json", exclude_none=True)
        await self._dispatcher.send_raw_request("initialize", handshake | {"protocolVersion": first.protocol_version})
        await self._dispatcher.notify("notifications/initialized", None)

    @property
    def closed(self) -> bool:
        return self._task.done()

    async def forward(self, call: Context) -> dict[str, Any]:
        """The desk's answer to a call. Raises LinkLost, and MCPError where the desk's answer is one."""
        if self.closed:
            raise LinkLost(sent=False)
        number = f"call {next(self._numbers)}"
        options: CallOptions = {
            "request_id": number,
            "on_progress": call.session.report_progress,  # which knows whether the host listens
        }
        self._calls.append(call)
        _log.debug("%s goes to the desk", call.method)
        try:
            return await self._dispatcher.send_raw_request(call.method, _with_names(call), options)
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                raise LinkLost(sent=number in self._writer.sent) from error
            raise
        finally:
            self._calls.remove(call)
            self._writer.sent.discard(number)

    def leave(self) -> None:
        """Hang up, without waiting for what that ends."""
        self._task.cancel()

    async def aclose(self) -> None:
        await cancelled(self._task)

    async def _run(self) -> None:
        await self._dispatcher.run(self._asked, _heard, task_status=_Started(self._running))

    async def _asked(
        self, _: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """A question of the desk to the user, which goes to the host of the call under way."""
        if method == "ping":
            return {}
        if method != "elicitation/create" or not self._calls:
            raise MCPError(METHOD_NOT_FOUND, "Method not found", method)
        call = self._calls[-1]
        asked: ElicitRequestParams = ElicitRequest.model_validate({"method": method, "params": params}).params
        answer = await call.session.send_request(
            ElicitRequest(params=asked),
            ElicitResult,
            metadata=ServerMessageMetadata(related_request_id=call.request_id),
        )
        return answer.model_dump(by_alias=True, mode="json", exclude_none=True)


def _with_names(call: Context) -> dict[str, Any]:
    """The call's parameters with the name of the token that this door has seen and its id, and with no others."""
    params = dict(call.params or {})
    meta = {key: value for key, value in (params.get("_meta") or {}).items() if key not in (TOKEN_KEY, REQUEST_KEY)}
    if (token := token_of(call)) is not None:
        meta[TOKEN_KEY] = token
    if (request := current_request()) is not None:
        meta[REQUEST_KEY] = request.request_id
    return {**params, "_meta": meta} if meta else {key: value for key, value in params.items() if key != "_meta"}


async def _heard(_: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None) -> None:
    """Progress finds its call by itself, and the desk sends no other notice."""


class _Started:
    """What the SDK calls once calls can be made."""

    def __init__(self, running: asyncio.Event) -> None:
        self._running = running

    def started(self, value: None = None) -> None:
        self._running.set()
