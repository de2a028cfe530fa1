"""What a recording consists of: rows of integers and short texts, a level change, trade or price each.

Rows are in the order in which they arrived; those of one message share its `group`. Times are unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow

BOOK: Final = "book"
"""A whole book: a row without a side, then one for each level."""

CARRIED: Final = "carried"
"""As `book`, at the beginning of a file: the book as earlier files have left it."""

LEVEL: Final = "level"
"""A level's new total; a size of 0 removes it."""

TRADE: Final = "trade"
"""A trade as its taker made it; `text` is the hash of its transaction."""

QUOTE: Final = "quote"
"""The best price of a side, as the venue tells it. An empty side has no row."""

TICK: Final = "tick"
"""From here on prices are multiples of `price`."""

RESOLVED: Final = "resolved"
"""The market was decided for `token`, or for none."""

GAP: Final = "gap"
"""The recorder was blind on this market from `at_ms` until its next book; `text` is why."""

MARKET: Final = "market"
"""What the catalogue says of a market, as JSON in `text`."""

NEWS: Final = "news"
"""An item of news, as JSON in `text`, with `at_ms` when it was first seen."""

FORMAT: Final = b"polydesk.recording"
VERSION: Final = b"1"


class Row(NamedTuple):
    """`at_ms` is the venue's time and `received_ms` ours; `price` is ten-thousandths of a dollar, `size` millionths of
    a share. `side` is BUY or SELL. What a kind of row does not use is None."""

    kind: str
    group: int
    at_ms: int
    received_ms: int
    market: str | None = None
    token: str | None = None
    side: str | None = None
    price: int | None = None
    size: int | None = None
    text: str | None = None


def schema() -> pyarrow.Schema:
    """The columns as Parquet has them. Raises ConfigurationError without pyarrow."""
    arrow = _pyarrow()
    word = arrow.dictionary(arrow.int32(), arrow.string())
    return arrow.schema(
        [
            ("kind", word),
            ("group", arrow.int64()),
            ("at_ms", arrow.int64()),
            ("received_ms", arrow.int64()),
            ("market", word),
            ("token", word),
            ("side", word),
            ("price", arrow.int32()),
            ("size", arrow.int64()),
            ("text", arrow.string()),
        ],
        metadata={FORMAT: VERSION},
    )


def table_of(rows: Sequence[Row]) -> pyarrow.Table:
    """Rows as columns."""
    arrow, columns = _pyarrow(), schema()
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return arrow.table(
        [arrow.array(column, type=field.type) for column, field in zip(values, columns, strict=True)], schema=columns
    )


def is_recording(path: Path) -> bool:
    """Whether a Parquet file was written by the recorder. Raises ConfigurationError without pyarrow."""
    _pyarrow()
    from pyarrow import ArrowInvalid, parquet

    try:
        metadata = parquet.read_schema(path).metadata or {}
    except (OSError, ArrowInvalid):
        return False
    return metadata.get(FORMAT) == VERSION


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a complete file, in their order. Raises OSError and pyarrow's ArrowInvalid for a damaged one."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches():
            columns: list[Any] = [column.to_pylist() for column in batch.columns]
            yield from map(Row._make, zip(*columns, strict=True))


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ConfigurationError("recordings are Parquet, which needs: pip install 'polydesk[data]'") from error
    return pyarrow
