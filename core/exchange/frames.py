"""Messages of the market stream. All times are milliseconds as strings of digits."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from ..money import text
from .listing import Listing
from .payloads import Json, best_texts, book_payload
from .trades import Trade
from .units import UNIT, amount_text, price_text


def dumps(message: Any) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def book_frame(book: Json, *, refresh: bool) -> Json:
    """A `book` message. The one after a trade has its fields in another order and neither tick nor last price."""
    if refresh:
        names = ("market", "asset_id", "bids", "asks", "hash", "timestamp")
        return {**{name: book[name] for name in names}, "event_type": "book"}
    return {
        "market": book["market"],
        "asset_id": book["asset_id"],
        "timestamp": book["timestamp"],
        "hash": book["hash"],
        "bids": book["bids"],
        "asks": book["asks"],
        "tick_size": book["tick_size"],
        "event_type": "book",
        "last_trade_price": book["last_trade_price"],
    }


def opening_books(listings: list[tuple[Listing, int]], *, now_ms: int) -> list[Json]:
    """What a new subscription begins with."""
    return [
        book_frame(book_payload(listing, outcome, now_ms=now_ms), refresh=False)
        for listing, outcome in listings
        if not listing.closed
    ]


def price_change_frame(
    listing: Listing, levels: tuple[tuple[bool, int], ...], hashes: tuple[str, str], *, now_ms: int
) -> Json:
    """Each changed level twice: as it stands in the first outcome's book and, mirrored, in the second's."""
    changes = []
    best = best_texts(listing, 0), best_texts(listing, 1)
    for is_bid, price in levels:
        side = listing.book.bids if is_bid else listing.book.asks
        size = amount_text(side.size_at(price))
        for outcome in (0, 1):
            changes.append(
                {
                    "asset_id": listing.tokens[outcome],
                    "price": price_text(price if outcome == 0 else UNIT - price),
                    "size": size,
                    "side": "BUY" if is_bid == (outcome == 0) else "SELL",
                    "hash": hashes[outcome],
                    "best_bid": best[outcome][0],
                    "best_ask": best[outcome][1],
                }
            )
    return {
        "market": listing.condition_id,
        "price_changes": changes,
        "timestamp": str(now_ms),
        "event_type": "price_change",
    }


def last_trade_frame(trade: Trade, *, now_ms: int) -> Json:
    return {
        "market": trade.taker.condition_id,
        "asset_id": trade.taker.token_id,
        "price": price_text(trade.price),
        "size": amount_text(trade.shares),
        "fee_rate_bps": "0",
        "side": trade.taker.side,
        "timestamp": str(now_ms),
        "event_type": "last_trade_price",
        "transaction_hash": trade.transaction_hash,
    }


def best_bid_ask_frame(listing: Listing, outcome: int, *, now_ms: int) -> Json:
    bid, ask = listing.book.best_for(outcome)
    best_bid, best_ask = best_texts(listing, outcome)
    return {
        "market": listing.condition_id,
        "asset_id": listing.tokens[outcome],
        "best_bid": best_bid,
        "best_ask": best_ask,
        "spread": price_text((UNIT if ask is None else ask) - (bid or 0)),
        "timestamp": str(now_ms),
        "event_type": "best_bid_ask",
    }


def tick_size_frame(listing: Listing, outcome: int, *, former: int, now_ms: int) -> Json:
    return {
        "market": listing.condition_id,
        "asset_id": listing.tokens[outcome],
        "old_tick_size": price_text(former),
        "new_tick_size": price_text(listing.tick),
        "timestamp": str(now_ms),
        "event_type": "tick_size_change",
    }


def market_resolved_frame(listing: Listing, event: Json, *, now_ms: int) -> Json:
    """`event` is the catalogue's event. A split payout has no winner, so both winner fields are empty."""
    gamma = listing.recorded.gamma
    winner = listing.winner
    return {
        "id": listing.gamma_id,
        "market": listing.condition_id,
        "question": gamma.get("question", ""),
        "slug": gamma.get("slug", ""),
        "description": gamma.get("description", ""),
        "assets_ids": list(listing.tokens),
        "outcomes": list(listing.outcomes),
        "winning_asset_id": "" if winner is None else listing.tokens[winner],
        "winning_outcome": "" if winner is None else listing.outcomes[winner],
        "event_message": {name: event.get(name, "") for name in ("id", "ticker", "slug", "title", "description")},
        "tags": [tag["slug"] for tag in event.get("tags") or []],
        "timestamp": str(now_ms),
        "event_type": "market_resolved",
    }


def new_market_frame(listing: Listing, event: Json, *, now_ms: int) -> Json:
    """`event` is the catalogue's event. Figures of the fee schedule are strings here."""
    gamma, fees = listing.recorded.gamma, listing.fees
    return {
        "id": listing.gamma_id,
        "question": gamma.get("question", ""),
        "market": listing.condition_id,
        "slug": gamma.get("slug", ""),
        "description": gamma.get("description", ""),
        "assets_ids": list(listing.tokens),
        "outcomes": list(listing.outcomes),
        "event_message": {name: event.get(name, "") for name in ("id", "ticker", "slug", "title", "description")},
        "timestamp": str(now_ms),
        "event_type": "new_market",
        "tags": [tag["slug"] for tag in event.get("tags") or []],
        "condition_id": listing.condition_id,
        "active": bool(gamma.get("active", True)),
        "clob_token_ids": list(listing.tokens),
        "sports_market_type": gamma.get("sportsMarketType") or "",
        "line": text(Decimal(str(gamma.get("line")))) if gamma.get("line") is not None else "",
        "game_start_time": gamma.get("gameStartTime") or "",
        "order_price_min_tick_size": price_text(listing.tick),
        "group_item_title": gamma.get("groupItemTitle") or "",
        "taker_base_fee": str(listing.recorded.clob.get("tbf", 0)),
        "fees_enabled": bool(fees.rate),
        "fee_schedule": {
            "exponent": str(fees.exponent),
            "rate": text(fees.rate),
            "taker_only": fees.taker_only,
            "rebate_rate": text(fees.rebate_rate),
        },
    }
