"""What a marketable order would get from a book as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from ..models import OrderBook, OrderSide
from ..money import FeeSchedule

_SHARE_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class FillEstimate:
    """`dollars` excludes `fee`. `worst_price` is the last level reached; `complete` whether all was filled."""

    shares: Decimal
    dollars: Decimal
    fee: Decimal
    average_price: Decimal | None
    worst_price: Decimal | None
    complete: bool


def estimate_fill(
    book: OrderBook,
    side: OrderSide,
    fees: FeeSchedule,
    *,
    shares: Decimal | None = None,
    dollars: Decimal | None = None,
    limit: Decimal | None = None,
) -> FillEstimate:
    """Walk the opposite side of `book` for `shares`, or for `dollars`, no further than `limit`.

    Each level pays its own fee, as the venue charges by fill price. Exactly one of shares and dollars is given.
    """
    if (shares is None) == (dollars is None):
        raise ValueError("estimate_fill needs exactly one of shares and dollars")
    levels = book.asks if side is OrderSide.BUY else book.bids
    got = spent = fee = Decimal(0)
    worst: Decimal | None = None
    for level in levels:
        if limit is not None and (level.price > limit if side is OrderSide.BUY else level.price < limit):
            break
        if shares is not None:
            take = min(level.size, shares - got)
        else:
            assert dollars is not None
            take = min(level.size, ((dollars - spent) / level.price).quantize(_SHARE_STEP, rounding=ROUND_DOWN))
        if take <= 0:
            break
        got += take
        spent += take * level.price
        fee += fees.taker_fee(take, level.price)
        worst = level.price
    done = (
        got >= shares if shares is not None else (dollars or Decimal(0)) - spent < (worst or Decimal(1)) * _SHARE_STEP
    )
    return FillEstimate(
        shares=got,
        dollars=spent,
        fee=fee,
        average_price=spent / got if got else None,
        worst_price=worst,
        complete=done,
    )
