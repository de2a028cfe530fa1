"""A market and books small enough to check by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from polydesk.core.identifiers import ConditionId, MarketId, Slug, TokenId
from polydesk.core.models import Market, OrderBook, Outcome, PriceLevel, Resolution
from polydesk.core.money import FeeSchedule

NOW = datetime(2026, 5, 17, 6, 0, tzinfo=UTC)
CONDITION = ConditionId("0x" + "ab" * 32)
YES, NO = TokenId("1" * 70), TokenId("2" * 70)

Levels = tuple[tuple[str, str], ...]
MakeMarket = Callable[..., Market]
MakeBook = Callable[..., OrderBook]

_MARKET = Market(
    id=MarketId("1"),
    question="Will it rain?",
    outcomes=(Outcome("Yes", YES, Decimal("0.49")), Outcome("No", NO, Decimal("0.51"))),
    end_date=datetime(2026, 6, 17, tzinfo=UTC),
    liquidity=Decimal(1000),
    volume=Decimal(1000),
    condition_id=CONDITION,
    slug=Slug("will-it-rain"),
    description="It rains if it rains.",
    event_id="9",
    event_slug="weather",
    event_title="Weather",
    group_title="",
    category="",
    active=True,
    closed=False,
    accepting_orders=True,
    neg_risk=False,
    neg_risk_market_id="",
    tick=Decimal("0.01"),
    min_size=Decimal(5),
    fees=FeeSchedule(rate=Decimal("0.05")),
    volume_24h=Decimal(10),
    best_bid=None,
    best_ask=None,
    last_trade_price=None,
    one_day_change=None,
    one_week_change=None,
    taker_delay_s=0,
    tags=("Weather",),
    resolution=Resolution("", "", None, "", None),
    start_date=None,
    updated_at=None,
    fetched_at=NOW,
)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_market() -> MakeMarket:
    """A binary market with a 0.01 tick, a minimum of 5 shares and a 5 % fee rate; fields can be replaced."""

    def make(**changes: Any) -> Market:
        return dataclasses.replace(_MARKET, **changes)

    return make


@pytest.fixture
def make_book() -> MakeBook:
    """A book around 0.49, levels best first as (price, shares)."""

    def make(
        bids: Levels = (("0.48", "100"), ("0.47", "200")),
        asks: Levels = (("0.50", "100"), ("0.51", "200"), ("0.60", "1000")),
        *,
        tick: str = "0.01",
        received_at: datetime = NOW,
    ) -> OrderBook:
        return OrderBook(
            market_id=CONDITION,
            token_id=YES,
            bids=tuple(PriceLevel(Decimal(price), Decimal(size)) for price, size in bids),
            asks=tuple(PriceLevel(Decimal(price), Decimal(size)) for price, size in asks),
            timestamp=NOW,
            received_at=received_at,
            tick=Decimal(tick),
            min_size=Decimal(5),
            neg_risk=False,
            last_trade_price=None,
            hash="",
        )

    return make
