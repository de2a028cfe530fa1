"""What became of orders since somebody last looked, told once to each who asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from ..identifiers import ConditionId
from ..models import Position
from ..storage.audit_log import AuditEntry, AuditLog
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import last_seen
from .journal import OrderJournal
from .order_record import OrderRecord

ORDER_TURNS = {
    "order.live": "open",
    "order.matched": "filled",
    "order.canceled": "cancelled",
    "order.expired": "expired",
    "order.unknown": "unknown",
    "order.rejected": "rejected",
    "order.dead": "dead",
}
"""The audit log's kinds of entries as words for what became of an order."""


_RESOLVED = "market.resolved"
_DECIDED = ("REDEEMABLE", "REDEEMABLE_LOST")


@dataclass(frozen=True, slots=True)
class OrderNews:
    """An order's latest turn, in a word: open, filled, cancelled, expired, unknown, rejected or dead."""

    at: datetime
    what: str
    record: OrderRecord


@dataclass(frozen=True, slots=True)
class SinceLastSeen:
    """`since` is when the same one last asked; each order is told once, with its latest turn, oldest first.

    `resolved` are the markets, by slug, in which a position was decided.
    """

    since: datetime
    orders: tuple[OrderNews, ...]
    resolved: tuple[str, ...]


class LastSeen:
    """Remembers for each principal up to where the audit log was told."""

    def __init__(self, database: Database, audit: AuditLog, journal: OrderJournal) -> None:
        self._database = database
        self._audit = audit
        self._journal = journal

    def note_resolved(self, positions: Iterable[Position], *, now: datetime) -> None:
        """Write down, once for each, which positions the venue shows as decided."""
        decided = {position.condition_id: position.slug for position in positions if position.status in _DECIDED}
        if not decided:
            return
        with self._database.writing():
            for entry in self._audit.entries(kind=_RESOLVED):
                decided.pop(ConditionId(entry.detail["condition_id"]), None)
            for condition_id, slug in decided.items():
                self._audit.write(_RESOLVED, now=now, condition_id=condition_id, market=slug)

    def tell(self, principal: str, *, now: datetime) -> SinceLastSeen | None:
        """What is new for a principal, which is then seen. None for one who asks for the first time."""
        with self._database.writing() as connection:
            before = connection.execute(select(last_seen).where(last_seen.c.principal == principal)).first()
            told = None if before is None else self._told(before.number, from_micros(before.at))
            connection.execute(delete(last_seen).where(last_seen.c.principal == principal))
            connection.execute(
                insert(last_seen).values(principal=principal, number=self._audit.last_number(), at=to_micros(now))
            )
        return told

    def _told(self, after: int, since: datetime) -> SinceLastSeen:
        latest: dict[str, AuditEntry] = {}
        resolved = []
        for entry in self._audit.entries(after=after):
            if entry.kind == _RESOLVED:
                resolved.append(str(entry.detail["market"]))
            if entry.kind in ORDER_TURNS and entry.attempt_id is not None:
                latest.pop(entry.attempt_id, None)
                latest[entry.attempt_id] = entry
        news = []
        for attempt_id, entry in latest.items():
            record = self._journal.get(attempt_id)
            if record is not None:
                news.append(OrderNews(entry.at, ORDER_TURNS[entry.kind], record))
        return SinceLastSeen(since, tuple(news), tuple(resolved))
