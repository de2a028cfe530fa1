"""A desk with mode=paper, whose real venue is an exchange of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.real_venue import RealVenue


@asynccontextmanager
async def paper_client(real: RealVenue, state: Path, **settings: Any) -> AsyncIterator[Client]:
    """A client of a new paper desk, whose orders are not on their way for long unless asked for."""
    given = {"paper_latency_ms": 0, "toolsets": "all", **settings}
    application = Application(load_settings(mode="paper", state_dir=state, compute="inline", **real.urls, **given))
    try:
        async with Client(build_server(application)) as client:
            yield client
    finally:
        await application.aclose()
