"""What answers are made of: exact numbers as JSON numbers, UTC times, and nothing that is empty."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypedDict, overload

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema


def _as_json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _as_utc_text(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Num = Annotated[Decimal, PlainSerializer(_as_json_number), WithJsonSchema({"type": "number"})]
When = Annotated[datetime, PlainSerializer(_as_utc_text), WithJsonSchema({"type": "string"})]


class Answer(BaseModel):
    """A part of an answer. Fields that are None are left out on the wire."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def as_json(self) -> dict[str, Any]:
        data: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return data


class Picture(Answer):
    """An answer that is an image too. Hosts get its fields as text beside the image and no structure, because some drop
    images that stand beside structured content."""

    png: bytes = Field(exclude=True, repr=False)


class AccountAnswer(Answer):
    """The head of every answer about money: which money it is."""

    mode: str
    account: str | None = None
    recorded_on: str | None = None
    warning: str | None = None


class Heading(TypedDict):
    """The fields of AccountAnswer, to be passed on to an answer that begins with them."""

    mode: str
    account: str | None
    recorded_on: str | None
    warning: str | None


@overload
def rounded(value: None, places: int = 4) -> None: ...


@overload
def rounded(value: Decimal | float, places: int = 4) -> Decimal: ...


def rounded(value: Decimal | float | None, places: int = 4) -> Decimal | None:
    """A derived figure cut to what is worth reading; exact amounts are not passed through this."""
    if value is None:
        return None
    return round(Decimal(str(value)), places).normalize()
