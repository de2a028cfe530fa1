"""Events of the exchange as transactions of its store: written before anybody hears of them, or halted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .changes import Changes
from .credentials import CredentialStore
from .ledger import Ledger
from .rejections import LedgerUnavailable, Rejection
from .store import LedgerStore


class Durability:
    """Collects what an event changes and stores it when the event ends.

    A store that cannot begin refuses the event, and nothing has happened. A store that fails at the end has kept
    nothing of an event that memory has already seen: then the exchange halts, so that nobody acts on what was not
    stored, and goes on from the file when it is started again.
    """

    def __init__(
        self,
        store: LedgerStore,
        changes: Changes,
        *,
        ledger: Ledger,
        credentials: CredentialStore,
        now_ms: Callable[[], int],
        on_halt: Callable[[str], None],
    ) -> None:
        self.halted: str | None = None
        self._store = store
        self._changes = changes
        self._ledger = ledger
        self._credentials = credentials
        self._now_ms = now_ms
        self._inside = False
        self._on_halt = on_halt

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One event. A Rejection inside passes on, with what was whole before it stored; anything else halts.

        Raises LedgerUnavailable when the event cannot be stored.
        """
        if self._inside:
            yield
            return
        if self.halted is not None:
            raise LedgerUnavailable(self.halted)
        self._store.begin()
        self._inside = True
        try:
            try:
                yield
            except Rejection:
                self._commit()
                raise
            except BaseException as error:
                self._store.roll_back()
                if self._changes:
                    self._halt(f"an event ended in the middle ({type(error).__name__}: {error})")
                raise
            self._commit()
        finally:
            self._inside = False
            self._changes.clear()

    def _commit(self) -> None:
        try:
            self._store.commit(self._changes, self._ledger, self._credentials, at_ms=self._now_ms())
        except (sqlite3.Error, OverflowError) as error:
            self._store.roll_back()
            self._halt(f"its ledger {self._store.path.name} cannot be written ({error})")
            raise LedgerUnavailable(self.halted or "") from error

    def _halt(self, reason: str) -> None:
        self.halted = (
            f"the exchange has halted: {reason}. Nothing of the latest request was done; mend the cause and start the "
            "exchange again"
        )
        self._on_halt(self.halted)
