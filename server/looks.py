"""What other parts of the program, and other processes of the same user, may read of a desk beside its tools."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import InputRejected

if TYPE_CHECKING:
    from ..handlers.context import Desk

Look = Callable[["Desk", Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Reads a desk; arguments and answer are plain JSON. Nothing at the venue changes by it."""

AT_A_TERMINAL = "terminal"
"""Who is told, by a look, what happened since it last looked."""


async def look_at(desk: Desk, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """One look by name. Raises InputRejected `unknown_look`, and what the look itself raises."""
    try:
        look = LOOKS[name]
    except KeyError:
        raise InputRejected(f"There is nothing called {name} to look at.", code="unknown_look") from None
    return await look(desk, arguments)


async def _status(desk: Desk, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """The full answer of `polymarket_get_status`."""
    from ..handlers.operations import get_status

    return (await get_status(dataclasses.replace(desk, caller=AT_A_TERMINAL), "full")).as_json()


async def _overview(desk: Desk, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Everything that a screen shows."""
    from .overview import overview

    return await overview(desk, arguments)


async def _metrics(desk: Desk, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was measured, as families of samples."""
    from .metrics.families import metrics_of

    return await metrics_of(desk, arguments)


LOOKS: Mapping[str, Look] = {"metrics": _metrics, "overview": _overview, "status": _status}
"""Each loads what it reads with when it is first asked for."""
