"""The rules that every order must pass, in the order in which their refusals are told."""

from __future__ import annotations

from .control import Control
from .money_controls import DayLoss, DayTurnover, EventExposure, MarketExposure, OrderValue, TotalExposure
from .order_controls import (
    DepthFloor,
    FreshBook,
    KillSwitchOff,
    MarketListed,
    MarketUndecided,
    NoUnknownOrder,
    OpenOrders,
    OrderRate,
    PriceBand,
    RegionAllowed,
    SpreadWidth,
    TimeLeft,
)
from .run_controls import RunExposure, RunHoldings, RunLoss, RunTime

CONTROLS: tuple[Control, ...] = (
    KillSwitchOff(),
    NoUnknownOrder(),
    RegionAllowed(),
    MarketListed(),
    MarketUndecided(),
    TimeLeft(),
    FreshBook(),
    OrderValue(),
    OpenOrders(),
    OrderRate(),
    PriceBand(),
    SpreadWidth(),
    DepthFloor(),
    MarketExposure(),
    EventExposure(),
    TotalExposure(),
    DayTurnover(),
    DayLoss(),
    RunTime(),
    RunExposure(),
    RunLoss(),
    RunHoldings(),
)
