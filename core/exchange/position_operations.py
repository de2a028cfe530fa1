"""Sets are split and merged, shares of resolved markets redeemed, dollars wrapped, as wallets do on chain."""

from __future__ import annotations

from .events import WalletActed
from .ledger import Account, InsufficientFunds
from .venue import Exchange
from .wallet_activity import ActivityKind, WalletAction


def split_position(exchange: Exchange, account: Account, condition_id: str, dollars: int) -> WalletAction:
    """Turn dollars (millionths) into as many shares of each outcome.

    Raises KeyError for an unknown market, ValueError for a closed one or no amount, InsufficientFunds.
    """
    listing = exchange.markets.by_condition[condition_id]
    if listing.closed:
        raise ValueError("a resolved market takes no new sets")
    _check_amount(dollars)
    with exchange.transaction():
        exchange.ledger.split(account, condition_id, listing.tokens, dollars, at=exchange.now_s)
        return _done(exchange, account, "SPLIT", condition_id, shares=dollars, dollars=dollars)


def merge_positions(exchange: Exchange, account: Account, condition_id: str, shares: int) -> WalletAction:
    """Turn as many shares (millionths) of each outcome back into dollars.

    Raises KeyError for an unknown market, ValueError for no amount, InsufficientFunds.
    """
    listing = exchange.markets.by_condition[condition_id]
    _check_amount(shares)
    with exchange.transaction():
        exchange.ledger.merge(account, condition_id, listing.tokens, shares, at=exchange.now_s)
        return _done(exchange, account, "MERGE", condition_id, shares=shares, dollars=shares)


def redeem_positions(
    exchange: Exchange, account: Account, condition_id: str, *, automatic: bool = False
) -> WalletAction:
    """Exchange everything held of a resolved market for its payout, be that nothing.

    Raises KeyError for an unknown or unresolved market and InsufficientFunds where nothing is held.
    """
    listing = exchange.markets.by_condition[condition_id]
    shares = sum(account.shares(token) for token in listing.tokens)
    if not shares:
        raise InsufficientFunds(f"{account.address} holds nothing of {condition_id}")
    with exchange.transaction():
        paid = exchange.ledger.redeem(account, condition_id, at=exchange.now_s)
        return _done(exchange, account, "REDEEM", condition_id, shares=shares, dollars=paid, automatic=automatic)


def wrap_dollars(exchange: Exchange, account: Account, dollars: int) -> WalletAction:
    """Turn unwrapped dollars (millionths) into as much collateral, which counts as money paid in.

    Raises ValueError for no amount, InsufficientFunds.
    """
    _check_amount(dollars)
    with exchange.transaction():
        exchange.ledger.wrap(account, dollars)
        return _done(exchange, account, "DEPOSIT", "", shares=0, dollars=dollars)


def unwrap_dollars(exchange: Exchange, account: Account, dollars: int) -> WalletAction:
    """Turn free collateral (millionths) into as many unwrapped dollars, which counts as money taken out.

    Raises ValueError for no amount, InsufficientFunds.
    """
    _check_amount(dollars)
    with exchange.transaction():
        exchange.ledger.unwrap(account, dollars)
        return _done(exchange, account, "WITHDRAWAL", "", shares=0, dollars=dollars)


def _check_amount(amount: int) -> None:
    if amount <= 0:
        raise ValueError("the amount must be positive")


def _done(
    exchange: Exchange,
    account: Account,
    kind: ActivityKind,
    condition_id: str,
    *,
    shares: int,
    dollars: int,
    automatic: bool = False,
) -> WalletAction:
    action = exchange.wallet_activity.add(
        account, kind, condition_id=condition_id, shares=shares, dollars=dollars, at_ms=exchange.now_ms
    )
    exchange.events.publish(WalletActed(action, automatic))
    return action
