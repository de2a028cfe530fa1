"""The server's middleware that gives every tool call an id, under which its log lines, records and spans are found."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from ..core.telemetry.request import Request, within_request

REQUEST_KEY = "polydesk/request"
"""Where in a call's `_meta` a door tells the id that it gave the call."""

_REQUEST_ID = re.compile(r"[0-9a-f]{12}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
"""As W3C Trace Context has it: version, trace, parent and flags."""

Context = ServerRequestContext[Any, Any]


async def name_request(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Middleware of a process: each tool call of its host gets an id of its own, whatever the host calls it."""
    if ctx.method != "tools/call":
        return await call_next(ctx)
    with within_request(Request(secrets.token_hex(6), _traceparent(_meta_of(ctx)))):
        return await call_next(ctx)


async def keep_request(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Middleware of a desk towards its doors: a call keeps the id that its door has given it."""
    if ctx.method != "tools/call":
        return await call_next(ctx)
    meta = _meta_of(ctx)
    given = meta.get(REQUEST_KEY)
    named = given if isinstance(given, str) and _REQUEST_ID.fullmatch(given) else secrets.token_hex(6)
    with within_request(Request(named, _traceparent(meta))):
        return await call_next(ctx)


def _meta_of(ctx: Context) -> Mapping[str, Any]:
    meta = (ctx.params or {}).get("_meta")
    return meta if isinstance(meta, Mapping) else {}


def _traceparent(meta: Mapping[str, Any]) -> str | None:
    told = meta.get("traceparent")
    return told if isinstance(told, str) and _TRACEPARENT.fullmatch(told) else None
