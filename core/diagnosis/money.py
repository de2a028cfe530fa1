"""How much of an account's money is free, and what holds the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..models import AccountBalance, OpenOrder, OrderSide, Trade
from ..money import plain
from .findings import Finding, finding


@dataclass(frozen=True, slots=True)
class Money:
    """Dollars. `cash` is what the venue's balance shows; `reserved` is promised to open orders, `unsettled` owed for
    matched trades that no balance shows yet, and `free` what is left. `allowance` is what the contracts may move."""

    cash: Decimal
    reserved: Decimal
    unsettled: Decimal
    free: Decimal
    allowance: Decimal


def money_of(balance: AccountBalance, orders: Sequence[OpenOrder], trades: Sequence[Trade]) -> Money:
    """What of the cash is already promised, before fees."""
    reserved = sum(
        ((each.original_size - each.size_matched) * each.price for each in orders if each.side is OrderSide.BUY),
        Decimal(0),
    )
    unsettled = sum(
        (each.size * each.price for each in trades if each.status.undelivered and each.side is OrderSide.BUY),
        Decimal(0),
    )
    free = max(balance.collateral - reserved - unsettled, Decimal(0))
    return Money(balance.collateral, reserved, unsettled, free, balance.allowance)


def money_findings(before: AccountBalance, money: Money) -> list[Finding]:
    """What keeps money from being spent; `before` is the balance before the venue looked again."""
    found = []
    facts = {
        name: f"{plain(amount):f}"
        for name, amount in (
            ("cash", money.cash),
            ("reserved", money.reserved),
            ("unsettled", money.unsettled),
            ("free", money.free),
        )
    }
    if before.collateral != money.cash:
        found.append(finding("balance_cached", before=plain(before.collateral), after=plain(money.cash)))
    if money.cash <= 0 and money.reserved + money.unsettled <= 0:
        found.append(finding("no_money"))
    if money.allowance < min(money.cash, Decimal(1)):
        found.append(finding("allowance_missing", allowance=plain(money.allowance)))
    if money.reserved > 0 and money.free < money.cash / 2:
        found.append(finding("cash_reserved", **facts))
    if money.unsettled > 0:
        found.append(finding("cash_unsettled", **facts))
    return found
