"""Markets and their liquidity programmes as the reward routes show them."""

from __future__ import annotations

from ..money import MICRO
from .listing import Listing
from .payloads import Json
from .rewards import Programme
from .units import UNIT, amount_number
from .venue import Exchange

_FAR_FUTURE = "2500-12-31"


def programme_row(listing: Listing, programme: Programme) -> Json:
    """One market's programme as the list of current programmes shows it."""
    configs = _configs(programme)
    daily = sum(config["rate_per_day"] for config in configs)
    return {
        "condition_id": listing.condition_id,
        "rewards_max_spread": float(programme.max_spread * 100),
        "rewards_min_size": amount_number(programme.min_size),
        "rewards_config": configs,
        "sponsored_daily_rate": 0,
        "sponsors_count": 0,
        "native_daily_rate": daily,
        "total_daily_rate": daily,
    }


def reward_market(exchange: Exchange, listing: Listing, programme: Programme) -> Json:
    """One market with its programme, its prices and what identifies it."""
    gamma, event = listing.recorded.gamma, exchange.markets.event_of(listing)
    bid, ask = listing.book.best_for(0)
    return {
        "condition_id": listing.condition_id,
        "event_id": listing.recorded.event_id,
        "event_slug": event.get("slug", ""),
        "created_at": gamma.get("createdAt", ""),
        "group_item_title": gamma.get("groupItemTitle", ""),
        "image": gamma.get("image", ""),
        "market_competitiveness": 0,
        "market_id": listing.gamma_id,
        "market_slug": gamma.get("slug", ""),
        "one_day_price_change": gamma.get("oneDayPriceChange", 0),
        "question": gamma.get("question", ""),
        "rewards_max_spread": float(programme.max_spread * 100),
        "rewards_min_size": amount_number(programme.min_size),
        "spread": ((UNIT if ask is None else ask) - (bid or 0)) / UNIT,
        "end_date": str(gamma.get("endDate") or "").replace("T", " ").replace("Z", "+00"),
        "tokens": [
            {"token_id": token_id, "outcome": outcome, "price": float(price)}
            for token_id, outcome, price in zip(listing.tokens, listing.outcomes, listing.prices, strict=True)
        ],
        "volume_24hr": float(gamma.get("volume24hr", 0)) + listing.volume / MICRO,
        "rewards_config": _configs(programme),
    }


def _configs(programme: Programme) -> list[Json]:
    return [
        {
            "id": int(rate.get("id") or number),
            "asset_address": rate.get("assetAddress", ""),
            "start_date": rate.get("startDate", "2026-01-01"),
            "end_date": rate.get("endDate", _FAR_FUTURE),
            "rate_per_day": rate.get("rewardsDailyRate", 0),
            "total_rewards": rate.get("rewardsAmount", 0),
        }
        for number, rate in enumerate(programme.rates, start=1)
    ]
