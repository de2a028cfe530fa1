"""The one thing a dashboard changes: it halts trading as the tool does, wherever the desk is."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from mcp.server import MCPServer

from ...core.clock import Clock
from ...core.risk.kill_switch import KillSwitch
from ...core.settings import Settings
from ...handlers.catalogue import tools_of
from ...handlers.toolspec import parse_toolsets

_log = logging.getLogger(__name__)

_TOOL = "polymarket_halt_trading"
_WAITS_S = 15
"""Then the stop is set without the desk's answer: who presses it cannot wait for one that hangs."""


def why_not(settings: Settings) -> str | None:
    """Why this server cannot halt trading; None where it can."""
    offered = tools_of(parse_toolsets(settings.toolsets), read_only=settings.read_only)
    if any(spec.name == _TOOL for spec in offered):
        return None
    return "This server is read-only." if settings.read_only else "This server offers no tools that trade."


async def halt(server: MCPServer[Any], settings: Settings, clock: Clock, *, holder: str | None) -> Mapping[str, Any]:
    """Halt and cancel what rests: `halted`, `reason`, `since`, `canceled`, `problem`, `next`, as the tool answers.

    Where the desk cannot be reached, or not by this process, the stop is set in the folder that they share: the desk
    sees it within a second and cancels by itself, which `problem` then says.
    """
    from mcp import Client

    reason = f"The kill switch of the dashboard ({holder or 'at this machine'})"
    try:
        async with Client(server, read_timeout_seconds=_WAITS_S) as client:
            result = await client.call_tool(_TOOL, {"reason": reason})
        if not result.is_error:
            return dict(result.structured_content or {})
    except Exception:
        # Whatever keeps the desk from answering must not keep it from being stopped.
        _log.exception("the desk did not answer the kill switch of the dashboard")
    stopped = KillSwitch(settings.desk_folder, lifted_by=f"polydesk resume --mode {settings.mode.value}").engage(
        reason, clock.now()
    )
    return {
        "halted": True,
        "reason": stopped.reason,
        "since": stopped.since.isoformat(),
        "problem": "The desk did not answer. The stop is set, and a desk that runs cancels what rests by itself: "
        "look at the open orders.",
        "next": f"a person lifts it with `{stopped.lifted_by}`",
    }
