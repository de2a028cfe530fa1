"""Types of tool arguments that several tools share, with their units and an example each."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from ..core.errors import InputRejected

_LARGEST = Decimal(10) ** 12
_STEP = Decimal("0.000001")
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


def exact_number(value: Any) -> Decimal:
    """A JSON number, or one in a string, as Decimal of at most six decimals. Float noise beyond them is dropped."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be a number")
    try:
        number = Decimal(str(value).strip())
        if not number.is_finite() or abs(number) > _LARGEST:
            raise ValueError("must be a finite number below 10^12")
        rounded = number.quantize(_STEP)
    except InvalidOperation:
        raise ValueError("must be a number") from None
    if abs(rounded - number) > Decimal("1e-9"):
        raise ValueError("must have at most six decimals")
    return rounded.normalize()


def _size(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() == "all":
        return "all"
    return exact_number(value)


def _outcome(value: Any) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be a label such as Yes or an index such as 0")
    if isinstance(value, str) and len(value) > 200:
        raise ValueError("must have at most 200 characters")
    return value


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a time such as 2026-06-01T12:00:00Z") from None
    else:
        raise ValueError("must be a time such as 2026-06-01T12:00:00Z")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"must lie between {_FIRST_YEAR} and {_LAST_YEAR}")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def number_schema(description: str, **bounds: float) -> WithJsonSchema:
    """How a number reads in a tool's schema. `bounds` are JSON Schema keywords such as exclusiveMinimum.

    It carries the description itself: one given by a Field is lost where the argument may be left out.
    """
    return WithJsonSchema({"type": "number", **bounds, "description": description})


def moment_schema(description: str) -> WithJsonSchema:
    """How a time reads in a tool's schema."""
    return WithJsonSchema({"type": "string", "description": description})


Exact = BeforeValidator(exact_number)
AsMoment = BeforeValidator(_moment)

MarketRef = Annotated[
    str,
    Field(
        max_length=400,
        description="Slug, URL, or Gamma, condition or token id",
    ),
]
OutcomeRef = Annotated[
    str | int,
    BeforeValidator(_outcome),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "integer"}],
            "description": "Label or index",
        }
    ),
]
Size = Annotated[
    Decimal | Literal["all"],
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string"}],
            "description": 'Shares (each pays $1 if right), e.g. 25. "all" sells the whole holding',
        }
    ),
]
Detail = Annotated[Literal["concise", "full"], Field(description="How much to answer")]
Limit = Annotated[int, Field(ge=1, le=10, description="Most entries to return")]
Cursor = Annotated[str, Field(max_length=500, description="next_cursor of the previous page")]


def offset_of(cursor: str | None) -> int:
    """How many entries to skip, from a cursor that is a plain number. Raises InputRejected `invalid_cursor`."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal()):
        raise InputRejected("This is not a cursor of this tool.", code="invalid_cursor", fix="leave cursor out")
    return int(cursor)
