"""The liquidity programme: what resting orders can earn, and what an account has earned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...errors import UnexpectedPayload
from ...identifiers import ConditionId, OrderId, Slug, TokenId
from .fields import Flag, Moment, NumberOrZero, OptionalNumber, Shape, Text, items_of, member, number_at, read_shape
from .market_data import ClobToken, ListedTokenShape, next_cursor


@dataclass(frozen=True, slots=True)
class RewardRate:
    """Dollars a day that one sponsor pays between two days."""

    asset_address: str
    rate_per_day: Decimal
    total: Decimal
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class RewardProgramme:
    """What orders on one market must respect to earn.

    `max_spread` is the largest distance from the midpoint in cents, `min_size` shares. `question`, `slug` and `tokens`
    are given for one market and missing from the list of all.
    """

    condition_id: ConditionId
    max_spread_cents: Decimal
    min_size_shares: Decimal
    rates: tuple[RewardRate, ...]
    question: str
    slug: Slug
    tokens: tuple[ClobToken, ...]
    competitiveness: Decimal | None

    @property
    def rate_per_day(self) -> Decimal:
        """Dollars a day over all sponsors."""
        return sum((rate.rate_per_day for rate in self.rates), Decimal(0))


@dataclass(frozen=True, slots=True)
class RewardProgrammePage:
    """Some programmes. `next_cursor` is None on the last page."""

    items: tuple[RewardProgramme, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RewardEarning:
    """What an account earned in one day; `condition_id` is empty in a day's total."""

    date: datetime | None
    condition_id: ConditionId
    asset_address: str
    earnings: Decimal


@dataclass(frozen=True, slots=True)
class RewardEarningPage:
    """Some earnings. `next_cursor` is None on the last page."""

    items: tuple[RewardEarning, ...]
    next_cursor: str | None


class RewardConfigShape(Shape):
    asset_address: Text = ""
    rate_per_day: NumberOrZero = Decimal(0)
    total_rewards: NumberOrZero = Decimal(0)
    start_date: Moment = None
    end_date: Moment = None

    def to_model(self) -> RewardRate:
        return RewardRate(self.asset_address, self.rate_per_day, self.total_rewards, self.start_date, self.end_date)


class RewardMarketShape(Shape):
    condition_id: Text
    rewards_max_spread: NumberOrZero = Decimal(0)
    rewards_min_size: NumberOrZero = Decimal(0)
    rewards_config: tuple[RewardConfigShape, ...] | None = None
    question: Text = ""
    market_slug: Text = ""
    tokens: tuple[ListedTokenShape, ...] | None = None
    market_competitiveness: OptionalNumber = None

    def to_model(self) -> RewardProgramme:
        return RewardProgramme(
            condition_id=ConditionId(self.condition_id),
            max_spread_cents=self.rewards_max_spread,
            min_size_shares=self.rewards_min_size,
            rates=tuple(rate.to_model() for rate in self.rewards_config or ()),
            question=self.question,
            slug=Slug(self.market_slug),
            tokens=tuple(
                ClobToken(TokenId(token.token_id), token.outcome, token.price, token.winner)
                for token in self.tokens or ()
            ),
            competitiveness=self.market_competitiveness,
        )


class RewardEarningShape(Shape):
    date: Moment = None
    condition_id: Text = ""
    asset_address: Text = ""
    earnings: NumberOrZero

    def to_model(self) -> RewardEarning:
        return RewardEarning(self.date, ConditionId(self.condition_id), self.asset_address, self.earnings)


class ScoringShape(Shape):
    scoring: Flag


def parse_scoring(payload: Any, _: datetime) -> bool:
    member(payload, "scoring")
    return read_shape(ScoringShape, payload).scoring


def parse_scorings(payload: Any, _: datetime) -> dict[OrderId, bool]:
    """`{order id: whether it scores}`."""
    if not isinstance(payload, dict):
        raise UnexpectedPayload("expected an object keyed by order")
    return {
        OrderId(order_id): read_shape(ScoringShape, {"scoring": flag}).scoring for order_id, flag in payload.items()
    }


def parse_reward_programme(payload: Any, _: datetime) -> RewardProgramme:
    return read_shape(RewardMarketShape, payload).to_model()


def parse_reward_programme_page(payload: Any, received_at: datetime) -> RewardProgrammePage:
    return RewardProgrammePage(tuple(_programmes(member(payload, "data"))), next_cursor(payload))


def parse_reward_programme_of(payload: Any, _: datetime) -> RewardProgramme | None:
    """The programme of one market, sent as a page of one row or as the row; None when there is none."""
    rows = payload.get("data") if isinstance(payload, dict) and "data" in payload else [payload]
    return next(iter(_programmes(rows)), None)


def parse_reward_earnings(payload: Any, _: datetime) -> tuple[RewardEarning, ...]:
    """The totals of a day, a bare list."""
    return tuple(read_shape(RewardEarningShape, row, at=at).to_model() for row, at in items_of(payload))


def parse_reward_earning_page(payload: Any, _: datetime) -> RewardEarningPage:
    rows = items_of(member(payload, "data"), at="data")
    return RewardEarningPage(
        tuple(read_shape(RewardEarningShape, row, at=at).to_model() for row, at in rows), next_cursor(payload)
    )


def parse_reward_shares(payload: Any, _: datetime) -> dict[ConditionId, Decimal]:
    """Percent of each market's rewards that go to the account."""
    if not isinstance(payload, dict):
        raise UnexpectedPayload("expected an object keyed by market")
    return {ConditionId(condition_id): number_at(payload, condition_id) for condition_id in payload}


def _programmes(rows: Any) -> Iterable[RewardProgramme]:
    return (read_shape(RewardMarketShape, row, at=at).to_model() for row, at in items_of(rows, at="data"))
