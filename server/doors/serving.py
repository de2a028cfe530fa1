"""Serves MCP to the doors of a desk: each with the tools of its own configuration, on the one desk there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.runner import serve_dual_era_loop

from ...core.settings import Settings
from ...core.storage.caller import proved_by
from ...handlers.toolspec import parse_toolsets
from ..alert_news import AlertNews
from ..mcp_server import mcp_server
from ..request_ids import keep_request
from .framing import MessageReader, MessageWriter
from .greeting import TOKEN_KEY, Greeting

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from ...core.telemetry.metrics import CallMetrics
    from ...handlers.confirmation import DeskSource
    from ...handlers.context import Desk


Context = ServerRequestContext[Any, Any]


class Host(Protocol):
    """The process that holds the desk."""

    settings: Settings
    alert_news: AlertNews

    @property
    def tool_calls(self) -> CallMetrics: ...

    async def desk(self) -> Desk: ...

    async def carry_on_runs(self) -> None: ...


class DoorServers:
    """One server per set of tools that doors are configured for."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._servers: dict[tuple[tuple[str, ...], bool], MCPServer[DeskSource]] = {}

    async def attended(self, greeting: Greeting) -> None:
        """Where somebody may trade, what was begun goes on, whether they call again or not."""
        if not greeting.read_only:
            await self._host.carry_on_runs()

    async def look(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read one thing of the desk. Raises InputRejected for what cannot be looked at, and what reading it raises."""
        from ..looks import look_at

        return await look_at(await self._host.desk(), name, arguments)

    async def serve(self, greeting: Greeting, read: MessageReader, write: MessageWriter) -> None:
        """Answer a door until it goes."""
        view = _View(self._host, greeting.toolsets, greeting.read_only)
        key = greeting.toolsets, greeting.read_only
        if key not in self._servers:
            configured = self._host.settings.model_copy(update={"toolsets": key[0], "read_only": key[1]})
            self._servers[key] = mcp_server(
                configured, view, measured=lambda: self._host.tool_calls, news=self._host.alert_news
            )
            self._servers[key].middleware.insert(0, _name_principal)
            self._servers[key].middleware.insert(0, keep_request)
        # The SDK serves any pair of streams; of its own transports none fits a local socket.
        await serve_dual_era_loop(self._servers[key]._lowlevel_server, read, write, lifespan_state=view)


async def _name_principal(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Middleware: what a call writes down is written for whoever the door says it is."""
    token = ((ctx.params or {}).get("_meta") or {}).get(TOKEN_KEY)
    with proved_by(token if isinstance(token, str) else None):
        return await call_next(ctx)


@dataclass(frozen=True, slots=True)
class _View:
    """The desk as one door may use it."""

    host: Host
    toolsets: tuple[str, ...]
    read_only: bool

    async def desk(self) -> Desk:
        return replace(await self.host.desk(), toolsets=parse_toolsets(self.toolsets), read_only=self.read_only)
