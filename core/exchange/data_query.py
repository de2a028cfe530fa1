"""What the routes of the data service share: reading parameters, refusing them, and answering in pages."""

from __future__ import annotations

import uuid
from typing import Any, cast

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from ..identifiers import is_hash32
from .offset_cursors import cursor_at, offset_of
from .payloads import Json
from .responses import JsonResponse

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000
_MAX_CONDITIONS = 20


class DataError(Exception):
    """The data service refuses a request because of `parameter`."""

    def __init__(self, text: str, *, parameter: str) -> None:
        super().__init__(text)
        self.text = text
        self.parameter = parameter


async def data_error_response(_: Request, error: Exception) -> Response:
    """Exception handler of the data service."""
    refused = cast(DataError, error)
    body = {
        "error": refused.text,
        "code": "invalid_request",
        "parameter": refused.parameter,
        "retryable": False,
        "trace_id": uuid.uuid5(uuid.NAMESPACE_URL, refused.text).hex,
    }
    return JsonResponse(body, status_code=400)


def invalid(parameter: str) -> DataError:
    return DataError(f"invalid value for query param '{parameter}'", parameter=parameter)


def missing(parameter: str) -> DataError:
    return DataError(f"required query param '{parameter}' not provided", parameter=parameter)


def user_of(query: QueryParams) -> str:
    """The wallet asked about. Raises DataError."""
    user = query.get("user") or ""
    if len(user) != 42 or not user.startswith("0x"):
        raise missing("user")
    return user


def market_filters(query: QueryParams) -> tuple[set[str], str | None]:
    """Condition ids, given repeatedly or with commas, or one event id. Raises DataError."""
    given = [*query.getlist("condition"), *query.getlist("condition_id"), *query.getlist("conditionId")]
    conditions = {condition.lower() for text in given for condition in text.split(",") if condition}
    event_id = either(query, "event_id", "eventId")
    if conditions and event_id:
        raise DataError("must provide either eventId or condition, not both", parameter="condition")
    if len(conditions) > _MAX_CONDITIONS or not all(is_hash32(condition) for condition in conditions):
        raise invalid("condition")
    return conditions, event_id


def whole_number(query: QueryParams, name: str) -> int | None:
    """A whole number, such as unix seconds. Raises DataError."""
    given = query.get(name)
    if given is None:
        return None
    try:
        return int(given)
    except ValueError:
        raise invalid(name) from None


def either(query: QueryParams, snake: str, camel: str) -> str | None:
    """Parameters are accepted in either case style."""
    return query.get(snake) or query.get(camel)


def data_page(rows: list[Json], query: QueryParams) -> Response:
    """One page by `limit` and `cursor`."""
    limit = whole_number(query, "limit")
    limit = _DEFAULT_LIMIT if limit is None else min(max(limit, 1), _MAX_LIMIT)
    start = _position(query.get("cursor"))
    more = start + limit < len(rows)
    following = cursor_at(start + limit) if more else None
    pagination: dict[str, Any] = {"limit": limit, "offset": start, "has_more": more, "next_cursor": following}
    return JsonResponse({"data": rows[start : start + limit], "pagination": pagination})


def _position(cursor: str | None) -> int:
    try:
        return offset_of(cursor)
    except ValueError:
        raise invalid("cursor") from None
