"""Events and markets as the catalogue service sends them: the recording under what the exchange knows better."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..money import MICRO, text
from .listing import Listing
from .payloads import Json
from .units import UNIT, price_text
from .venue import Exchange

_TRADED_DOLLARS = ("volumeNum", "volumeClob", "volume24hr", "volume24hrClob", "volume1wk", "volume1mo", "volume1yr")


def market_object(exchange: Exchange, listing: Listing, *, with_events: bool = True, with_tags: bool = False) -> Json:
    """A market with live prices, volume and state. `with_events` adds its event, `with_tags` the event's tags."""
    market: Json = dict(listing.recorded.gamma)
    market.pop("events", None)
    market.pop("tags", None)
    market["orderPriceMinTickSize"] = float(listing.tick_decimal)
    market["acceptingOrders"] = listing.accepting_orders
    market["closed"] = listing.closed
    _add_volume(market, listing.volume)
    if listing.changed_at_ms is not None:
        market["updatedAt"] = _rfc3339(listing.changed_at_ms)
    if listing.oracle_steps:
        market["umaResolutionStatus"] = listing.oracle_steps[-1]
        market["umaResolutionStatuses"] = json.dumps(listing.oracle_steps)
    if listing.resolved_here:
        _lay_resolution(market, listing)
    elif not listing.closed:
        _lay_quotes(market, listing)
    event = exchange.markets.event_of(listing)
    if with_events:
        market["events"] = [{name: value for name, value in event_summary(exchange, event).items() if name != "tags"}]
    if with_tags:
        market["tags"] = list(event.get("tags") or [])
    return market


def event_summary(exchange: Exchange, event: Mapping[str, Any]) -> Json:
    """An event without its markets."""
    listings = exchange.markets.listings_of(event)
    summary: Json = {name: value for name, value in event.items() if name != "markets"}
    summary["closed"] = bool(event.get("closed", False)) or (
        bool(listings) and all(listing.closed for listing in listings)
    )
    traded = sum(listing.volume for listing in listings) / MICRO
    for name in ("volume", "volume24hr", "volume1wk", "volume1mo", "volume1yr"):
        if name in summary:
            summary[name] = summary[name] + traded
    changed = [listing.changed_at_ms for listing in listings if listing.changed_at_ms is not None]
    if changed:
        summary["updatedAt"] = _rfc3339(max(changed))
    return summary


def event_object(exchange: Exchange, event: Mapping[str, Any]) -> Json:
    """An event with its markets."""
    return {**event_summary(exchange, event), "markets": markets_of(exchange, event)}


def markets_of(exchange: Exchange, event: Mapping[str, Any]) -> list[Json]:
    """The markets of an event, without naming it."""
    return [market_object(exchange, listing, with_events=False) for listing in exchange.markets.listings_of(event)]


def all_tags(exchange: Exchange) -> list[Json]:
    """The distinct tags of the catalogue, by id."""
    tags = {str(tag["id"]): dict(tag) for event in exchange.catalogue.events for tag in event.get("tags") or []}
    return list(tags.values())


def _lay_quotes(market: Json, listing: Listing) -> None:
    bid, ask = listing.book.best_for(0)
    for name, price in (("bestBid", bid), ("bestAsk", ask)):
        market.pop(name, None)
        if price is not None:
            market[name] = price / UNIT
    market["spread"] = ((UNIT if ask is None else ask) - (bid or 0)) / UNIT
    market["outcomePrices"] = json.dumps([text(price) for price in listing.prices])
    if listing.last_trade is not None:
        last = listing.last_trade
        market["lastTradePrice"] = float(price_text(last.price if last.outcome == 0 else UNIT - last.price))


def _lay_resolution(market: Json, listing: Listing) -> None:
    market["outcomePrices"] = json.dumps([text(price) for price in listing.prices])
    if listing.changed_at_ms is not None:
        closed_at = datetime.fromtimestamp(listing.changed_at_ms / 1000, UTC)
        market["closedTime"] = closed_at.strftime("%Y-%m-%d %H:%M:%S+00")
    for name in ("bestBid", "bestAsk"):
        market.pop(name, None)


def _add_volume(market: Json, traded: int) -> None:
    if not traded:
        return
    market["volume"] = text(Decimal(str(market.get("volume", "0"))) + Decimal(traded) / MICRO)
    for name in _TRADED_DOLLARS:
        if name in market:
            market[name] = market[name] + traded / MICRO


def _rfc3339(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
