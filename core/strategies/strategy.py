"""What every strategy is: it analyses a market into a signal, and has a signal executed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from ..errors import InputRejected
from ..models import Market, Trade, TradingSignal


class Execution(Protocol):
    """Where signals become orders: the desk of a venue, or a recording of the past."""

    async def execute(self, signal: TradingSignal) -> Trade:
        """Order what a signal says, once, and answer what has filled of it by now as one trade.

        The trade's size is 0 while nothing has filled. Raises InputRejected and RiskRefused (nothing was sent),
        OrderError (the venue said no), VenueUnavailable (nothing was sent) and OutcomeUnknown (it may have acted; the
        desk finds out, and refuses the market until it has).
        """
        ...


class PolymarketStrategy(ABC):
    """A way of trading. Each analysis stands alone: what a strategy remembers, it keeps itself."""

    name: ClassVar[str]

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    @abstractmethod
    async def analyze_market(self, market: Market) -> TradingSignal:
        """What to do about a market now. A signal with verdict no_edge says why there is nothing to do."""

    async def analyze_markets(self, markets: Sequence[Market]) -> list[TradingSignal]:
        """Signals of many markets, in their order. Strategies that can ask for all at once do."""
        return [await self.analyze_market(market) for market in markets]

    async def execute_trade(self, signal: TradingSignal) -> Trade:
        """Trade on a signal; see Execution.execute. Raises InputRejected `no_edge` for one that says not to."""
        if signal.verdict == "no_edge" or signal.size <= 0:
            raise InputRejected(f"The signal is not to trade: {signal.reason}.", code="no_edge")
        return await self._execution.execute(signal)
