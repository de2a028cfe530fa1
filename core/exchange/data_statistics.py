"""Figures of the data service about markets and traders: holders, open interest, volume, ranks."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from ..money import MICRO, from_micro
from .data_rows import position_rows
from .ledger import Account
from .listing import Listing
from .payloads import Json
from .trades import Trade
from .venue import Exchange

_UNSET_PRICE = "69"
_PERIOD_S = {"day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400}


def holder_groups(exchange: Exchange, listing: Listing, *, most: int, least: Decimal) -> list[Json]:
    """The largest holders of each outcome, house accounts aside: they hold the stock of the market."""
    groups = []
    for outcome, token_id in enumerate(listing.tokens):
        held = [(account.shares(token_id), account) for account in _clients(exchange) if account.shares(token_id)]
        held.sort(key=lambda pair: (-pair[0], pair[1].address))
        rows = [
            _holder_row(account, token_id, outcome, shares) for shares, account in held if from_micro(shares) >= least
        ]
        groups.append({"token_id": token_id, "holders": rows[:most]})
    return groups


def open_interest(exchange: Exchange, listing: Listing) -> float:
    """Dollars behind positions: the locked collateral without the complete sets that house accounts keep in stock."""
    clients = set(map(id, _clients(exchange)))
    stock = sum(
        min(account.shares(token_id) for token_id in listing.tokens)
        for account in exchange.ledger.accounts.values()
        if id(account) not in clients
    )
    return max(exchange.ledger.locked[listing.condition_id] - stock, 0) / MICRO


def taker_volume(exchange: Exchange, listing: Listing) -> float:
    """Shares that takers traded in a market, on the tape that is kept."""
    condition_id = listing.condition_id
    return (
        sum(trade.shares for trade in lasting(exchange.registry.tape) if trade.taker.condition_id == condition_id)
        / MICRO
    )


def standings(exchange: Exchange, *, period: str) -> list[Json]:
    """Who traded, unranked: volume of the period in shares, profit since the beginning in dollars."""
    since_ms = exchange.now_ms - _PERIOD_S[period] * 1000 if period in _PERIOD_S else 0
    rows = []
    for account in _clients(exchange):
        trades = [trade for trade in lasting(exchange.registry.trades_of(account)) if trade.matched_at_ms >= since_ms]
        volume = sum(shares for trade in trades for order, shares, *_ in trade.parts() if order.account is account)
        profit = sum(row["total_pnl"] for row in position_rows(exchange, account, account.address))
        rows.append(
            {
                "user_id": account.address.lower(),
                "user_name": "",
                "pnl": round(profit, 4),
                "volume": volume / MICRO,
                "profile_image": "",
                "x_username": "",
                "verified": False,
            }
        )
    return rows


def resolution_row(listing: Listing) -> Json:
    """What the oracle's record would say of a market."""
    price = _UNSET_PRICE
    if listing.closed:
        price = "0.5" if listing.winner is None else str(1 - listing.winner)
    return {
        "question_id": listing.recorded.gamma.get("questionID", ""),
        "condition_id": listing.condition_id,
        "status": "resolved" if listing.closed else (listing.oracle_steps or ["initialized"])[-1],
        "extended_review": False,
        "was_disputed": "disputed" in listing.oracle_steps,
        "new_version_q": True,
        "proposed_price": price,
        "reproposed_price": _UNSET_PRICE,
        "price": price,
        "transaction_hash": "",
        "log_index": "0",
        "last_update_timestamp": str((listing.changed_at_ms or 0) // 1000),
    }


def _clients(exchange: Exchange) -> Iterable[Account]:
    """Accounts that are not the exchange's own: those with an API key, or with trades of their own."""
    return [
        account
        for account in exchange.ledger.accounts.values()
        if exchange.registry.trades_of(account) or exchange.credentials.of(account.address)
    ]


def _holder_row(account: Account, token_id: str, outcome: int, shares: int) -> Json:
    return {
        "proxy_wallet": account.address.lower(),
        "token_id": token_id,
        "amount": shares / MICRO,
        "outcome_index": outcome,
        "display_username_public": False,
        "verified": False,
        "name": "",
        "pseudonym": "",
        "bio": "",
        "profile_image": "",
    }


def lasting(trades: Iterable[Trade]) -> list[Trade]:
    """Those that did not fail to settle."""
    return [trade for trade in trades if trade.status != "FAILED"]
