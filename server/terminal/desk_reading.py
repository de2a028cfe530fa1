"""Reads the desk for a command, wherever the desk is: in another process, in this one, or only in its file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...core.errors import ConfigurationError
from ...core.settings import Settings


def look(settings: Settings, name: str, arguments: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
    """One look at a desk that some process holds; None where none does. It opens no desk."""
    from ..application import Application

    async def looked() -> Mapping[str, Any] | None:
        return await Application(settings).doorway.look(name, arguments, opening=False)

    return asyncio.run(looked())


def no_desk(settings: Settings) -> ConfigurationError:
    """What a command says that needs a desk and finds none."""
    mode = settings.mode.value
    return ConfigurationError(
        f"No process holds the {mode} desk: start one with `polydesk desk start --mode {mode}`, or open a host."
    )
