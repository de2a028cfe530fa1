"""The Data API's figures about markets and traders: holders, open interest, volume, ranks, resolutions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...identifiers import Address, ConditionId, TokenId
from ...models import Holder, Standing
from .data_api import DataPage, next_data_cursor
from .fields import Flag, Moment, NumberOrZero, OptionalNumber, Shape, Text, member, read_list, read_shape

_UNSET_PRICE = Decimal(69)
"""What the oracle's records carry where no price was proposed or set."""

GLOBAL = "GLOBAL"
"""The condition id of the row that stands for all markets."""


@dataclass(frozen=True, slots=True)
class LiveVolume:
    """What takers traded in an event, in shares, in all and by market."""

    total_shares: Decimal
    by_market: dict[ConditionId, Decimal]


@dataclass(frozen=True, slots=True)
class ResolutionRecord:
    """Where the oracle stands on one question; a price is None while it is not set."""

    condition_id: ConditionId
    question_id: str
    status: str
    disputed: bool
    proposed_price: Decimal | None
    price: Decimal | None
    updated_at: datetime | None


class HolderShape(Shape):
    proxy_wallet: Text
    token_id: Text = ""
    amount: Decimal
    outcome_index: int | None = None
    name: Text = ""

    def to_model(self, token_id: str) -> Holder:
        """`outcome_index` 999 means that the venue does not know it."""
        known = self.outcome_index if self.outcome_index in (0, 1) else None
        return Holder(Address(self.proxy_wallet), TokenId(self.token_id or token_id), self.amount, known, self.name)


class HoldersShape(Shape):
    token_id: Text
    holders: tuple[HolderShape, ...] | None = None


class OpenInterestShape(Shape):
    condition_id: Text
    value: Decimal


class MarketVolumeShape(Shape):
    condition_id: Text
    taker_volume: NumberOrZero


class LiveVolumeShape(Shape):
    taker_volume_total: NumberOrZero
    conditions: tuple[MarketVolumeShape, ...] | None = None


class StandingShape(Shape):
    user_id: Text = ""
    proxy_wallet: Text = ""
    user_name: Text = ""
    rank: OptionalNumber = None
    rank_pnl: OptionalNumber = None
    rank_volume: OptionalNumber = None
    pnl: NumberOrZero
    volume: NumberOrZero = Decimal(0)

    def to_model(self) -> Standing:
        rank = self.rank if self.rank is not None else self.rank_pnl
        return Standing(
            user=self.user_id or self.proxy_wallet,
            name=self.user_name,
            rank=None if rank is None else int(rank),
            volume_rank=None if self.rank_volume is None else int(self.rank_volume),
            profit=self.pnl,
            volume=self.volume,
        )


class ResolutionShape(Shape):
    condition_id: Text = ""
    question_id: Text = ""
    status: Text
    was_disputed: Flag = False
    proposed_price: OptionalNumber = None
    price: OptionalNumber = None
    last_update_timestamp: Moment = None

    def to_model(self) -> ResolutionRecord:
        return ResolutionRecord(
            condition_id=ConditionId(self.condition_id),
            question_id=self.question_id,
            status=self.status,
            disputed=self.was_disputed,
            proposed_price=_price(self.proposed_price),
            price=_price(self.price),
            updated_at=self.last_update_timestamp,
        )


def parse_holders(payload: Any, _: datetime) -> dict[TokenId, tuple[Holder, ...]]:
    """Holders by token, the largest first."""
    groups = read_list(HoldersShape, member(payload, "data"), at="data")
    return {
        TokenId(group.token_id): tuple(
            sorted((row.to_model(group.token_id) for row in group.holders or ()), key=lambda each: -each.shares)
        )
        for group in groups
    }


def parse_open_interest(payload: Any, _: datetime) -> dict[ConditionId, Decimal]:
    """Dollars locked by market; the row of all markets has the condition id `GLOBAL`."""
    rows = read_list(OpenInterestShape, member(payload, "data"), at="data")
    return {ConditionId(row.condition_id): row.value for row in rows}


def parse_live_volume(payload: Any, _: datetime) -> LiveVolume | None:
    """None for an event the venue does not know."""
    data = member(payload, "data")
    if not data:
        return None
    shape = read_shape(LiveVolumeShape, data[0] if isinstance(data, list) else data, at="data")
    volumes = {ConditionId(row.condition_id): row.taker_volume for row in shape.conditions or ()}
    return LiveVolume(shape.taker_volume_total, volumes)


def parse_leaderboard(payload: Any, _: datetime) -> DataPage[Standing]:
    rows = read_list(StandingShape, member(payload, "data"), at="data")
    return DataPage(tuple(row.to_model() for row in rows), next_data_cursor(payload))


def parse_standing(payload: Any, _: datetime) -> Standing | None:
    """One trader's own place; None for a wallet that never traded."""
    data = member(payload, "data")
    if isinstance(data, list):
        data = data[0] if data else None
    return None if data is None else read_shape(StandingShape, data, at="data").to_model()


def parse_resolutions(payload: Any, _: datetime) -> tuple[ResolutionRecord, ...]:
    data = member(payload, "data")
    rows = [data] if isinstance(data, dict) else data
    return tuple(shape.to_model() for shape in read_list(ResolutionShape, rows, at="data"))


def _price(sent: Decimal | None) -> Decimal | None:
    return None if sent == _UNSET_PRICE else sent
