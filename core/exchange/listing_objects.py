"""Markets as the order book service lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .listing import Listing
from .payloads import Json
from .rewards import programme_of
from .units import amount_number


def simplified_market(listing: Listing, event: Mapping[str, Any]) -> Json:
    """The few fields of the short listings; none of them is of the market's `event`."""
    return {
        "condition_id": listing.condition_id,
        "rewards": _rewards(listing),
        "tokens": _tokens(listing),
        "active": bool(listing.recorded.gamma.get("active", True)),
        "closed": listing.closed,
        "archived": bool(listing.recorded.gamma.get("archived", False)),
        "accepting_orders": listing.accepting_orders,
    }


def full_market(listing: Listing, event: Mapping[str, Any]) -> Json:
    """All fields of a market, with the labels of its `event`."""
    gamma, clob = listing.recorded.gamma, listing.recorded.clob
    return {
        "enable_order_book": not listing.closed,
        **simplified_market(listing, event),
        "accepting_order_timestamp": gamma.get("acceptingOrdersTimestamp"),
        "minimum_order_size": amount_number(listing.min_size),
        "minimum_tick_size": float(listing.tick_decimal),
        "question_id": gamma.get("questionID", ""),
        "question": gamma.get("question", ""),
        "description": gamma.get("description", ""),
        "market_slug": gamma.get("slug", ""),
        "end_date_iso": gamma.get("endDate"),
        "game_start_time": gamma.get("gameStartTime"),
        "seconds_delay": int(listing.seconds_delay),
        "fpmm": "",
        "maker_base_fee": clob.get("mbf", 0),
        "taker_base_fee": clob.get("tbf", 0),
        "notifications_enabled": True,
        "neg_risk": listing.neg_risk,
        "neg_risk_market_id": gamma.get("negRiskMarketID", "") if listing.neg_risk else "",
        "neg_risk_request_id": gamma.get("negRiskRequestID", "") if listing.neg_risk else "",
        "icon": gamma.get("icon", ""),
        "image": gamma.get("image", ""),
        "is_50_50_outcome": listing.resolved_here and listing.winner is None,
        "tags": [tag["label"] for tag in event.get("tags") or []],
    }


def _tokens(listing: Listing) -> list[Json]:
    prices = listing.prices
    return [
        {
            "token_id": listing.tokens[outcome],
            "outcome": listing.outcomes[outcome],
            "price": float(prices[outcome]),
            "winner": listing.closed and listing.winner == outcome,
        }
        for outcome in (0, 1)
    ]


def _rewards(listing: Listing) -> Json:
    """The reward programme; its rates are null where the recording does not tell them."""
    if programme_of(listing) is None:
        return {"rates": None, "min_size": 0, "max_spread": 0}
    gamma = listing.recorded.gamma
    rates = [
        {"asset_address": row.get("assetAddress", ""), "rewards_daily_rate": row.get("rewardsDailyRate", 0)}
        for row in gamma.get("clobRewards") or []
    ]
    return {
        "rates": rates or None,
        "min_size": gamma.get("rewardsMinSize", 0),
        "max_spread": gamma.get("rewardsMaxSpread", 0),
    }
