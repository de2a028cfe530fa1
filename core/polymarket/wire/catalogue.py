"""Gamma's markets, events, tags and search results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from ...errors import UnexpectedPayload
from ...identifiers import ConditionId, EventId, MarketId, Slug, TokenId
from ...models import Event, Market, Outcome, Resolution
from ...money import NO_FEES, FeeSchedule
from .fields import (
    CamelShape,
    Flag,
    Moment,
    NumberList,
    NumberOrZero,
    OptionalNumber,
    Text,
    TextList,
    member,
    read_list,
    read_shape,
)

DEFAULT_TICK = Decimal("0.01")
DEFAULT_MIN_SIZE = Decimal(5)
DEAREST_FEES = FeeSchedule(rate=Decimal("0.07"))
"""The dearest schedule the venue has published: assumed where fees are on and their rate is not stated."""

_UNDECIDED = {"proposed", "disputed", "requested"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A subject that events are filed under."""

    id: str
    label: str
    slug: Slug


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of search results. `total` counts all matching events."""

    events: tuple[Event, ...]
    has_more: bool
    total: int


@dataclass(frozen=True, slots=True)
class MarketPage:
    """Some markets. `next_cursor` is None on the last page."""

    markets: tuple[Market, ...]
    next_cursor: str | None

    @property
    def items(self) -> tuple[Market, ...]:
        return self.markets


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events. `next_cursor` is None on the last page."""

    events: tuple[Event, ...]
    next_cursor: str | None

    @property
    def items(self) -> tuple[Event, ...]:
        return self.events


class FeeScheduleShape(CamelShape):
    rate: NumberOrZero = Decimal(0)
    exponent: NumberOrZero = Decimal(1)
    taker_only: bool = True
    rebate_rate: NumberOrZero = Decimal(0)

    def to_model(self) -> FeeSchedule:
        return FeeSchedule(self.rate, int(self.exponent), self.taker_only, self.rebate_rate)


class TagShape(CamelShape):
    id: Text
    label: Text = ""
    slug: Text = ""

    def to_model(self) -> Tag:
        return Tag(self.id, self.label, Slug(self.slug))


class EventHeadShape(CamelShape):
    """The event as a market names it, without its markets."""

    id: Text = ""
    slug: Text = ""
    title: Text = ""
    category: Text = ""
    tags: tuple[TagShape, ...] | None = None


class MarketShape(CamelShape):
    id: Text
    question: Text = ""
    condition_id: Text = ""
    slug: Text = ""
    description: Text = ""
    category: Text = ""
    group_item_title: Text = ""
    outcomes: TextList = ()
    outcome_prices: NumberList = ()
    clob_token_ids: TextList = ()
    active: Flag = False
    closed: Flag = False
    accepting_orders: Flag = False
    neg_risk: Flag = False
    neg_risk_market_id: Text = Field(default="", alias="negRiskMarketID")
    start_date: Moment = None
    end_date: Moment = None
    updated_at: Moment = None
    closed_time: Moment = None
    order_price_min_tick_size: OptionalNumber = None
    order_min_size: OptionalNumber = None
    seconds_delay: NumberOrZero = Decimal(0)
    fees_enabled: bool | None = None
    fee_schedule: FeeScheduleShape | None = None
    volume: OptionalNumber = None
    volume_num: OptionalNumber = None
    volume_24hr: NumberOrZero = Field(default=Decimal(0), alias="volume24hr")
    liquidity: OptionalNumber = None
    liquidity_num: OptionalNumber = None
    best_bid: OptionalNumber = None
    best_ask: OptionalNumber = None
    last_trade_price: OptionalNumber = None
    one_day_price_change: OptionalNumber = None
    one_week_price_change: OptionalNumber = None
    resolution_source: Text = ""
    resolved_by: Text = ""
    uma_resolution_status: Text = ""
    uma_resolution_statuses: TextList = ()
    events: tuple[EventHeadShape, ...] | None = None
    tags: tuple[TagShape, ...] | None = None

    def to_model(self, *, fetched_at: datetime, event: EventHeadShape | None = None) -> Market:
        """`event` is the event the market was read from; a market read alone names its own."""
        head = event or (self.events[0] if self.events else EventHeadShape())
        return Market(
            id=MarketId(self.id),
            question=self.question,
            outcomes=self._outcomes(),
            end_date=self.end_date,
            liquidity=_first(self.liquidity_num, self.liquidity),
            volume=_first(self.volume_num, self.volume),
            condition_id=ConditionId(self.condition_id),
            slug=Slug(self.slug),
            description=self.description,
            event_id=head.id,
            event_slug=head.slug,
            event_title=head.title,
            group_title=self.group_item_title,
            category=self.category or head.category,
            active=self.active,
            closed=self.closed,
            accepting_orders=self.accepting_orders,
            neg_risk=self.neg_risk,
            neg_risk_market_id=self.neg_risk_market_id,
            tick=self.order_price_min_tick_size or DEFAULT_TICK,
            min_size=DEFAULT_MIN_SIZE if self.order_min_size is None else self.order_min_size,
            fees=self._fees(),
            volume_24h=self.volume_24hr,
            best_bid=self.best_bid,
            best_ask=self.best_ask,
            last_trade_price=self.last_trade_price,
            one_day_change=self.one_day_price_change,
            one_week_change=self.one_week_price_change,
            taker_delay_s=int(self.seconds_delay),
            tags=tuple(tag.label for tag in (self.tags or head.tags or ())),
            resolution=self._resolution(),
            start_date=self.start_date,
            updated_at=self.updated_at,
            fetched_at=fetched_at,
        )

    def _outcomes(self) -> tuple[Outcome, ...]:
        """Labels, tokens and prices belong together by position; old markets lack tokens or prices."""
        return tuple(
            Outcome(
                label=label,
                token_id=TokenId(self.clob_token_ids[index] if index < len(self.clob_token_ids) else ""),
                price=self.outcome_prices[index] if index < len(self.outcome_prices) else None,
            )
            for index, label in enumerate(self.outcomes)
        )

    def _fees(self) -> FeeSchedule:
        if self.fees_enabled is False:
            return NO_FEES
        if self.fee_schedule is not None:
            return self.fee_schedule.to_model()
        return DEAREST_FEES if self.fees_enabled else NO_FEES

    def _resolution(self) -> Resolution:
        """List rows lack the final word and carry only the history; there, prices of 1 and 0 say it is decided."""
        status = self.uma_resolution_status
        decided = self.closed and sorted(self.outcome_prices) == [0] * (len(self.outcome_prices) - 1) + [1]
        winner = None
        if decided and status not in _UNDECIDED:
            winner = self.outcomes[self.outcome_prices.index(Decimal(1))]
            status = status or "resolved"
        if not status and self.uma_resolution_statuses:
            status = self.uma_resolution_statuses[-1]
        return Resolution(
            source=self.resolution_source,
            status=status,
            winner=winner,
            resolved_by=self.resolved_by,
            closed_at=self.closed_time,
        )


class EventShape(EventHeadShape):
    id: Text
    description: Text = ""
    neg_risk: Flag = False
    active: Flag = False
    closed: Flag = False
    end_date: Moment = None
    volume: NumberOrZero = Decimal(0)
    liquidity: NumberOrZero = Decimal(0)
    markets: tuple[MarketShape, ...] | None = None

    def to_model(self, *, fetched_at: datetime) -> Event:
        return Event(
            id=EventId(self.id),
            slug=Slug(self.slug),
            title=self.title,
            description=self.description,
            neg_risk=self.neg_risk,
            active=self.active,
            closed=self.closed,
            end_date=self.end_date,
            volume=self.volume,
            liquidity=self.liquidity,
            tags=tuple(tag.label for tag in (self.tags or ())),
            markets=tuple(market.to_model(fetched_at=fetched_at, event=self) for market in (self.markets or ())),
        )


def _first(*numbers: Decimal | None) -> Decimal:
    return next((number for number in numbers if number is not None), Decimal(0))


def parse_market(payload: Any, fetched_at: datetime) -> Market:
    return read_shape(MarketShape, payload).to_model(fetched_at=fetched_at)


def parse_event(payload: Any, fetched_at: datetime) -> Event:
    return read_shape(EventShape, payload).to_model(fetched_at=fetched_at)


def parse_market_page(payload: Any, fetched_at: datetime) -> MarketPage:
    shapes = read_list(MarketShape, member(payload, "markets"), at="markets")
    return MarketPage(tuple(shape.to_model(fetched_at=fetched_at) for shape in shapes), _next_cursor(payload))


def parse_event_page(payload: Any, fetched_at: datetime) -> EventPage:
    shapes = read_list(EventShape, member(payload, "events"), at="events")
    return EventPage(tuple(shape.to_model(fetched_at=fetched_at) for shape in shapes), _next_cursor(payload))


def parse_tag(payload: Any, _: datetime) -> Tag:
    return read_shape(TagShape, payload).to_model()


def parse_tags(payload: Any, _: datetime) -> tuple[Tag, ...]:
    return tuple(shape.to_model() for shape in read_list(TagShape, payload))


def parse_search_page(payload: Any, fetched_at: datetime) -> SearchPage:
    """Search results. The slim form of the answer has `hasMore` on top and no total; then the page is counted."""
    if not isinstance(payload, dict):
        raise UnexpectedPayload("expected an object with events")
    events = tuple(
        shape.to_model(fetched_at=fetched_at) for shape in read_list(EventShape, payload.get("events"), at="events")
    )
    pagination = payload.get("pagination") or payload
    return SearchPage(events, bool(pagination.get("hasMore")), int(pagination.get("totalResults") or len(events)))


def _next_cursor(payload: Any) -> str | None:
    return payload.get("next_cursor") or None
