"""Field types for payloads whose numbers, dates and lists arrive in several spellings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ...errors import UnexpectedPayload

ShapeT = TypeVar("ShapeT", bound=BaseModel)

_MILLISECONDS_FROM = 10**11
"""Unix times from here on are milliseconds: as seconds they would lie after the year 5100."""


class Shape(BaseModel):
    """A payload object in snake_case. Unknown keys are ignored: the venue adds them without notice."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class CamelShape(BaseModel):
    """A payload object in camelCase."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


def _blank_to_none(value: object) -> object:
    return None if value == "" else value


def _blank_to_zero(value: object) -> object:
    return Decimal(0) if value is None or value == "" else value


def _to_text(value: object) -> object:
    if value is None:
        return ""
    return str(value) if isinstance(value, (int, Decimal)) else value


def _to_flag(value: object) -> object:
    return False if value is None else value


def _to_list(value: object) -> object:
    """A list, or a list written as JSON inside a string."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        value = json.loads(value, parse_float=Decimal)
    return value


def parse_moment(value: object) -> datetime | None:
    """A moment in UTC from RFC 3339, `2026-05-09 02:07:01+00`, a date, or unix seconds or milliseconds.

    None, "", "0" and 0 mean that there is none. Raises ValueError for anything else.
    """
    if value is None or isinstance(value, datetime):
        return value
    text = str(value).strip()
    if text in ("", "0"):
        return None
    if text.isdigit():
        number = int(text)
        try:
            return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS_FROM else number, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError("a time beyond the calendar") from error
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


OptionalNumber = Annotated[Decimal | None, BeforeValidator(_blank_to_none)]
NumberOrZero = Annotated[Decimal, BeforeValidator(_blank_to_zero)]
Text = Annotated[str, BeforeValidator(_to_text)]
Flag = Annotated[bool, BeforeValidator(_to_flag)]
Moment = Annotated[datetime | None, BeforeValidator(parse_moment)]
TextList = Annotated[tuple[Text, ...], BeforeValidator(_to_list)]
_DEEPEST = 200
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

NumberList = Annotated[tuple[NumberOrZero, ...], BeforeValidator(_to_list)]


def decode_json(raw: bytes | str) -> Any:
    """JSON with every fraction as an exact Decimal. Raises UnexpectedPayload when it is not JSON, or nested madly."""
    if _nested_too_deep(raw):
        raise UnexpectedPayload(f"the answer is nested more than {_DEEPEST} levels")
    try:
        return json.loads(raw, parse_float=Decimal)
    except ValueError as error:
        raise UnexpectedPayload("the answer is not JSON") from error


def _nested_too_deep(raw: bytes | str) -> bool:
    """Whether the brackets go deeper than any payload has reason to.

    The parser recurses, and where a library has raised the interpreter's limit it would overflow the C stack.
    Brackets inside strings are counted too, which errs on the safe side.
    """
    data = raw.encode() if isinstance(raw, str) else raw
    if data.count(b"[") + data.count(b"{") <= _DEEPEST:
        return False
    depth = 0
    for bracket in data.translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > _DEEPEST:
            return True
    return False


def read_shape(shape: type[ShapeT], payload: object, *, at: str = "") -> ShapeT:
    """The payload as `shape`. Raises UnexpectedPayload with the path of the first field that does not fit."""
    try:
        return shape.model_validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(part for part in (at, *map(str, first["loc"])) if part)
        raise UnexpectedPayload(f"{path or 'the answer'}: {first['msg']}", path=path) from error


def read_list(shape: type[ShapeT], payload: object, *, at: str = "") -> tuple[ShapeT, ...]:
    """The payload as a list of `shape`; null is an empty list."""
    return tuple(read_shape(shape, item, at=where) for item, where in items_of(payload, at=at))


def items_of(payload: object, *, at: str = "") -> Iterator[tuple[object, str]]:
    """The elements of a list with the path of each; null is an empty list."""
    if payload is None:
        return
    if not isinstance(payload, list):
        raise UnexpectedPayload(f"{at or 'the answer'}: expected a list", path=at)
    for index, item in enumerate(payload):
        yield item, f"{at}.{index}" if at else str(index)


def member(payload: object, key: str) -> Any:
    """`payload[key]` of an object. Raises UnexpectedPayload when there is none."""
    if not isinstance(payload, dict) or key not in payload:
        raise UnexpectedPayload(f"{key} is missing", path=key)
    return payload[key]


def number_at(payload: object, key: str) -> Decimal:
    """The number at `payload[key]`, sent as a number or as text."""
    value = member(payload, key)
    try:
        return Decimal(str(value))
    except ArithmeticError as error:
        raise UnexpectedPayload(f"{key}: not a number", path=key) from error
