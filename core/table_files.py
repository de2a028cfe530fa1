"""Rows of tables in files (CSV, TSV, JSON, JSON lines and Parquet, gzipped or not), and moments and truths in them."""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import ConfigurationError

TRUE = frozenset({"yes", "true", "1", "1.0", "up", "won"})
FALSE = frozenset({"no", "false", "0", "0.0", "down", "lost"})

_EPOCH_MS = 10_000_000_000
"""Larger numbers are milliseconds: as seconds they would be after the year 2286."""

UNREADABLE: tuple[type[Exception], ...] = (OSError, EOFError, ValueError, csv.Error, zlib.error)
"""What reading a file raises that is damaged, or no table."""

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"})


def records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Each row by the names of its columns. Raises what UNREADABLE lists; ConfigurationError for a missing extra."""
    suffix = suffix_of(path)
    if suffix == ".parquet":
        yield from _parquet(path)
        return
    with contextlib.ExitStack() as opened:
        if path.suffix == ".gz":
            file = opened.enter_context(gzip.open(path, "rt", encoding="utf-8", newline=""))
        else:
            file = opened.enter_context(path.open(encoding="utf-8", newline=""))
        if suffix in (".csv", ".tsv"):
            for row in csv.DictReader(file, delimiter="\t" if suffix == ".tsv" else ","):
                row.pop(None, None)  # cells beyond the last column, which has no name
                yield row
        elif suffix == ".json":
            whole = json.load(file)
            yield from (each for each in (whole if isinstance(whole, list) else [whole]) if isinstance(each, dict))
        else:
            yield from (json.loads(line) for line in file if line.strip())


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigurationError(f"{path.name}: Parquet needs: pip install 'polydesk[data]'") from error
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from batch.to_pylist()


def file_hashes(path: Path) -> list[str]:
    """The sha256 of a file, or of all files of a folder."""
    inner = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    found = []
    for each in inner:
        with each.open("rb") as file:
            found.append(hashlib.file_digest(file, "sha256").hexdigest())
    return found


def stem_of(path: Path) -> str:
    """A file's name up to the first dot."""
    return path.name.split(".", 1)[0]


def suffix_of(path: Path) -> str:
    """How a file's name ends, without regard to compression."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def truth_of(value: Any) -> bool | None:
    """Whether something came true; None where the word tells neither."""
    word = str(value).strip().lower()
    return True if word in TRUE else False if word in FALSE else None


def moment_of(value: Any) -> datetime | None:
    """A moment in seconds or milliseconds since 1970 or in ISO 8601, without a zone in UTC; None for anything else."""
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, datetime):
            try:
                seconds = float(value)
            except (TypeError, ValueError):
                value = datetime.fromisoformat(str(value))
            else:
                return datetime.fromtimestamp(seconds / 1000 if seconds > _EPOCH_MS else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    moment: datetime = value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
