"""What carries alerts to people, and what it is given to carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

SETTING = "POLYMARKET_ALERT_CHANNELS"
"""What names the channels there are."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel carries: the same `message_id` and the same words whenever it is sent again.

    `title` and `text` are for people, `document` holds the same as plain JSON values.
    """

    message_id: str
    title: str
    text: str
    document: Mapping[str, Any]
    at: datetime


class ChannelFailed(Exception):
    """A channel did not take a message. The text names no address. `lasting`: trying again cannot help."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class Channel(Protocol):
    """Carries messages to people."""

    async def send(self, message: Message) -> None:
        """Raises ChannelFailed."""
        ...


def encoded(message: Message) -> bytes:
    """A message as the bytes of a JSON object, the same each time."""
    return json.dumps(message.document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
