"""Everything a screen shows of a desk, as one JSON object, for the dashboard and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ...core.clock import SystemClock

if TYPE_CHECKING:
    from ...core.trading.desk import TradingDesk
    from ...handlers.context import Desk
    from .screen import Screen

LONGEST_WAIT_S = 10.0

_SCREENS: WeakKeyDictionary[TradingDesk, Screen] = WeakKeyDictionary()


async def overview(desk: Desk, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The desk as it is now, in the shape of `shapes.Overview`.

    All who ask within a second share one answer, and the account is read every five seconds at most, every ten where
    no order has moved. With `unlike`, the `mark` of an earlier answer, the answer waits up to `within_s` seconds (2, at
    most 10) for the desk's orders, runs or halt to change. What a part cannot tell is named in `problems`, and the rest
    still comes.
    """
    from .screen import Screen

    screen = _SCREENS.get(desk.trading)
    if screen is None:
        screen = _SCREENS[desk.trading] = Screen(SystemClock())
    unlike = arguments.get("unlike")
    if isinstance(unlike, str):
        within_s = float(arguments.get("within_s", 2.0))
        await screen.change(desk, unlike, within_s=min(max(within_s, 0.0), LONGEST_WAIT_S))
    return await screen.shown(desk)
