"""How the three REST services answer: JSON bodies, errors, cursors, and the shared reading of requests."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from starlette.requests import Request
from starlette.responses import Response

from .rejections import LedgerUnavailable, Rejection
from .venue import Exchange

Row = TypeVar("Row")
START_CURSOR = "MA=="
END_CURSOR = "LTE="


class JsonResponse(Response):
    """Compact JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def clob_error(text: str, *, status: int = 400, headers: Mapping[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": text}, status_code=status, headers=headers)


async def rejection_response(_: Request, error: Exception) -> Response:
    """Exception handler of the order book service."""
    rejection = cast(Rejection, error)
    return clob_error(rejection.text, status=rejection.status, headers=rejection.headers)


def exchange_of(request: Request) -> Exchange:
    """The exchange that a request talks to, brought up to the present. Raises LedgerUnavailable when it has halted."""
    exchange = cast(Exchange, request.app.state.exchange)
    if exchange.halted is not None:
        raise LedgerUnavailable(exchange.halted)
    exchange.agenda.run_due()
    return exchange


async def json_body(request: Request, *, error: str) -> Any:
    """The parsed body. Raises Rejection with `error` when it is not JSON."""
    return parse_json(await request.body(), error=error)


def parse_json(body: bytes, *, error: str) -> Any:
    try:
        return json.loads(body)
    except ValueError as cause:
        raise Rejection(error) from cause


def cursor_page(rows: Sequence[Row], cursor: str | None, *, size: int) -> tuple[list[Row], str]:
    """One page of `rows` and the cursor of the next.

    Cursors are base64 offsets; past the end the page is empty. The end marker itself is refused, as live.
    Raises Rejection.
    """
    offset = _offset(cursor)
    page = list(rows[offset : offset + size])
    done = offset + size >= len(rows)
    return page, END_CURSOR if done else base64.b64encode(str(offset + size).encode()).decode()


def page_payload(rows: Sequence[Any], cursor: str | None, *, size: int) -> dict[str, Any]:
    """The envelope of the order book service's lists. Raises Rejection for a bad cursor."""
    page, following = cursor_page(rows, cursor, size=size)
    return {"limit": size, "count": len(page), "next_cursor": following, "data": page}


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        offset = int(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Rejection("Invalid next_cursor") from error
    if offset < 0:
        raise Rejection("next item should be greater than or equal to 0")
    return offset
