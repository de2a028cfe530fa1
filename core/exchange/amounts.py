"""What an order's two signed amounts mean: its price, its size, and whether they are as precise as the venue allows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from ..money import MICRO, TickRule, from_micro, text, tick_rule
from .book import Side
from .rejections import Rejection, inconsistent_amounts, off_tick, too_precise
from .settings import ExchangeSettings
from .units import UNIT, price_decimal, price_units

_CENT = MICRO // 100


@dataclass(frozen=True, slots=True)
class OrderAmounts:
    """`price` in price units; `shares` and `dollars` in millionths, as signed."""

    side: Side
    immediate: bool
    price: int
    shares: int
    dollars: int
    rule: TickRule
    share_decimals: int

    def check_precision(self) -> None:
        """Raise Rejection when an amount has more decimals than its kind of order may have."""
        if self.side == "SELL":
            kind, maker_decimals, taker_decimals = "sell orders", self.rule.size_decimals, self.rule.amount_decimals
            maker, taker = self.shares, self.dollars
        elif self.immediate:
            kind, maker_decimals, taker_decimals = "market buy orders", 2, self.share_decimals
            maker, taker = self.dollars, self.shares
        else:
            kind, maker_decimals, taker_decimals = "buy orders", self.rule.amount_decimals, self.rule.size_decimals
            maker, taker = self.dollars, self.shares
        if maker % _step(maker_decimals) or taker % _step(taker_decimals):
            raise too_precise(kind, maker_decimals, taker_decimals)


def read_amounts(
    order_id: str,
    *,
    side: Side,
    immediate: bool,
    maker_amount: int,
    taker_amount: int,
    tick: Decimal,
    settings: ExchangeSettings,
) -> OrderAmounts:
    """The price is implied: dollars over shares. Raises Rejection when that is not on the tick grid.

    The computed amount of a FOK or FAK order is rounded down, so its implied price may differ from the tick by what
    that rounding explains, and the tick is its price.
    """
    dollars, shares = (maker_amount, taker_amount) if side == "BUY" else (taker_amount, maker_amount)
    rule = tick_rule(tick)
    share_decimals = rule.amount_decimals if settings.market_buy_share_decimals == "tick" else 4
    step = price_units(tick)
    price = (2 * dollars * UNIT + shares * step) // (2 * shares * step) * step
    if not step <= price <= UNIT - step:
        raise off_tick(order_id, dollars, shares, text(tick))
    surplus = dollars * UNIT - shares * price
    if surplus:
        if side == "BUY":
            explained = 0 < surplus < _step(min(share_decimals, 4)) * price
        else:
            explained = 0 < -surplus < _step(rule.amount_decimals) * UNIT
        if not (immediate and explained):
            if side == "SELL" and abs(surplus) < _CENT * UNIT:
                raise _inconsistent(price_decimal(price), shares=shares, dollars=dollars)
            raise off_tick(order_id, dollars, shares, text(tick))
    return OrderAmounts(side, immediate, price, shares, dollars, rule, share_decimals)


def _step(decimals: int) -> int:
    """The smallest step of an amount with that many decimals, in millionths."""
    return MICRO // cast(int, 10**decimals)


def _inconsistent(price: Decimal, *, shares: int, dollars: int) -> Rejection:
    return inconsistent_amounts(
        price=text(price),
        size=text(from_micro(shares)),
        expected=text(price * from_micro(shares)),
        submitted=text(from_micro(dollars)),
    )
