"""Orders, trades and books as the venue's JSON, the same for REST and streams."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .book import Order
from .ledger import Account
from .listing import Listing
from .rejections import FAK_KILLED, FOK_KILLED
from .trades import MakerFill, Trade
from .units import UNIT, amount_text, price_text

Json = dict[str, Any]


def book_hash(book: Json) -> str:
    """SHA-1 over the compact JSON of the book's documented fields, in this order, with an empty hash."""
    fields = {
        "market": book["market"],
        "asset_id": book["asset_id"],
        "timestamp": book["timestamp"],
        "hash": "",
        "bids": book["bids"],
        "asks": book["asks"],
        "min_order_size": book["min_order_size"],
        "tick_size": book["tick_size"],
        "neg_risk": book["neg_risk"],
        "last_trade_price": book["last_trade_price"],
    }
    return hashlib.sha1(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def book_payload(listing: Listing, outcome: int, *, now_ms: int) -> Json:
    """A whole book, worst price first. Its timestamp is the latest change, so an unchanged book keeps its hash.

    `last_trade_price` is the market's, whichever outcome traded, as in recorded books.
    """
    bids, asks = listing.book.levels_for(outcome)
    last = listing.last_trade
    book: Json = {
        "market": listing.condition_id,
        "asset_id": listing.tokens[outcome],
        "timestamp": str(listing.changed_at_ms or now_ms),
        "hash": "",
        "bids": [{"price": price_text(price), "size": amount_text(size)} for price, size in bids],
        "asks": [{"price": price_text(price), "size": amount_text(size)} for price, size in asks],
        "min_order_size": amount_text(listing.min_size),
        "tick_size": price_text(listing.tick),
        "neg_risk": listing.neg_risk,
        "last_trade_price": price_text(last.price) if last else "",
    }
    book["hash"] = book_hash(book)
    return book


def best_texts(listing: Listing, outcome: int) -> tuple[str, str]:
    """Best bid and ask as streams write them: "0" and "1" stand for an empty side."""
    bid, ask = listing.book.best_for(outcome)
    return price_text(bid or 0), price_text(UNIT if ask is None else ask)


def open_order_payload(order: Order, listing: Listing) -> Json:
    """An order as `/data/orders` and `/data/order/{id}` show it."""
    return {
        "id": order.id,
        "status": order.status,
        "owner": order.owner,
        "maker_address": order.maker_address,
        "market": order.condition_id,
        "asset_id": order.token_id,
        "side": order.side,
        "original_size": amount_text(_original_size(order)),
        "size_matched": amount_text(order.filled),
        "price": price_text(order.price),
        "outcome": listing.outcomes[order.outcome],
        "expiration": str(order.expiration),
        "order_type": order.order_type,
        "associate_trades": list(order.trade_ids),
        "created_at": order.created_at_ms // 1000,
    }


def order_event(order: Order, listing: Listing, *, kind: str, now_ms: int) -> Json:
    """An `order` message of the user stream; every time is a string of digits.

    Of an order that was killed on entry the venue tells neither a time, nor an outcome, nor what it matched.
    """
    payload = open_order_payload(order, listing)
    payload["created_at"] = str(payload["created_at"])
    if order.status.removeprefix("CANCELED_") in (FOK_KILLED, FAK_KILLED):
        payload |= {"created_at": "", "outcome": "", "size_matched": ""}
    return {
        "event_type": "order",
        "type": kind,
        **payload,
        "order_owner": order.owner,
        "timestamp": str(now_ms),
    }


def trade_payload(trade: Trade, listing: Listing, account: Account) -> Json:
    """A trade as `account` sees it in `/data/trades`: the top describes the taker, whoever asks."""
    taker = trade.taker
    is_taker = taker.account is account
    own = taker if is_taker else next(fill.order for fill in trade.makers if fill.order.account is account)
    return {
        "id": trade.id,
        "taker_order_id": taker.id,
        "market": taker.condition_id,
        "asset_id": taker.token_id,
        "side": taker.side,
        "size": amount_text(trade.shares),
        "fee_rate_bps": "0",
        "price": price_text(trade.price),
        "status": trade.status,
        "match_time": str(trade.matched_at_ms // 1000),
        "match_time_nano": str(trade.matched_at_ms * 1_000_000),
        "last_update": str(trade.updated_at_ms // 1000),
        "outcome": listing.outcomes[taker.outcome],
        "bucket_index": trade.bucket_index,
        "owner": own.owner,
        "maker_address": own.maker_address,
        "transaction_hash": trade.transaction_hash,
        "err_msg": None,
        "trader_side": "TAKER" if is_taker else "MAKER",
        "maker_orders": [_maker_payload(fill, listing) for fill in trade.makers],
    }


def trade_event(trade: Trade, listing: Listing, account: Account, *, now_ms: int) -> Json:
    """A `trade` message of the user stream."""
    payload = trade_payload(trade, listing, account)
    del payload["match_time_nano"], payload["err_msg"]
    return {
        "event_type": "trade",
        "type": "TRADE",
        **payload,
        "trade_owner": payload["owner"],
        "matchtime": payload["match_time"],
        "timestamp": str(now_ms),
    }


def _maker_payload(fill: MakerFill, listing: Listing) -> Json:
    order = fill.order
    return {
        "order_id": order.id,
        "owner": order.owner,
        "maker_address": order.maker_address,
        "matched_amount": amount_text(fill.shares),
        "price": price_text(fill.price),
        "fee_rate_bps": "0",
        "asset_id": order.token_id,
        "outcome": listing.outcomes[order.outcome],
        "side": order.side,
    }


def _original_size(order: Order) -> int:
    """A market BUY that spends its budget may get more shares than it asked for at least."""
    return max(order.size, order.filled)
