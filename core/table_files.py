"""Rows of tables in files: CSV, TSV, JSON, JSON lines and Parquet, gzipped or not."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import ConfigurationError

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"})


def records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Each row by the names of its columns. Raises OSError, ValueError, and ConfigurationError for a missing extra."""
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
            yield from csv.DictReader(file, delimiter="\t" if suffix == ".tsv" else ",")
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


def stem_of(path: Path) -> str:
    """A file's name up to the first dot."""
    return path.name.split(".", 1)[0]


def suffix_of(path: Path) -> str:
    """How a file's name ends, without regard to compression."""
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
