"""The exact amounts of an order: the venue's rounding of shares and dollars, by tick.

Shares of a limit order are cut to two decimals and its dollars are the exact product. A market buy's dollars are
cut to two decimals and its least shares to the tick's amount decimals; a market sell's shares are cut to two
decimals and its least dollars to the tick's amount decimals.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..models import OrderSide
from ..money import on_tick, plain, round_down, tick_rule, to_micro

_MARKET_BUY_DOLLAR_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class OrderAmounts:
    """What changes hands if the order fills whole: shares and dollars, before the fee."""

    shares: Decimal
    dollars: Decimal

    def maker_taker(self, side: OrderSide) -> tuple[int, int]:
        """Base units the maker gives and takes: a buyer gives dollars, a seller gives shares."""
        shares, dollars = to_micro(self.shares), to_micro(self.dollars)
        return (dollars, shares) if side is OrderSide.BUY else (shares, dollars)


def limit_amounts(*, price: Decimal, size_shares: Decimal, tick: Decimal) -> OrderAmounts:
    """Amounts of a limit order. Raises ValueError for a price off the tick grid or an unknown tick."""
    rule = tick_rule(tick)
    _check_price(price, tick)
    shares = round_down(size_shares, rule.size_decimals)
    return OrderAmounts(plain(shares), plain(shares * price))


def market_buy_amounts(*, worst_price: Decimal, spend_dollars: Decimal, tick: Decimal) -> OrderAmounts:
    """Amounts of an immediate buy that spends dollars and accepts no price above `worst_price`."""
    rule = tick_rule(tick)
    _check_price(worst_price, tick)
    dollars = round_down(spend_dollars, _MARKET_BUY_DOLLAR_DECIMALS)
    return OrderAmounts(plain(round_down(dollars / worst_price, rule.amount_decimals)), plain(dollars))


def market_sell_amounts(*, worst_price: Decimal, size_shares: Decimal, tick: Decimal) -> OrderAmounts:
    """Amounts of an immediate sale that accepts no price below `worst_price`."""
    rule = tick_rule(tick)
    _check_price(worst_price, tick)
    shares = round_down(size_shares, rule.size_decimals)
    return OrderAmounts(plain(shares), plain(round_down(shares * worst_price, rule.amount_decimals)))


def _check_price(price: Decimal, tick: Decimal) -> None:
    if not on_tick(price, tick):
        raise ValueError(f"{price} is not a whole number of ticks of {tick} between {tick} and {1 - tick}")
