"""The desk's own file, for commands that read or settle what stands in it beside a desk that runs, or without one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..core.errors import ConfigurationError
from ..core.settings import Settings

if TYPE_CHECKING:
    from ..core.storage.database import Database


@contextmanager
def desk_file(settings: Settings) -> Iterator[Database]:
    """The desk's file of a mode. Raises ConfigurationError when there is none."""
    from ..core.storage.database import DESK_FILE, Database

    path = settings.desk_folder / DESK_FILE
    if not path.exists():
        raise ConfigurationError(f"There is no {path}: no desk has written one in {settings.mode.value} mode.")
    database = Database.at(path)
    try:
        yield database
    finally:
        database.close()
