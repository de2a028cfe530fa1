"""One look of a strategy: it decides, and what it decided is carried out, live and in a replay alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import PolymarketAPIError
from ..models import Market, Trade, TradingSignal
from .decision import Decision
from .strategy import PolymarketStrategy
from .surroundings import BasketResult, QuotesKept


@dataclass(slots=True)
class Look:
    """What was decided and what came of it. `refused` counts orders by the code of what stopped them.

    `trades` are those of single signals; each basket's are in its result.
    """

    decision: Decision
    trades: list[tuple[TradingSignal, Trade]] = field(default_factory=list)
    baskets: list[BasketResult] = field(default_factory=list)
    quotes: QuotesKept = field(default_factory=QuotesKept)
    refused: Counter[str] = field(default_factory=Counter)


async def look(strategy: PolymarketStrategy, markets: Sequence[Market]) -> Look:
    """Have a strategy decide on markets, and carry it out: first quotes, then baskets, then single signals.

    One order that is refused, rejected or of unknown outcome does not keep the others back. Raises what the
    strategy's reads raise.
    """
    decision, execution = await strategy.decide(markets), strategy.execution
    done = Look(decision)
    if decision.quotes:
        try:
            done.quotes = await execution.keep_quotes(decision.quotes)
            done.refused.update(done.quotes.refused)
        except PolymarketAPIError as error:
            done.refused[code_of(error)] += 1
    for basket in decision.baskets:
        try:
            done.baskets.append(await execution.execute_basket(basket))
        except PolymarketAPIError as error:
            done.refused[code_of(error)] += 1
    for signal in decision.signals:
        if signal.verdict == "no_edge":
            continue
        try:
            done.trades.append((signal, await strategy.execute_trade(signal)))
        except PolymarketAPIError as error:
            done.refused[code_of(error)] += 1
    return done


def code_of(error: PolymarketAPIError) -> str:
    """What stopped an order, as a word to count by."""
    return getattr(error, "code", None) or type(error).__name__
