"""A real market in the form that the exchange lists: its text, outcomes and terms, without its book."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..exchange.catalogue import RecordedMarket
from ..models import Market
from ..money import FeeSchedule, text
from ..polymarket.wire.market_data import ClobMarket

_HALF = Decimal("0.5")


def recorded_market(market: Market, terms: ClobMarket | None, *, at: datetime) -> RecordedMarket:
    """What the catalogue says of a market, with what the order book service says orders must respect.

    Where `terms` are unknown, as for markets that have ended, the catalogue's take their place.
    """
    tick = terms.tick if terms else market.tick
    min_size = terms.min_size if terms else market.min_size
    neg_risk = terms.neg_risk if terms else market.neg_risk
    delay_s = terms.taker_delay_s if terms else market.taker_delay_s
    fees = terms.fees if terms else market.fees
    accepting = market.accepting_orders and (terms is None or terms.accepting_orders)
    gamma: dict[str, Any] = {
        "id": market.id,
        "conditionId": market.condition_id,
        "slug": market.slug,
        "question": market.question,
        "description": market.description,
        "outcomes": json.dumps([outcome.label for outcome in market.outcomes]),
        "outcomePrices": json.dumps([text(_HALF if each.price is None else each.price) for each in market.outcomes]),
        "clobTokenIds": json.dumps([outcome.token_id for outcome in market.outcomes]),
        "active": market.active,
        "closed": market.closed,
        "acceptingOrders": accepting,
        "enableOrderBook": True,
        "negRisk": neg_risk,
        "orderPriceMinTickSize": float(tick),
        "orderMinSize": float(min_size),
        "secondsDelay": delay_s,
        "feesEnabled": bool(fees.rate),
        "feeSchedule": _gamma_fees(market.fees, fees),
        "volume": "0",
        "liquidity": "0",
    }
    if market.end_date is not None:
        gamma["endDate"] = market.end_date.strftime("%Y-%m-%dT%H:%M:%SZ")
    clob: dict[str, Any] = {
        "t": [{"t": outcome.token_id, "o": outcome.label} for outcome in market.outcomes],
        "c": market.condition_id,
        "mos": float(min_size),
        "mts": float(tick),
        "nr": neg_risk,
        "ao": accepting,
        "sd": delay_s,
    }
    if terms and terms.holds_takers_briefly:
        clob["itode"] = True
    if fees.rate:
        clob["fd"] = {"r": float(fees.rate), "e": fees.exponent, "to": fees.taker_only}
    return RecordedMarket(
        gamma=gamma,
        event_id=market.event_id,
        clob=clob,
        bids=(),
        asks=(),
        last_trade_price=market.last_trade_price,
        history=(),
        recorded_at=at,
    )


def event_head(market: Market) -> dict[str, Any]:
    """The market's event, as far as the market names it."""
    return {
        "id": market.event_id,
        "slug": market.event_slug,
        "title": market.event_title,
        "negRisk": market.neg_risk,
        "tags": [],
    }


def _gamma_fees(published: FeeSchedule, charged: FeeSchedule) -> dict[str, Any]:
    """Only the catalogue tells the makers' share."""
    return {
        "rate": float(charged.rate),
        "exponent": charged.exponent,
        "takerOnly": charged.taker_only,
        "rebateRate": float(published.rebate_rate),
    }
