"""A desk with mode=live, whose venue is an exchange of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp import Client
from mcp.client.session import ElicitationFnT

from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.processes import KEY, Era

LIVE_LIMITS: dict[str, Any] = {"max_order_usd": 250, "max_day_usd": 5000, "max_exposure_usd": 5000}
"""Without limits that somebody chose, a live desk does not open."""


@asynccontextmanager
async def live_client(
    venue: ExchangeServer, era: Era = "auto", *, user: ElicitationFnT | None = None, **settings: Any
) -> AsyncIterator[Client]:
    """A client of a new live desk; `user` answers the desk's questions."""
    application = Application(
        load_settings(
            mode="live",
            api_url=venue.clob_url,
            gamma_url=venue.gamma_url,
            data_url=venue.data_url,
            ws_url=venue.ws_url,
            compute="inline",
            **({"private_key": KEY} | LIVE_LIMITS | settings),
        )
    )
    try:
        async with Client(build_server(application), mode=era, elicitation_callback=user) as client:
            yield client
    finally:
        await application.aclose()
