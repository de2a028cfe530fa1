"""What an analysis concludes about one outcome."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ..identifiers import ConditionId, TokenId
from .order import OrderSide

Verdict = Literal["buy", "sell", "no_edge"]


@dataclass(frozen=True, slots=True)
class TradingSignal:
    """A reason to trade, or not to.

    `fair_value` lies in [`low`, `high`]; `edge` is dollars per share after fees at `price`, which would be paid or
    received on average. `limit_price` is the worst price of a share before the fee: the most of a purchase, the least
    of a sale. `size` is shares, 0 when the verdict is no_edge; prices are 0 where nothing is offered.
    """

    market_id: ConditionId
    token_id: TokenId
    outcome: str
    side: OrderSide
    verdict: Verdict
    fair_value: Decimal
    low: Decimal
    high: Decimal
    price: Decimal
    limit_price: Decimal
    edge: Decimal
    size: Decimal
    reason: str
    as_of: datetime
