"""The same server without what watches it: no measuring of tools, no ids, no samples of equity, no alerts.

It is put together of the parts of the real one, over stdio; what is left out is replaced by nothing.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import anyio

from polydesk.core.alerts.alert_desk import AlertDesk
from polydesk.core.polymarket import transport
from polydesk.core.portfolio import equity_history
from polydesk.core.settings import load_settings
from polydesk.handlers.catalogue import tools_of
from polydesk.handlers.toolspec import parse_toolsets
from polydesk.server.application import Application
from polydesk.server.build import guard
from polydesk.server.logs import configure_logging
from polydesk.server.mcp_server import mcp_server
from polydesk.server.request_ids import name_request


async def _serve() -> None:
    application = Application(load_settings())
    settings = application.settings
    server = mcp_server(settings, application)  # nothing measures its tools
    guard(server, application, tools_of(parse_toolsets(settings.toolsets)))
    server.middleware.remove(name_request)
    gc.freeze()
    gc.enable()
    try:
        await server.run_stdio_async()
    finally:
        await application.aclose()


@asynccontextmanager
async def _nothing(*_: Any) -> AsyncIterator[None]:
    yield


async def _same(desk: AlertDesk) -> AlertDesk:
    return desk


async def _left(_: AlertDesk, *__: object) -> None:
    return None


if __name__ == "__main__":
    configure_logging()
    gc.disable()
    equity_history.EquityWatch = _nothing  # type: ignore[misc,assignment]
    AlertDesk.__aenter__ = _same  # type: ignore[method-assign,assignment]
    AlertDesk.__aexit__ = _left  # type: ignore[method-assign,assignment]
    transport.venue_span = lambda route, attributes: nullcontext()  # type: ignore[attr-defined]
    anyio.run(_serve)
