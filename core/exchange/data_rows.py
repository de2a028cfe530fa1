"""Positions and trades as the data service shows them: JSON numbers in dollars and shares, times in unix seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ..money import MICRO, from_micro
from .book import Order
from .ledger import Account, Position
from .listing import Listing
from .payloads import Json
from .trades import Trade
from .units import UNIT
from .venue import Exchange

_FOUR_PLACES = Decimal("0.0001")


def position_rows(exchange: Exchange, account: Account, wallet: str) -> list[Json]:
    """Every position the account has or had. Profit excludes entry fees, which `total_cost_usdc` includes."""
    rows = []
    for listing in exchange.markets.listings:
        for outcome, token_id in enumerate(listing.tokens):
            position = account.positions.get(token_id)
            if position is not None:
                rows.append(_position_row(exchange, account, listing, outcome, position, wallet))
    return rows


def holdings_value(exchange: Exchange, account: Account, conditions: set[str]) -> float:
    """What the account's shares are worth at present prices; of all markets when `conditions` is empty."""
    total = Decimal(0)
    for listing in exchange.markets.listings:
        if not conditions or listing.condition_id in conditions:
            for token_id, price in zip(listing.tokens, listing.prices, strict=True):
                total += from_micro(account.shares(token_id)) * price
    return _number(total)


def trade_rows(exchange: Exchange, trades: Sequence[Trade], *, account: Account | None, taker_only: bool) -> list[Json]:
    """Settled trades, newest first, a row for each party: the taker, and the makers unless `taker_only`."""
    rows = []
    for trade in reversed(trades):
        if not trade.settled:
            continue
        for order, shares, price, cash, fee in _parties(trade, taker_only=taker_only):
            if account is None or order.account is account:
                rows.append(_trade_row(exchange, trade, order, shares, price, cash=cash, fee=fee))
    return rows


def action_rows(exchange: Exchange, account: Account, wallet: str, *, deposits: bool = False) -> list[Json]:
    """What the wallet did or received beside trading, newest first; what has no market has empty ids."""
    rows = []
    for action in reversed(exchange.wallet_activity.of(account)):
        if action.kind in ("DEPOSIT", "WITHDRAWAL") and not deposits:
            continue
        listing = exchange.markets.by_condition.get(action.condition_id)
        rows.append(
            {
                "proxy_wallet": wallet.lower(),
                "timestamp": action.at_ms // 1000,
                "condition_id": action.condition_id,
                "type": action.kind,
                "size": action.shares / MICRO,
                "usdc_size": action.dollars / MICRO,
                "transaction_hash": action.transaction_hash,
                "price": 0,
                "token_id": "",
                "side": "",
                "outcome_index": _NO_OUTCOME,
                **(_market_fields(exchange, listing) if listing else _NO_MARKET),
                "outcome": "",
                **_NO_PROFILE,
            }
        )
    return rows


def _parties(trade: Trade, *, taker_only: bool) -> Iterator[tuple[Order, int, int, int, int]]:
    """(order, shares, price, cash, fee) of each party."""
    yield trade.taker, trade.shares, trade.price, trade.cash, trade.fee
    if not taker_only:
        for fill in trade.makers:
            yield fill.order, fill.shares, fill.price, fill.cash, 0


def _trade_row(exchange: Exchange, trade: Trade, order: Order, shares: int, price: int, *, cash: int, fee: int) -> Json:
    listing = exchange.markets.by_condition[order.condition_id]
    return {
        "proxy_wallet": order.maker_address.lower(),
        "timestamp": trade.matched_at_ms // 1000,
        "condition_id": order.condition_id,
        "type": "TRADE",
        "size": shares / MICRO,
        "usdc_size": (cash + fee if order.side == "BUY" else cash - fee) / MICRO,
        "transaction_hash": trade.transaction_hash,
        "price": price / UNIT,
        "token_id": order.token_id,
        "side": order.side,
        "outcome_index": order.outcome,
        **_market_fields(exchange, listing),
        "outcome": listing.outcomes[order.outcome],
        **_NO_PROFILE,
    }


def _position_row(
    exchange: Exchange, account: Account, listing: Listing, outcome: int, position: Position, wallet: str
) -> Json:
    size, cost, fees = from_micro(position.size), from_micro(position.cost), from_micro(position.entry_fees)
    realized = from_micro(position.realized)
    price = listing.prices[outcome]
    value = size * price
    unrealized = value - cost
    spent = cost or Decimal(1)
    return {
        "proxy_wallet": wallet.lower(),
        "token_id": listing.tokens[outcome],
        "condition_id": listing.condition_id,
        "current_size": float(size),
        "avg_price": _number(cost / size) if size else 0.0,
        "entry_cost_usdc": float(cost),
        "entry_fees_usdc": float(fees),
        "total_cost_usdc": float(cost + fees),
        "current_price": float(price),
        "current_value": _number(value),
        "total_size": position.bought / MICRO,
        "realized_pnl": float(realized),
        "unrealized_pnl": _number(unrealized),
        "total_pnl": _number(realized + unrealized),
        "percent_pnl": _number(100 * unrealized / spent),
        "percent_realized_pnl": _number(100 * realized / spent),
        "status": "CLOSED" if not position.size else "REDEEMABLE" if listing.resolved_here else "OPEN",
        "redeemable": listing.resolved_here and position.size > 0,
        "mergeable": bool(position.size and account.shares(listing.tokens[1 - outcome])),
        "negative_risk": listing.neg_risk,
        "archived": False,
        **_market_fields(exchange, listing),
        "event_id": listing.recorded.event_id,
        "outcome": listing.outcomes[outcome],
        "outcome_index": outcome,
        "opposite_outcome": listing.outcomes[1 - outcome],
        "opposite_token_id": listing.tokens[1 - outcome],
        "end_date": str(listing.recorded.gamma.get("endDate") or "")[:10],
        "last_event_at": position.last_event_at,
        "first_entry_at": position.first_entry_at,
        "name": "",
        "profile_image": "",
        "verified": False,
    }


_NO_OUTCOME = 999
_NO_MARKET = {"title": "", "slug": "", "icon": "", "event_slug": ""}
_NO_PROFILE = {"name": "", "pseudonym": "", "bio": "", "profile_image": "", "profile_image_optimized": ""}


def _market_fields(exchange: Exchange, listing: Listing) -> Json:
    gamma = listing.recorded.gamma
    return {
        "title": gamma.get("question", ""),
        "slug": gamma.get("slug", ""),
        "icon": gamma.get("icon", ""),
        "event_slug": exchange.markets.event_of(listing).get("slug", ""),
    }


def _number(value: Decimal) -> float:
    """Derived figures carry four decimals."""
    return float(value.quantize(_FOUR_PLACES))
