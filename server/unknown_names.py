"""The server's middleware for calls that name what cannot be: answered as mistakes, without repeating the name."""

from __future__ import annotations

import re
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from ..handlers.failures import Failure
from .registration import failed

_TOOL_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
"""What the protocol lets tools be called. The SDK repeats the name of a tool that it does not know."""


async def refuse_unknown_names(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Refuse tools by impossible names, and prompts that cannot be made, which the SDK takes for a defect of ours."""
    if ctx.method == "tools/call" and not _TOOL_NAME.fullmatch(str((ctx.params or {}).get("name"))):
        return failed(Failure("unknown_tool", "No tool is called that. Nothing was sent.", "no", "never"))
    try:
        return await call_next(ctx)
    except ValueError as error:
        if ctx.method != "prompts/get":
            raise
        raise MCPError(INVALID_PARAMS, "There is no such prompt, or its arguments do not fit.") from error
