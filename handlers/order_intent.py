"""The arguments of an order, and the intent they make."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ..core.errors import InputRejected
from ..core.market_data.directory import choose_outcome
from ..core.models import OrderSide, TimeInForce
from ..core.trading.intent import OrderIntent
from ..core.untrusted_text import quoted
from .arguments import AsMoment, Exact, moment_schema, number_schema
from .context import Desk

SpendUsd = Annotated[
    Decimal,
    Exact,
    Field(gt=0),
    number_schema("Most dollars to spend, fee included, e.g. 20", exclusiveMinimum=0),
]
Side = Annotated[Literal["BUY", "SELL"], Field(description="BUY or SELL shares")]
Price = Annotated[
    Decimal,
    Exact,
    Field(gt=0, lt=1),
    number_schema("Limit in dollars per share, e.g. 0.45. Omit: take at once", exclusiveMinimum=0, exclusiveMaximum=1),
]
Tif = Annotated[
    Literal["GTC", "GTD", "FOK", "FAK"],
    Field(description="With price: GTC rests, GTD until expires_at; FAK fills what it can, FOK all or none"),
]
ExpiresAt = Annotated[datetime, AsMoment, moment_schema("For GTD, e.g. 2026-06-01T12:00:00Z")]
PostOnly = Annotated[bool, Field(description="Refuse rather than trade at once")]
Slippage = Annotated[
    Decimal,
    Exact,
    Field(ge=0, lt=1),
    number_schema("Without price: most dollars beyond the best price (default 0.02)", minimum=0, exclusiveMaximum=1),
]
DraftId = Annotated[str, Field(max_length=40, description="Place this preview; then give no other order argument")]
Token = Annotated[str, Field(max_length=80, description="Your id for this order: the same one never places two")]
ForecastId = Annotated[str, Field(max_length=40, description="Recorded forecast that it follows")]
Acknowledge = Annotated[Decimal, Exact, number_schema("The draft's worst_cost, where the desk asks for it")]


def following(desk: Desk, intent: OrderIntent, forecast_id: str | None) -> OrderIntent:
    """The intent with the forecast it follows. Raises InputRejected for one that is unknown or of another market."""
    if forecast_id is None:
        return intent
    forecast = desk.forecasts.find(forecast_id)
    if forecast is None or forecast.condition_id != intent.market.condition_id:
        raise InputRejected(
            f"{quoted(forecast_id, 40)!r} is no forecast of {intent.market.slug}.",
            code="unknown_forecast",
            fix="use the forecast_id that polymarket_record_forecast answered for this market, or leave it out",
            next_tool="polymarket_record_forecast",
        )
    return dataclasses.replace(intent, forecast_id=forecast_id)


async def intent_of(
    desk: Desk,
    market_id: str | None,
    outcome: str | int | None,
    size: Decimal | Literal["all"] | None,
    spend_usd: Decimal | None,
    side: Literal["BUY", "SELL"],
    price: Decimal | None,
    time_in_force: Literal["GTC", "GTD", "FOK", "FAK"] | None,
    expires_at: datetime | None,
    post_only: bool,
    max_slippage: Decimal | None,
) -> OrderIntent:
    """Resolve the market and outcome that a call names. Raises InputRejected when either is missing or unknown."""
    if market_id is None or outcome is None:
        raise InputRejected(
            "An order needs market_id and outcome, or a draft_id.",
            code="invalid_arguments",
            fix="add the missing argument",
            next_tool="polymarket_preview_order",
        )
    reference = await desk.directory.find(market_id)
    return OrderIntent(
        market=reference.market,
        outcome=choose_outcome(reference, outcome),
        side=OrderSide(side),
        size=size,
        spend_usd=spend_usd,
        price=price,
        time_in_force=TimeInForce(time_in_force) if time_in_force else None,
        expires_at=expires_at,
        post_only=post_only,
        max_slippage=max_slippage,
    )
