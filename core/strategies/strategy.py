"""What every strategy is: it looks at markets, decides, and has its signals executed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from ..errors import InputRejected
from ..models import Market, Trade, TradingSignal
from .decision import Decision
from .declaration import Declaration, Parameters
from .surroundings import Execution, Surroundings


class PolymarketStrategy(ABC):
    """A way of trading, made by `of` for some surroundings. What it remembers between looks, it keeps itself.

    Nothing a strategy remembers outlives its process: after a restart it looks at its holdings and at history anew.
    """

    declaration: ClassVar[Declaration]

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    @classmethod
    def of(cls, surroundings: Surroundings, parameters: Parameters) -> PolymarketStrategy:
        """The strategy in its surroundings; one that needs more of them than their execution says so here.

        Raises ConfigurationError where they lack what it declares to need.
        """
        return cls(surroundings.execution)

    @property
    def execution(self) -> Execution:
        """Where its decisions become orders."""
        return self._execution

    @abstractmethod
    async def analyze_market(self, market: Market) -> TradingSignal:
        """What to do about a market now. A signal with verdict no_edge says why there is nothing to do."""

    async def analyze_markets(self, markets: Sequence[Market]) -> list[TradingSignal]:
        """Signals of many markets, in their order. Strategies that can ask for all at once do."""
        return [await self.analyze_market(market) for market in markets]

    async def decide(self, markets: Sequence[Market]) -> Decision:
        """All that is to be done now. Strategies that leave orders or trade several outcomes together say more here."""
        return Decision(signals=await self.analyze_markets(markets))

    async def execute_trade(self, signal: TradingSignal) -> Trade:
        """Trade on a signal; see Execution.execute. Raises InputRejected `no_edge` for one that says not to."""
        if signal.verdict == "no_edge" or signal.size <= 0:
            raise InputRejected(f"The signal is not to trade: {signal.reason}.", code="no_edge")
        return await self._execution.execute(signal)


class ReadingStrategy(PolymarketStrategy):
    """A strategy that reads quotes and its own part of the account, which is what most of them need."""

    def __init__(self, surroundings: Surroundings, parameters: Parameters) -> None:
        super().__init__(surroundings.execution)
        self._quotes = surroundings.quotes
        self._account = surroundings.account
        self._clock = surroundings.clock
        self._parameters = dict(parameters)

    @classmethod
    def of(cls, surroundings: Surroundings, parameters: Parameters) -> Self:
        return cls(surroundings, parameters)
