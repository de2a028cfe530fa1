"""What became of every order this account was asked for: written down before it happens, kept over restarts."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, or_, select, update

from ..identifiers import ConditionId, OrderId
from ..models import OrderStatus
from ..money import from_micro, to_micro
from ..storage.audit_log import AuditLog
from ..storage.database import Database
from ..storage.moments import to_micros
from ..storage.processes import ProcessMark
from ..storage.schema import orders
from .dead_letters import DeadLetters
from .documents import record_from_text, record_to_text
from .intent import OrderIntent
from .order_record import OrderRecord
from .order_states import UNDER_WAY, check_move
from .particulars import asked_for, told_of

if TYPE_CHECKING:
    from sqlalchemy import Row

_REMEMBERED = 2000
"""Records kept decoded. The file is the truth; a revision tells whether a decoded one still is."""

_LISTED = 500

_NOTHING = (OrderStatus.REFUSED, OrderStatus.REJECTED, OrderStatus.DEAD)


class OrderJournal:
    """The records of one account, in a file that other processes may write too.

    Every change is one transaction, with its entry in the audit log. `atomically` makes several steps one. `changes`
    counts those that this process has made.
    """

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        letters: DeadLetters,
        *,
        account: str,
        process: ProcessMark,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._audit = audit
        self._letters = letters
        self._account = account
        self._process = process
        self._new_id = new_id
        self._decoded: OrderedDict[str, tuple[int, OrderRecord]] = OrderedDict()
        self.changes = 0

    @property
    def process_id(self) -> str:
        """The mark of this process, which its records carry."""
        return self._process.id

    @contextmanager
    def atomically(self) -> Iterator[None]:
        """A transaction over several calls, during which no other process writes. It must hold no await."""
        try:
            with self._database.writing():
                yield
        except BaseException:
            self._decoded.clear()  # what was decoded within may never have happened
            raise

    def open(self, intent: OrderIntent, *, now: datetime, client_token: str | None) -> OrderRecord:
        """A new attempt, as a draft of this process."""
        record = OrderRecord(
            attempt_id=self._new_id(),
            status=OrderStatus.DRAFT,
            intent=intent,
            created_at=now,
            updated_at=now,
            desk=self._process.id,
            client_token=client_token,
        )
        with self._database.writing() as connection:
            connection.execute(
                insert(orders).values(
                    attempt_id=record.attempt_id,
                    account=self._account,
                    created_at=to_micros(now),
                    fingerprint=intent.fingerprint,
                    condition_id=intent.market.condition_id,
                    client_token=client_token,
                    revision=1,
                    spent=0,
                    **_columns(record),
                )
            )
            self._audit.write("order.asked", now=now, attempt_id=record.attempt_id, **asked_for(record))
        self._remember(record, 1)
        self.changes += 1
        return record

    def move(
        self,
        record: OrderRecord,
        status: OrderStatus,
        *,
        now: datetime,
        body: Any = None,
        gate: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> OrderRecord:
        """Write the next state of an attempt. `changes` are fields of the record.

        `body` is what is about to be sent, as plain JSON values, `gate` what its controls found.
        Raises IllegalMove for a state the table does not allow.
        """
        with self._database.writing() as connection:
            row = connection.execute(_BY_ATTEMPT, {"attempt_id": record.attempt_id}).one()
            current = self._decode(record.attempt_id, row.revision, row.document)
            check_move(current.status, status)
            updated = dataclasses.replace(current, status=status, updated_at=now, **changes)
            columns = _columns(updated) | {"revision": row.revision + 1}
            if status is OrderStatus.SENDING and updated.plan is not None:
                columns |= {"spent": to_micro(updated.plan.worst_cost), "body": json.dumps(body)}
            elif status in _NOTHING:
                columns |= {"spent": 0}
            connection.execute(update(orders).where(orders.c.attempt_id == record.attempt_id).values(**columns))
            if status is not current.status:
                self._audit.write(
                    f"order.{status.value}",
                    now=now,
                    attempt_id=updated.attempt_id,
                    order_id=updated.order_id,
                    **told_of(updated),
                    **({"gate": dict(gate)} if gate else {}),
                )
                if status is OrderStatus.DEAD:
                    self._letters.of_order(updated, now=now)
        self._remember(updated, row.revision + 1)
        self.changes += 1
        return updated

    def note(self, kind: str, record: OrderRecord, *, now: datetime, **detail: Any) -> None:
        """Put something about an attempt into the audit log that does not change its state."""
        self._audit.write(kind, now=now, attempt_id=record.attempt_id, order_id=record.order_id, **detail)

    def current(self, record: OrderRecord) -> OrderRecord:
        """The record as it is now: another call, or another process, may have moved it on."""
        found = self.get(record.attempt_id)
        assert found is not None  # records are never deleted
        return found

    def get(self, attempt_id: str) -> OrderRecord | None:
        return self._one(_BY_ATTEMPT, attempt_id=attempt_id)

    def by_order(self, order_id: OrderId) -> OrderRecord | None:
        return self._one(_BY_ORDER, order_id=order_id)

    def by_orders(self, order_ids: Collection[OrderId]) -> dict[OrderId, OrderRecord]:
        """The records of several orders, as far as this desk placed them."""
        if not order_ids:
            return {}
        found = self._all(_rows().where(orders.c.order_id.in_(order_ids)))
        return {record.order_id: record for record in found if record.order_id is not None}

    def by_token(self, client_token: str) -> OrderRecord | None:
        """The attempt that uses a token, or is about to. One that was refused or rejected does not."""
        return self._one(
            self._mine()
            .where(orders.c.client_token == client_token, orders.c.status.not_in(_NOTHING))
            .order_by(orders.c.number)
            .limit(1)
        )

    def of_tokens(self, prefix: str, *, newest: int | None = None) -> list[OrderRecord]:
        """The attempts whose tokens begin so, whatever became of them, oldest first; or only so many of the newest."""
        query = self._mine().where(_token_begins(prefix)).order_by(orders.c.number.desc())
        return self._all(query if newest is None else query.limit(newest))[::-1]

    def order_ids_of_tokens(self, prefix: str) -> frozenset[OrderId]:
        """The ids of the signed orders among the attempts whose tokens begin so."""
        query = select(orders.c.order_id).where(
            orders.c.account == self._account, _token_begins(prefix), orders.c.order_id.is_not(None)
        )
        with self._database.reading() as connection:
            return frozenset(OrderId(each) for each in connection.execute(query).scalars())

    def repeated(self, intent: OrderIntent, *, now: datetime, within: timedelta) -> OrderRecord | None:
        """An attempt at the same trade, made less than `within` ago, unless it came to nothing."""
        since = to_micros(now - within)
        same = self._all(
            self._mine()
            .where(
                orders.c.fingerprint == intent.fingerprint,
                orders.c.created_at > since,
                orders.c.status.not_in(_NOTHING),
            )
            .order_by(orders.c.number.desc())
        )
        return next((each for each in same if each.status is OrderStatus.DRAFT or not each.came_to_nothing), None)

    def in_state(self, *statuses: OrderStatus, condition_id: ConditionId | None = None) -> list[OrderRecord]:
        """Records in any of some states, of one market or of all, oldest first."""
        if condition_id is None:
            return self._all(_IN_STATE, account=self._account, statuses=statuses)
        return self._all(_IN_STATE_OF_MARKET, account=self._account, statuses=statuses, condition_id=condition_id)

    def matched_since(self, moment: datetime) -> list[OrderRecord]:
        """Orders that matched at or after a moment."""
        return self._all(_MATCHED_SINCE, account=self._account, moment=to_micros(moment))

    def unknown(self, condition_id: ConditionId | None = None) -> list[OrderRecord]:
        return self.in_state(OrderStatus.UNKNOWN, condition_id=condition_id)

    def latest(self, most: int) -> list[OrderRecord]:
        """The last records, and every one that may still change, oldest first."""
        with self._database.reading() as connection:
            floor = connection.execute(
                select(orders.c.number)
                .where(orders.c.account == self._account)
                .order_by(orders.c.number.desc())
                .offset(most)
                .limit(1)
            ).scalar()
        query = self._mine()
        if floor is not None:
            query = query.where(or_(orders.c.number > floor, orders.c.status.in_(UNDER_WAY)))
        return self._all(query.order_by(orders.c.number))

    def __iter__(self) -> Iterator[OrderRecord]:
        """The latest records, oldest first."""
        return iter(self.latest(_LISTED))

    def counts(self) -> dict[OrderStatus, int]:
        """How many records are in each state."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(orders.c.status, func.count()).where(orders.c.account == self._account).group_by(orders.c.status)
            )
            return {OrderStatus(status): count for status, count in rows}

    def sent_since(self, moment: datetime) -> tuple[int, Decimal]:
        """How many orders were sent from a moment on, and dollars of their worst cost; void ones cost nothing."""
        with self._database.reading() as connection:
            count, spent = connection.execute(
                _SENT_SINCE, {"account": self._account, "moment": to_micros(moment)}
            ).one()
        return count, from_micro(spent)

    def orphans(self) -> list[OrderRecord]:
        """Records that a process was seeing through which no longer runs."""
        held = self.in_state(OrderStatus.DRAFT, OrderStatus.AWAITING_PERSON, OrderStatus.SENDING)
        living: dict[str, bool] = {}
        for record in held:
            if record.desk not in living:
                living[record.desk] = self._process.lives(record.desk)
        return [record for record in held if not living[record.desk]]

    def adopt(self, record: OrderRecord, *, now: datetime) -> OrderRecord:
        """Take over a record of a process that is gone."""
        return self.move(record, record.status, now=now, desk=self._process.id)

    def _mine(self) -> Select[Any]:
        return _rows().where(orders.c.account == self._account)

    def _one(self, query: Select[Any], **values: Any) -> OrderRecord | None:
        return next(iter(self._all(query, **values)), None)

    def _all(self, query: Select[Any], **values: Any) -> list[OrderRecord]:
        with self._database.reading() as connection:
            rows: Sequence[Row[Any]] = connection.execute(query, values).all()
        return [self._decode(row.attempt_id, row.revision, row.document) for row in rows]

    def _decode(self, attempt_id: str, revision: int, document: str) -> OrderRecord:
        kept = self._decoded.get(attempt_id)
        if kept is not None and kept[0] == revision:
            return kept[1]
        record = record_from_text(document)
        self._remember(record, revision)
        return record

    def _remember(self, record: OrderRecord, revision: int) -> None:
        self._decoded[record.attempt_id] = (revision, record)
        self._decoded.move_to_end(record.attempt_id)
        while len(self._decoded) > _REMEMBERED:
            self._decoded.popitem(last=False)


def _token_begins(prefix: str) -> ColumnElement[bool]:
    """As a range of the index: a pattern would look at every order there ever was."""
    token = orders.c.client_token
    return and_(token >= prefix, token < prefix + chr(sys.maxunicode))


def _rows() -> Select[Any]:
    return select(orders.c.attempt_id, orders.c.revision, orders.c.document)


# The queries of every order, built once: building one costs more than SQLite takes to answer it.
_BY_ATTEMPT = _rows().where(orders.c.attempt_id == bindparam("attempt_id"))
_BY_ORDER = _rows().where(orders.c.order_id == bindparam("order_id"))
_IN_STATE = (
    _rows()
    .where(orders.c.account == bindparam("account"), orders.c.status.in_(bindparam("statuses", expanding=True)))
    .order_by(orders.c.number)
)
_IN_STATE_OF_MARKET = _IN_STATE.where(orders.c.condition_id == bindparam("condition_id"))
_MATCHED_SINCE = _rows().where(
    orders.c.account == bindparam("account"),
    orders.c.status == OrderStatus.MATCHED.value,
    orders.c.updated_at >= bindparam("moment"),
)
_SENT_SINCE = select(func.count(), func.coalesce(func.sum(orders.c.spent), 0)).where(
    orders.c.account == bindparam("account"), orders.c.sent_at >= bindparam("moment")
)


def _columns(record: OrderRecord) -> dict[str, Any]:
    return {
        "status": record.status.value,
        "updated_at": to_micros(record.updated_at),
        "order_id": record.order_id,
        "sent_at": to_micros(record.sent_at) if record.sent_at else None,
        "desk": record.desk,
        "document": record_to_text(record),
    }
