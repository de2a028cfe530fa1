"""What became of every order this desk was asked for. Kept in memory for the life of the process."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from ..identifiers import ConditionId, OrderId
from ..models import OrderStatus, PlacementResult
from .intent import OrderIntent
from .order_plan import OrderPlan
from .order_states import check_move

Stage = Literal["plan", "gate", "person", "venue"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where an order was stopped, why, and what would get through."""

    stage: Stage
    code: str
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """What a person is asked: `code` names it on the command line."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One attempt to trade. `order_id` is known from the moment the order is signed."""

    attempt_id: str
    status: OrderStatus
    intent: OrderIntent
    created_at: datetime
    updated_at: datetime
    client_token: str | None = None
    plan: OrderPlan | None = None
    order_id: OrderId | None = None
    result: PlacementResult | None = None
    refusal: Refusal | None = None
    approval: PendingApproval | None = None

    @property
    def attempted(self) -> bool:
        """Whether this attempt reached the venue, may have, or still can."""
        return self.status not in (OrderStatus.REFUSED, OrderStatus.DRAFT, OrderStatus.REJECTED)

    @property
    def came_to_nothing(self) -> bool:
        """Whether it ended without a fill."""
        unfilled = self.result is None or not self.result.taking
        return not self.attempted or (self.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED) and unfilled)

    @property
    def may_change(self) -> bool:
        """Whether the venue may know more of it than the journal."""
        return self.status is OrderStatus.UNKNOWN or self.status.open


class OrderJournal:
    """Records by attempt id, newest last."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._records: dict[str, OrderRecord] = {}
        self._new_id = new_id

    def open(self, intent: OrderIntent, *, now: datetime, client_token: str | None) -> OrderRecord:
        """A new attempt, as a draft."""
        record = OrderRecord(
            attempt_id=self._new_id(),
            status=OrderStatus.DRAFT,
            intent=intent,
            created_at=now,
            updated_at=now,
            client_token=client_token,
        )
        self._records[record.attempt_id] = record
        return record

    def move(self, record: OrderRecord, status: OrderStatus, *, now: datetime, **changes: Any) -> OrderRecord:
        """Write the next state of an attempt. Raises IllegalMove for one the table does not allow."""
        current = self._records[record.attempt_id]
        check_move(current.status, status)
        updated = dataclasses.replace(current, status=status, updated_at=now, **changes)
        self._records[record.attempt_id] = updated
        return updated

    def current(self, record: OrderRecord) -> OrderRecord:
        """The record as it is now: another call may have moved it on."""
        return self._records[record.attempt_id]

    def get(self, attempt_id: str) -> OrderRecord | None:
        return self._records.get(attempt_id)

    def by_order(self, order_id: OrderId) -> OrderRecord | None:
        return next((record for record in self if record.order_id == order_id), None)

    def by_token(self, client_token: str) -> OrderRecord | None:
        """The attempt that used up a token. One that was refused or rejected did not."""
        return next((record for record in self if record.client_token == client_token and record.attempted), None)

    def repeated(self, intent: OrderIntent, *, now: datetime, within: timedelta) -> OrderRecord | None:
        """An attempt at the same trade, made less than `within` ago, unless it came to nothing."""
        fingerprint = intent.fingerprint
        return next(
            (
                record
                for record in reversed(list(self))
                if not record.came_to_nothing
                and now - record.created_at < within
                and record.intent.fingerprint == fingerprint
            ),
            None,
        )

    def unknown(self, condition_id: ConditionId | None = None) -> list[OrderRecord]:
        return [
            record
            for record in self
            if record.status is OrderStatus.UNKNOWN and condition_id in (None, record.intent.market.condition_id)
        ]

    def __iter__(self) -> Iterator[OrderRecord]:
        return iter(list(self._records.values()))

    def __len__(self) -> int:
        return len(self._records)
