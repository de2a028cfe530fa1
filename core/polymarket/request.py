"""An API call as data: what to send, how to read the answer, and which protections it may pass through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from ..identifiers import OrderId

T_co = TypeVar("T_co", covariant=True)

Service = Literal["clob", "gamma", "data", "relayer"]
Method = Literal["GET", "POST", "DELETE"]
AuthLevel = Literal["none", "l1", "l2"]
Params = tuple[tuple[str, str], ...]

METADATA_TTL_S = 300.0
BOOK_TTL_S = 10.0
HISTORY_TTL_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpec(Generic[T_co]):
    """One call.

    `parse` turns the decoded JSON and the moment it arrived into the result, and raises UnexpectedPayload.
    `idempotent` calls may be repeated after a failure; the others change something, so a lost answer is
    OutcomeUnknown with `order_ids`. `cancel` calls pass breaker and rate limits. `cache_ttl_s` None means never
    cached. `on_missing` (a tuple of one value) is the result of a 404; without it a 404 is an error.
    `cost` is what the call takes from the order bucket.
    """

    service: Service
    method: Method
    path: str
    parse: Callable[[Any, datetime], T_co]
    params: Params = ()
    body: Any = None
    auth: AuthLevel = "none"
    idempotent: bool = True
    cancel: bool = False
    cache_ttl_s: float | None = None
    on_missing: tuple[T_co] | None = None
    order_ids: tuple[OrderId, ...] = field(default=())
    cost: int = 1

    @property
    def payload(self) -> bytes:
        """The exact bytes of the body; they are what an L2 signature covers."""
        if self.body is None:
            return b""
        return json.dumps(self.body, separators=(",", ":")).encode()

    @property
    def route(self) -> str:
        """A label for counting: method, service and path with `{id}` where it names one thing."""
        return _route(self.method, self.service, self.path)


_ID_SEGMENT = re.compile(r"\d+|0x[0-9a-fA-F]+|(?=.*\d)[0-9a-zA-Z_-]{32,}")


@lru_cache(maxsize=1024)
def _route(method: Method, service: Service, path: str) -> str:
    segments = path.split("/")
    for index, segment in enumerate(segments):
        if _ID_SEGMENT.fullmatch(segment) or segments[index - 1] == "slug":
            segments[index] = "{id}"
    return f"{method} {service} {'/'.join(segments)}"


def params_of(values: Mapping[str, object]) -> Params:
    """Query parameters in the venue's spelling: booleans in lower case, lists as repeated keys, None left out."""
    pairs: list[tuple[str, str]] = []
    for key, value in values.items():
        if value is None:
            continue
        for item in value if isinstance(value, (list, tuple)) else (value,):
            pairs.append((key, str(item).lower() if isinstance(item, bool) else str(item)))
    return tuple(pairs)


def path_of(*segments: str) -> str:
    """A path from segments, each quoted so that text from outside cannot reach another route."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)
