"""What a door and a desk tell each other before anything else: who they are, and whether they belong together."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import SecretStr

from ... import __version__
from ...core.settings import Settings

TOKEN_KEY = "polydesk/token"
"""Where in a call's `_meta` a door tells whose token it has seen. Only doors are believed: they know the secret."""

Purpose = Literal["attend", "serve", "status", "look"]
"""To be counted as a door and notice the desk's end, to make calls, to ask how the desk is, or for one look at it."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """A door's first line. `settings` are digests by name of whatever decides what the desk does."""

    secret: str
    purpose: Purpose
    version: str
    pid: int
    toolsets: tuple[str, ...]
    read_only: bool
    settings: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, purpose: Purpose, *, secret: str) -> Greeting:
        return cls(
            secret=secret,
            purpose=purpose,
            version=__version__,
            pid=os.getpid(),
            toolsets=settings.toolsets,
            read_only=settings.read_only,
            settings=digests(settings, secret=secret),
        )

    @classmethod
    def parse(cls, line: Mapping[str, Any] | None) -> Greeting | None:
        """None for what is no greeting. Of another version's, what this one does not know is passed over."""
        if line is None or not isinstance(line.get("secret"), str):
            return None
        settings = line.get("settings")
        return cls(
            secret=line["secret"],
            purpose=line.get("purpose", "serve"),
            version=str(line.get("version", "?")),
            pid=int(line["pid"]) if isinstance(line.get("pid"), int) else 0,
            toolsets=tuple(str(each) for each in line.get("toolsets") or ()),
            read_only=bool(line.get("read_only", True)),
            settings=settings if isinstance(settings, dict) else {},
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def knows(self, secret: str) -> bool:
        return hmac.compare_digest(str(self.secret).encode(), secret.encode())


def digests(settings: Settings, *, secret: str) -> dict[str, str]:
    """A keyed digest of each decisive setting: two processes can compare them and neither tells a value."""
    found = {}
    for name, value in settings.decisive.items():
        plain = value.get_secret_value() if isinstance(value, SecretStr) else repr(value)
        found[name] = hmac.new(secret.encode(), f"{name}={plain}".encode(), hashlib.sha256).hexdigest()[:16]
    return found


def objection(greeting: Greeting, settings: Settings, *, secret: str) -> str | None:
    """Why a desk with `settings` does not serve a door; None when it does."""
    if greeting.purpose == "status":
        return None
    if greeting.version != __version__:
        return (
            f"The desk is held by polydesk {__version__} (process {os.getpid()}) and this server is polydesk "
            f"{greeting.version}: restart the hosts that still run the other version, or stop a desk in the "
            "background with `polydesk desk stop`."
        )
    if greeting.purpose == "look":
        return None  # who only reads, of a desk whose secret it knows, may be set up in any way
    own = digests(settings, secret=secret)
    names = sorted(
        name for name in own.keys() | greeting.settings.keys() if own.get(name) != greeting.settings.get(name)
    )
    if names:
        listed = ", ".join(f"POLYMARKET_{name.upper()}" for name in names)
        return (
            f"The desk that process {os.getpid()} holds runs with other values of {listed} than this server: give both "
            "the same and restart them, or give this one a folder of its own with POLYMARKET_STATE_DIR."
        )
    return None
