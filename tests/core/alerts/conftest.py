"""Markets for conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from polydesk.core.identifiers import ConditionId, MarketId, Slug, TokenId
from polydesk.core.models import Market, Outcome
from polydesk.core.models.market import Resolution
from polydesk.core.money import NO_FEES


@pytest.fixture
def a_market() -> Market:
    return Market(
        id=MarketId("1"),
        question="Rain?",
        outcomes=(Outcome("Yes", TokenId("7")), Outcome("No", TokenId("8"))),
        end_date=None,
        liquidity=Decimal(0),
        volume=Decimal(0),
        condition_id=ConditionId("0x1"),
        slug=Slug("rain"),
        description="",
        event_id="1",
        event_slug="rain",
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
        fees=NO_FEES,
        volume_24h=Decimal(0),
        best_bid=None,
        best_ask=None,
        last_trade_price=None,
        one_day_change=None,
        one_week_change=None,
        taker_delay_s=0,
        tags=(),
        resolution=Resolution("", "", None, "", None),
        start_date=None,
        updated_at=None,
        fetched_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
