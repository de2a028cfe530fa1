"""Reads captured payloads with the client's own parsers, to find out whether the venue's wire has changed."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import UnexpectedPayload
from .wire.fields import decode_json
from .wire_kinds import KINDS, Kind, kind_of

_ROWS = ("data", "markets", "events", "tags")
_CAPTURED_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands in for the moment of arrival, which a file does not tell."""


@dataclass(frozen=True, slots=True)
class WireFailure:
    """An object that could not be read. `path` leads to the field from the top of the payload or line."""

    path: str
    kind: str | None
    message: str


@dataclass(frozen=True, slots=True)
class WireReport:
    """One file: what kinds of object it holds, how many objects, and which could not be read."""

    file: str
    kinds: tuple[str, ...]
    objects: int
    failures: tuple[WireFailure, ...]


def check_file(path: Path, *, kind: str | None = None) -> WireReport:
    """Read every object of a JSON or JSON-lines file, gzipped or not.

    The kind of each object is recognised unless `kind`, one of KINDS, is given. Raises OSError for a file that cannot
    be opened. A file that is not JSON, or is empty, has a failure; an empty list has none.
    """
    kinds: dict[str, None] = {}
    failures: list[WireFailure] = []
    objects = payloads = 0
    try:
        for where, payload in _payloads(path):
            payloads += 1
            for at, item in _objects(payload, where, whole=kind is not None and KINDS[kind].whole):
                objects += 1
                known = KINDS[kind] if kind is not None else kind_of(item)
                if known is not None:
                    kinds[known.name] = None
                failure = _failure(known, item, at)
                if failure is not None:
                    failures.append(failure)
    except (UnexpectedPayload, UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        failures.append(WireFailure("", kind, f"not JSON: {error}"))
    if not payloads and not failures:
        failures.append(WireFailure("", kind, "nothing to read"))
    return WireReport(str(path), tuple(kinds), objects, tuple(failures))


def _failure(kind: Kind | None, item: Any, at: str) -> WireFailure | None:
    if kind is None:
        keys = ", ".join(sorted(item)[:8]) if isinstance(item, dict) else type(item).__name__
        return WireFailure(at, None, f"of no known kind: {keys}")
    try:
        kind.read(item, _CAPTURED_AT)
    except UnexpectedPayload as error:
        return WireFailure(".".join(part for part in (at, error.path) if part), kind.name, error.message)
    return None


def _payloads(path: Path) -> Iterator[tuple[str, Any]]:
    """Where each payload begins, and the payload: the file as one, or else each of its lines."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    try:
        yield "", decode_json(text)
        return
    except UnexpectedPayload:
        pass  # not one document, so perhaps one a line
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield f"line {number}", decode_json(line)
            except UnexpectedPayload as error:
                raise UnexpectedPayload(f"line {number}") from error


def _objects(payload: Any, where: str, *, whole: bool) -> Iterator[tuple[str, Any]]:
    """The objects in a payload with the path of each: the rows of a page or a list, or the payload itself.

    A row that a recorder wrapped under `raw` counts as what is in it.
    """
    if whole:
        yield where, payload
        return
    if isinstance(payload, list):
        for index, item in enumerate(payload):
            yield from _objects(item, _below(where, str(index)), whole=False)
        return
    if isinstance(payload, dict):
        if isinstance(payload.get("raw"), dict):
            yield _below(where, "raw"), payload["raw"]
            return
        name = _row_key(payload)
        if name is not None:
            yield from _objects(payload[name], _below(where, name), whole=False)
            return
    yield where, payload


def _row_key(payload: dict[str, Any]) -> str | None:
    """Under which key an envelope holds its rows. An event also has markets: it is no envelope of them."""
    if kind_of(payload) is not None:
        return None
    return next((name for name in _ROWS if isinstance(payload.get(name), (list, dict))), None)


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
