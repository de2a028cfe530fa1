"""How much an account has traded in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..models import OrderSide, Trade, TradeStatus


@dataclass(slots=True)
class SideTotals:
    """Fills of one side that were ever listed: how many, their shares, and the dollars at their prices without fees.

    Those of them that did not settle are still counted, and once more among `failed`.
    """

    fills: int = 0
    shares: Decimal = Decimal(0)
    dollars: Decimal = Decimal(0)
    failed: int = 0


class FillTotals:
    """Sums that only grow, as a reader of metrics expects."""

    def __init__(self) -> None:
        self._by_side = {side: SideTotals() for side in OrderSide}

    @property
    def by_side(self) -> Mapping[OrderSide, SideTotals]:
        return self._by_side

    def note(self, fill: Trade, *, before: Trade | None) -> None:
        """Count a fill as it is listed now; `before` is how it was last listed."""
        totals = self._by_side[fill.side]
        if before is None:
            totals.fills += 1
            totals.shares += fill.size
            totals.dollars += fill.price * fill.size
        if fill.status is TradeStatus.FAILED and (before is None or before.status is not TradeStatus.FAILED):
            totals.failed += 1
