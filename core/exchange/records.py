"""What parts of the exchange remember beside money and orders, stored with the events in which it came about."""

from __future__ import annotations

from .changes import Changes
from .ledger_schema import Row, Table
from .store import LedgerStore


class Records:
    """Rows in tables of the ledger file. Without a file nothing is kept, and nothing was."""

    def __init__(self, store: LedgerStore | None, changes: Changes | None) -> None:
        self._store = store
        self._changes = changes

    def stored(self, table: Table) -> list[Row]:
        """What former runs kept, oldest first."""
        return [] if self._store is None else self._store.rows(table)

    def keep(self, table: Table, row: Row) -> None:
        """Store a row, in place of one with the same key, when the event that is under way ends."""
        if self._changes is not None:
            self._changes.records.append((table, row))

    def drop(self, table: Table, key: Row) -> None:
        """Remove the row of a key when the event that is under way ends."""
        if self._changes is not None:
            self._changes.dropped.append((table, key))
