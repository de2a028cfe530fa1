"""Gamma's series, the relations of its tags, and comments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field

from ...identifiers import Slug
from .catalogue import EventHeadShape
from .fields import CamelShape, Flag, Moment, NumberOrZero, Text, read_list, read_shape


@dataclass(frozen=True, slots=True)
class SeriesEvent:
    """An event as its series names it."""

    id: str
    slug: Slug
    title: str


@dataclass(frozen=True, slots=True)
class Series:
    """A run of events of one kind. Volumes in dollars; `events` may be missing from a list."""

    id: str
    slug: Slug
    title: str
    recurrence: str
    active: bool
    closed: bool
    volume: Decimal
    volume_24h: Decimal
    liquidity: Decimal
    events: tuple[SeriesEvent, ...]


@dataclass(frozen=True, slots=True)
class RelatedTag:
    """That a tag goes with another one; rank 1 is the closest."""

    tag_id: str
    related_tag_id: str
    rank: int


@dataclass(frozen=True, slots=True)
class Comment:
    """What a stranger wrote below an event or a series."""

    id: str
    body: str
    author: str
    created_at: datetime | None


class SeriesShape(CamelShape):
    id: Text
    slug: Text = ""
    title: Text = ""
    recurrence: Text = ""
    active: Flag = False
    closed: Flag = False
    volume: NumberOrZero = Decimal(0)
    volume_24hr: NumberOrZero = Field(default=Decimal(0), alias="volume24hr")
    liquidity: NumberOrZero = Decimal(0)
    events: tuple[EventHeadShape, ...] | None = None

    def to_model(self) -> Series:
        return Series(
            id=self.id,
            slug=Slug(self.slug),
            title=self.title,
            recurrence=self.recurrence,
            active=self.active,
            closed=self.closed,
            volume=self.volume,
            volume_24h=self.volume_24hr,
            liquidity=self.liquidity,
            events=tuple(SeriesEvent(event.id, Slug(event.slug), event.title) for event in self.events or ()),
        )


class RelatedTagShape(CamelShape):
    tag_id: Text = Field(alias="tagID")
    related_tag_id: Text = Field(alias="relatedTagID")
    rank: NumberOrZero = Decimal(0)


class CommentShape(CamelShape):
    id: Text
    body: Text = ""
    user_address: Text = ""
    created_at: Moment = None


def parse_series(payload: Any, _: datetime) -> Series:
    return read_shape(SeriesShape, payload).to_model()


def parse_series_list(payload: Any, _: datetime) -> tuple[Series, ...]:
    return tuple(shape.to_model() for shape in read_list(SeriesShape, payload))


def parse_related_tags(payload: Any, _: datetime) -> tuple[RelatedTag, ...]:
    shapes = read_list(RelatedTagShape, payload)
    found = (RelatedTag(shape.tag_id, shape.related_tag_id, int(shape.rank)) for shape in shapes)
    return tuple(sorted(found, key=lambda related: related.rank))


def parse_comments(payload: Any, _: datetime) -> tuple[Comment, ...]:
    shapes = read_list(CommentShape, payload)
    return tuple(Comment(shape.id, shape.body, shape.user_address, shape.created_at) for shape in shapes)
