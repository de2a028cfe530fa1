"""Progress notifications of a running tool call."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server.mcpserver import Context

_STEP = 0.05
"""Fractions closer together than this are not worth a message."""


class CallProgress:
    """Tells the host how far a call has come; a host that did not ask hears nothing."""

    def __init__(self, context: Context[Any]) -> None:
        self._context = context
        self._told = 0.0
        self._sending: set[asyncio.Task[None]] = set()

    def __call__(self, fraction: float) -> None:
        if fraction < self._told + _STEP and not (fraction >= 1 > self._told):
            return
        self._told = fraction
        task = asyncio.create_task(self._context.report_progress(fraction, 1.0))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def sent(self) -> None:
        """Wait until all that was told is on its way, so that none comes after the answer."""
        await asyncio.gather(*self._sending)
