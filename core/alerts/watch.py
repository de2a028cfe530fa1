"""Looks at what rules are about, again and again, and writes down what they tell."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self

from ..background_tasks import cancelled, repeated
from ..clock import Clock
from ..errors import PolymarketAPIError
from ..storage.database import StorageFailed
from .alert_book import Alert, AlertBook, WatchedRule
from .levels import after_restart
from .observing import Family, Looks, Observer

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_READ_RULES_EVERY = timedelta(seconds=5)
"""So often rules are read anew: a person may snooze one from a shell."""

Told = Callable[[Sequence[Alert]], None]
FileFailed = Callable[[str], None]


class AlertWatch:
    """The loop behind all rules of one desk. An `async with` runs it.

    `told` hears of new alerts once they are on disk, `file_failed` that they cannot be written. At most one request a
    second leaves it, whatever rules there are: one for books every ten seconds, and every minute up to two for each
    hundred markets, one for new ones, and those of the account.
    """

    def __init__(
        self,
        book: AlertBook,
        observer: Observer,
        *,
        clock: Clock,
        channels: frozenset[str],
        told: Told,
        file_failed: FileFailed,
    ) -> None:
        self._book = book
        self._observer = observer
        self._clock = clock
        self._channels = channels
        self._told = told
        self._file_failed = file_failed
        self._rules: dict[str, WatchedRule] = {}
        self._read_at: datetime | None = None
        self._looked: dict[int, datetime] = {}
        self._families = observer.families
        self._file_fails = False
        self._running: asyncio.Task[None] | None = None
        self._quiet: set[int] = set()
        self._looking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        watching = repeated(
            self.look, every_s=_LOOK_EVERY_S, clock=self._clock, log=_log, failure="rules are not watched"
        )
        self._running = asyncio.create_task(watching, name="watch of alerts")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            await cancelled(self._running)

    def changed(self) -> None:
        """Rules were added, deleted or snoozed: the next look reads them."""
        self._read_at = None

    async def look(self, *, at_everything: bool = False) -> None:
        """Look at what is due, or at everything."""
        async with self._looking:
            if at_everything:
                self._looked.clear()
                self._read_at = None
            await self._look()

    async def _look(self) -> None:
        now = self._clock.now()
        try:
            self._read_rules(now)
            for number, family in enumerate(self._families):
                await self._look_at(number, family, now)
        except StorageFailed as error:
            if not self._file_fails:
                self._file_fails = True
                _log.error("alerts cannot be written: %s", error.message)
                self._file_failed(error.message)
        else:
            self._file_fails = False

    async def _look_at(self, number: int, family: Family, now: datetime) -> None:
        rules = [each for each in self._rules.values() if each.rule.kind in family.kinds]
        before = self._looked.get(number)
        if not rules or (before is not None and (now - before).total_seconds() < family.every_s):
            return
        self._looked[number] = now
        try:
            self._keep(await family.look(rules, now), now)
        except StorageFailed:
            raise
        except PolymarketAPIError as error:
            if number not in self._quiet:
                _log.warning("some rules could not be looked at: %s", error.message)
            self._quiet.add(number)
            return
        except Exception:
            # One family that fails must not keep the others from being watched.
            if number not in self._quiet:
                _log.exception("some rules could not be looked at")
            self._quiet.add(number)
            return
        self._quiet.discard(number)

    def _keep(self, looks: Looks, now: datetime) -> None:
        """Write down what happened and what must be remembered; the rest is remembered in this process."""
        worth = [
            (watched, judged)
            for watched, judged in looks
            if judged.occurrences or (judged.keep and judged.memory != watched.memory)
        ]
        alerts = self._book.write(worth, now=now, channels=self._channels) if worth else []
        for watched, judged in looks:
            current = self._rules.get(watched.rule_id)
            if current is not None and current.created_at == watched.created_at:
                self._rules[watched.rule_id] = replace(current, memory=judged.memory)
        if alerts:
            self._told(alerts)

    def _read_rules(self, now: datetime) -> None:
        if self._read_at is not None and now - self._read_at < _READ_RULES_EVERY:
            return
        known, read = self._rules, {}
        for each in self._book.rules():
            before = known.get(each.rule_id)
            same = before is not None and before.created_at == each.created_at
            memory = before.memory if before is not None and same else after_restart(each.memory)
            read[each.rule_id] = replace(each, memory=memory)
        self._rules = read
        self._read_at = now
        if self._rules.keys() != known.keys():
            self._observer.forget(frozenset(self._rules))
            new = {each.rule.kind for rule_id, each in self._rules.items() if rule_id not in known}
            for number, family in enumerate(self._families):
                if family.kinds & new:
                    self._looked.pop(number, None)
