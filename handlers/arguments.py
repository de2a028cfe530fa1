"""Types of tool arguments that several tools share, with their units and an example each."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

_LARGEST = Decimal(10) ** 12
_STEP = Decimal("0.000001")
_KEY_SHAPE = re.compile(r"(?<![0-9a-fA-F])(0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])")


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
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Number = Annotated[Decimal, BeforeValidator(exact_number), WithJsonSchema({"type": "number"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]

MarketRef = Annotated[
    str,
    Field(
        max_length=400,
        description="Market: slug, Gamma id, condition id, token id or page URL, e.g. "
        "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting",
    ),
]
OutcomeRef = Annotated[
    str | int,
    BeforeValidator(lambda value: value if isinstance(value, str) else int(value)),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
    Field(description="Outcome: its label or index, e.g. Yes or 0"),
]
Size = Annotated[
    Decimal | Literal["all"],
    BeforeValidator(_size),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]}),
    Field(description='Shares (each pays $1 if right), e.g. 25. "all" sells the whole holding'),
]
Detail = Annotated[Literal["concise", "full"], Field(description="How much to answer")]
Limit = Annotated[int, Field(ge=1, le=50, description="Most entries to return")]
Cursor = Annotated[str, Field(max_length=500, description="next_cursor of the previous page")]


def looks_like_private_key(text: str) -> bool:
    """Whether a text argument holds 32 bytes of hex where no hash belongs."""
    return _KEY_SHAPE.search(text) is not None
