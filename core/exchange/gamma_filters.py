"""The query parameters of the catalogue service: what they select, how they sort, how pages follow each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.datastructures import QueryParams

from .offset_cursors import cursor_at, offset_of
from .payloads import Json

ORDER_FIELDS = frozenset(
    [
        "id",
        "volume",
        "volumeNum",
        "volume24hr",
        "volume1wk",
        "volume1mo",
        "volume1yr",
        "liquidity",
        "liquidityNum",
        "startDate",
        "endDate",
        "createdAt",
        "updatedAt",
        "closedTime",
        "competitive",
        "featuredOrder",
    ]
)
"""Names as in the JSON objects; the snake case of the parameters is refused here."""

_MAX_OFFSET = 2000


class GammaError(Exception):
    """The catalogue service refuses a request: `kind` and `text` make its body."""

    def __init__(self, text: str, *, kind: str = "validation error", status: int = 422) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind
        self.status = status


Predicate = Callable[[Json], bool]


def flag(query: QueryParams, name: str, *, default: bool | None = None) -> bool | None:
    """A boolean parameter. Raises GammaError."""
    given = query.get(name)
    if given is None:
        return default
    if given.lower() not in ("true", "false"):
        raise GammaError(f"{name} must be true or false")
    return given.lower() == "true"


def whole_number(query: QueryParams, name: str, *, default: int, least: int = 0) -> int:
    given = query.get(name)
    if given is None:
        return default
    try:
        number = int(given)
    except ValueError:
        raise GammaError(f"{name} must be a number") from None
    if number < least:
        raise GammaError(f"{name} must be at least {least}")
    return number


def flags_match(query: QueryParams, names: Sequence[str]) -> list[Predicate]:
    """Predicates on boolean fields of the same name."""
    wanted = {name: flag(query, name) for name in names}
    return [_equals(name, value) for name, value in wanted.items() if value is not None]


def one_of(query: QueryParams, parameter: str, value: Callable[[Json], Sequence[str]]) -> list[Predicate]:
    """A predicate that wants one of the repeated `parameter` among the object's values."""
    wanted = {given.lower() for given in query.getlist(parameter)}
    if not wanted:
        return []
    return [lambda item: any(found.lower() in wanted for found in value(item))]


def range_match(query: QueryParams, parameter: str, field: str) -> list[Predicate]:
    """`{parameter}_min` and `{parameter}_max` on a numeric field."""
    found: list[Predicate] = []
    for end in ("min", "max"):
        given = query.get(f"{parameter}_{end}")
        if given is not None:
            found.append(_number_bound(field, _decimal(given, f"{parameter}_{end}"), upper=end == "max"))
    return found


def date_match(query: QueryParams, parameter: str, field: str) -> list[Predicate]:
    """`{parameter}_min` and `{parameter}_max` on a date field; RFC 3339 or YYYY-MM-DD."""
    found: list[Predicate] = []
    for end in ("min", "max"):
        given = query.get(f"{parameter}_{end}")
        if given is not None:
            found.append(_date_bound(field, _moment(given, f"{parameter}_{end}"), upper=end == "max"))
    return found


def tag_match(query: QueryParams, tags: Callable[[Json], Sequence[Json]]) -> list[Predicate]:
    """`tag_id` (any or all of them, by `tag_match`), `tag_slug` and `exclude_tag_id`."""
    found: list[Predicate] = []
    ids = set(query.getlist("tag_id"))
    excluded = set(query.getlist("exclude_tag_id"))
    slug = query.get("tag_slug")
    if ids & excluded:
        raise GammaError("exclude_tag_id must not overlap tag_id")
    if ids and query.get("tag_match") == "all":
        found.append(lambda item: ids <= {str(tag["id"]) for tag in tags(item)})
    elif ids:
        found.append(lambda item: any(str(tag["id"]) in ids for tag in tags(item)))
    if excluded:
        found.append(lambda item: not any(str(tag["id"]) in excluded for tag in tags(item)))
    if slug:
        found.append(lambda item: any(tag["slug"] == slug for tag in tags(item)))
    return found


def ordered(rows: list[Json], query: QueryParams) -> list[Json]:
    """Rows sorted by the comma list of `order`; rows without a field come last. Raises GammaError."""
    names = [name for name in (query.get("order") or "").split(",") if name]
    if any(name not in ORDER_FIELDS for name in names):
        raise GammaError("order fields are not valid")
    ascending = flag(query, "ascending", default=True)
    for name in reversed(names):
        having = [row for row in rows if row.get(name) is not None]
        missing = [row for row in rows if row.get(name) is None]
        having.sort(key=lambda row: _sortable(row[name]), reverse=not ascending)
        rows = having + missing
    return rows


def offset_page(rows: list[Json], query: QueryParams, *, most: int, listing: str) -> list[Json]:
    """One page by `limit`, silently clamped, and `offset`."""
    offset = whole_number(query, "offset", default=0)
    if offset > _MAX_OFFSET:
        raise GammaError(f"offset too large, use /{listing}/keyset for deeper pagination")
    limit = min(whole_number(query, "limit", default=20), most)
    return rows[offset : offset + limit]


def keyset_page(rows: list[Json], query: QueryParams, *, most: int, name: str) -> Json:
    """One page by `limit` and `after_cursor`. The last page carries no `next_cursor`."""
    if "offset" in query:
        raise GammaError("offset is not allowed on keyset endpoints")
    limit = min(whole_number(query, "limit", default=20, least=1), most)
    start = _position(query.get("after_cursor"))
    page: Json = {name: rows[start : start + limit]}
    if start + limit < len(rows):
        page["next_cursor"] = cursor_at(start + limit)
    return page


def _position(cursor: str | None) -> int:
    try:
        return offset_of(cursor)
    except ValueError:
        raise GammaError("after_cursor is not valid") from None


def _equals(field: str, value: bool) -> Predicate:
    return lambda item: bool(item.get(field, False)) == value


def _number_bound(field: str, bound: Decimal, *, upper: bool) -> Predicate:
    def within(item: Json) -> bool:
        value = Decimal(str(item.get(field) or 0))
        return value <= bound if upper else value >= bound

    return within


def _date_bound(field: str, bound: datetime, *, upper: bool) -> Predicate:
    def within(item: Json) -> bool:
        given = item.get(field)
        if not given:
            return False
        moment = _moment(str(given), field)
        return moment <= bound if upper else moment >= bound

    return within


def _decimal(given: str, name: str) -> Decimal:
    try:
        return Decimal(given)
    except InvalidOperation:
        raise GammaError(f"{name} must be a number") from None


def _moment(given: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise GammaError(f"{name} must be a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sortable(value: Any) -> tuple[int, Decimal, str]:
    """Numbers, also those in strings, by size; anything else as text."""
    try:
        return 0, Decimal(str(value)), ""
    except InvalidOperation:
        return 1, Decimal(0), str(value)
