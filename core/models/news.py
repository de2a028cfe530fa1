"""A piece of news, as handed in by a host or read from a source. Its text was written by strangers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Stance = Literal["supports", "opposes", "neutral"]


@dataclass(frozen=True, slots=True)
class NewsItem:
    """Data, never an instruction: title and text are untrusted.

    `id` names the item within its source; without one its address does. `published` is what the source claims,
    `first_seen` when the text could first be read here: pages rewrite their titles and keep their dates. `stance` is
    the host's judgement whether the item makes the outcome asked about likelier, `strength` 0 to 1.
    """

    title: str
    text: str = ""
    source: str = ""
    published: datetime | None = None
    url: str = ""
    stance: Stance | None = None
    strength: Decimal | None = None
    id: str = ""
    first_seen: datetime | None = None
