"""Files of a recording: each is written under a name that ends in `.part`, and loses that ending once it is whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..errors import ConfigurationError
from .rows import Row, schema, table_of

if TYPE_CHECKING:
    from filelock import FileLock
    from pyarrow.parquet import ParquetWriter

PART = ".part"
_COMPLETE = ".parquet"
_LOCK = ".recorder.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """When a file is ended: after `every`, or once it has `most_bytes` (as compressed). The oldest complete files go as
    soon as all together have more than `keep_bytes`; None keeps them all."""

    every: timedelta = timedelta(minutes=15)
    most_bytes: int = 64_000_000
    keep_bytes: int | None = None


class PartWriter:
    """Writes rows to a folder that no other recorder writes to. `with` opens and ends it.

    A process that is killed leaves the file it was writing as a `.part` without its end, which nobody can read: what is
    lost is that file. The next recorder of the folder removes it. Raises ConfigurationError for a folder that another
    recorder uses or that cannot be written.
    """

    def __init__(self, folder: Path, rotation: Rotation) -> None:
        self._folder = folder
        self._rotation = rotation
        self._lock: FileLock | None = None
        self._writer: ParquetWriter | None = None
        self._part = folder
        self._began_at = datetime.fromtimestamp(0, UTC)
        self._bytes = 0
        self.written_rows = 0
        self.finished_files = 0
        self.removed_files = 0

    def __enter__(self) -> Self:
        from filelock import FileLock, Timeout

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._folder / _LOCK, timeout=0)
            self._lock.acquire()
        except Timeout as error:
            raise ConfigurationError(f"another recorder writes to {self._folder}") from error
        except OSError as error:
            raise ConfigurationError(f"{self._folder} cannot be written: {error}") from error
        for left in self._folder.glob(f"*{PART}"):
            left.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.finish()
        finally:
            if self._lock is not None:
                self._lock.release()

    def is_due(self, now: datetime) -> bool:
        """Whether the file that is being written has lasted long enough or is large enough."""
        if self._writer is None:
            return False
        return now - self._began_at >= self._rotation.every or self._bytes >= self._rotation.most_bytes

    def write(self, rows: Sequence[Row], now: datetime) -> None:
        """Add rows as a whole row group; without an open file one begins. Raises OSError."""
        if not rows:
            return
        from pyarrow import parquet

        if self._writer is None:
            self._began_at, self._bytes = now, 0
            self._part = self._folder / f"{now:%Y%m%dT%H%M%S.%f}{_COMPLETE}{PART}"
            self._writer = parquet.ParquetWriter(self._part, schema(), compression="zstd")
        table = table_of(rows)
        self._writer.write_table(table, row_group_size=max(len(rows), 1))
        self._bytes = self._part.stat().st_size
        self.written_rows += len(rows)

    def finish(self) -> None:
        """End the file that is being written and give it its name; then remove what is too much. Raises OSError."""
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        writer.close()
        with self._part.open("rb+") as file:
            os.fsync(file.fileno())
        self._part.rename(self._part.with_suffix(""))
        self.finished_files += 1
        self._prune()

    def _prune(self) -> None:
        if self._rotation.keep_bytes is None:
            return
        complete = [(path, path.stat().st_size) for path in sorted(self._folder.glob(f"*{_COMPLETE}"))]
        kept = sum(size for _, size in complete)
        for path, size in complete[:-1]:
            if kept <= self._rotation.keep_bytes:
                return
            path.unlink()
            kept -= size
            self.removed_files += 1
