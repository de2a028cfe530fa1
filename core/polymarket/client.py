"""What the three clients of Polymarket share."""

from __future__ import annotations

from .environments import Environment
from .transport import Transport


class PolymarketClient:
    """A client over a transport that its siblings share; closing the transport closes them all."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def environment(self) -> Environment:
        return self._transport.environment

    async def aclose(self) -> None:
        """Close the shared transport."""
        await self._transport.aclose()
