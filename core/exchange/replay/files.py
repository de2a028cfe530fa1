"""Opens recordings: which files there are, and the payloads in them with the place where each was found."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError

_WHOLE = (".json",)
_LINES = (".jsonl", ".ndjson")
_TABLES = (".parquet",)


class Unreadable(ConfigurationError):
    """A recording cannot be used. The message names the file, the line or row, and the reason."""

    def __init__(self, path: Path, reason: str, *, line: int | None = None) -> None:
        place = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{place}: {reason}")


def recording_files(paths: Sequence[Path], *, also: Callable[[Path], bool] = lambda path: False) -> list[Path]:
    """The files named, and all recordings below the folders named. Raises Unreadable for what is not there.

    `also` says of a file with another ending whether it is one.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                each for each in path.rglob("*") if each.is_file() and (kind_of(each) is not None or also(each))
            )
            if not inside:
                raise Unreadable(path, "the folder holds no .json, .jsonl, .ndjson (also .gz) or .parquet file")
            found.extend(inside)
        elif not path.is_file():
            raise Unreadable(path, "there is no such file")
        elif kind_of(path) is None and not also(path):
            raise Unreadable(path, "not a .json, .jsonl, .ndjson (also .gz) or .parquet file")
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def kind_of(path: Path) -> str | None:
    """ "whole", "lines" or "table", by the file's name; None for anything else."""
    name = path.name.lower().removesuffix(".gz")
    for kind, endings in (("whole", _WHOLE), ("lines", _LINES), ("table", _TABLES)):
        if name.endswith(endings):
            return kind
    return None


def payloads(path: Path) -> Iterator[tuple[int, Any]]:
    """(line, payload) of a file of JSON: each line of one with lines, else the one document. Raises Unreadable."""
    text = _text(path)
    if kind_of(path) == "whole":
        yield 1, _parsed(path, text, first_line=1)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, _parsed(path, line, first_line=number)


def _parsed(path: Path, text: str, *, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(path, f"not JSON: {error.msg}", line=first_line + error.lineno - 1) from error


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if path.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
        return content.decode()
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(path, f"cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(path, f"not UTF-8 text: {error.reason} at byte {error.start}") from error
