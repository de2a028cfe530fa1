"""What an account lets the contracts move, changed while its orders rest."""

from __future__ import annotations

from .venue import Exchange


def limit_allowance(exchange: Exchange, address: str, amount: int) -> None:
    """Limit the allowance of an address, in millionths of a dollar or of a share, as its owner would on chain.

    The venue looks at resting orders again and again: those that are no longer covered are cancelled.
    """
    exchange.controls.allow(address, amount)
    account = exchange.accounts.account_of(address)
    if account is not None:
        uncovered = [order for order in exchange.registry.open_orders(account) if order.reserved > amount]
        exchange.trading.cancel_many(uncovered, "CANCELED_NOT_ENOUGH_BALANCE")
