"""What other parts of the program, and other processes of the same user, may read of a desk beside its tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import InputRejected, RateLimitError, VenueUnavailable
from ..core.untrusted_text import quoted

if TYPE_CHECKING:
    from ..handlers.context import Desk

Look = Callable[["Desk", Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Reads a desk; arguments and answer are plain JSON. Nothing at the venue changes by it."""


async def look_at(desk: Desk, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """One look by name. Raises InputRejected `unknown_look`, and what the look itself raises."""
    try:
        look = LOOKS[name]
    except KeyError:
        raise InputRejected(f"There is nothing called {name} to look at.", code="unknown_look") from None
    return await look(desk, arguments)


async def _overview(desk: Desk, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Everything that a screen shows."""
    from .overview import overview

    return await overview(desk, arguments)


async def _metrics(desk: Desk, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was measured, as families of samples."""
    from .metrics.families import metrics_of

    return await metrics_of(desk, arguments)


async def _orders(desk: Desk, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The newest `most` orders of a `status`; as last known where the venue does not answer."""
    from .overview.listed_orders import MOST, order_rows

    desk.require_account()
    told: dict[str, Any] = {}
    try:
        views = await desk.trading.orders()
    except (VenueUnavailable, RateLimitError) as error:
        views, told["venue_problem"] = desk.trading.remembered_orders(), quoted(error.message, 200)
    most = min(int(arguments.get("most", 20)), MOST)
    return told | {"orders": order_rows(views, desk.notes(), status=str(arguments.get("status", "all")), most=most)}


LOOKS: Mapping[str, Look] = {"metrics": _metrics, "orders": _orders, "overview": _overview}
"""Each loads what it reads with when it is first asked for."""
