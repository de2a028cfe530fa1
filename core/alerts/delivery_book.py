"""What is still to be delivered, in the desk's file: written with its alert, and ended only by an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import alert_deliveries, alerts
from .alert_book import Alert, alert_of


class DeliveryState(StrEnum):
    """`folded`: told together with another one, whose delivery says how many there were."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    FOLDED = "folded"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert on its way to one channel. `folded` are the alerts that are told with it, oldest first."""

    number: int
    delivery_id: str
    channel: str
    attempts: int
    alert: Alert
    folded: tuple[Alert, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A delivery that was given up, or that has not succeeded yet."""

    delivery_id: str
    channel: str
    state: DeliveryState
    attempts: int
    error: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `burst` deliveries a minute on a channel, and those of one rule `rule_gap_s` apart; what comes in between
    is folded into the next."""

    burst: int = 10
    rule_gap_s: float = 60.0


_MINUTE = timedelta(minutes=1)


class DeliveryBook:
    """The deliveries of one account. Only the process that holds the desk takes from it."""

    def __init__(self, database: Database, *, account: str, pace: Pace | None = None) -> None:
        self._database = database
        self._account = account
        self._pace = pace or Pace()

    def take_due(self, *, now: datetime) -> list[Delivery]:
        """What may be sent now, at most one for each channel and rule.

        All that waits for the same channel and rule is folded into the oldest, once, before it is first sent: a repeat
        tells the same.
        """
        found = []
        with self._database.writing() as connection:
            due = self._mine().where(
                alert_deliveries.c.state == DeliveryState.PENDING.value, alert_deliveries.c.due_at <= to_micros(now)
            )
            rows = connection.execute(due.order_by(alert_deliveries.c.number)).all()
            room = {row.channel: self._room(row.channel, now) for row in rows}
            taken: set[tuple[str, str]] = set()
            for row in rows:
                pair = row.channel, row.rule_id
                if pair in taken:
                    continue
                if not row.attempts:
                    if room[row.channel] <= 0 or self._told_lately(*pair, now):
                        continue
                    room[row.channel] -= 1
                    self._fold(row, now)
                taken.add(pair)
                found.append(self._delivery(row))
        return found

    def take_over(self, *, now: datetime) -> None:
        """What a process that is gone had begun to send is due now: nobody knows whether it arrived."""
        with self._database.writing() as connection:
            connection.execute(
                update(alert_deliveries)
                .where(
                    alert_deliveries.c.account == self._account,
                    alert_deliveries.c.state == DeliveryState.PENDING.value,
                    alert_deliveries.c.attempts > 0,
                    alert_deliveries.c.error == "",
                )
                .values(due_at=to_micros(now))
            )

    def next_due(self) -> datetime | None:
        """When something may have to be sent next; None while nothing waits."""
        query = select(func.min(alert_deliveries.c.due_at)).where(
            alert_deliveries.c.account == self._account, alert_deliveries.c.state == DeliveryState.PENDING.value
        )
        with self._database.reading() as connection:
            first = connection.execute(query).scalar()
        return None if first is None else from_micros(first)

    def attempted(self, delivery: Delivery, *, now: datetime, again_at: datetime) -> None:
        """Before it is sent. Should nothing be heard of it, it is due again at that time."""
        self._set(delivery, now, attempts=delivery.attempts + 1, due_at=to_micros(again_at))

    def delivered(self, delivery: Delivery, *, now: datetime) -> None:
        self._set(delivery, now, state=DeliveryState.DELIVERED.value, error="")

    def retry(self, delivery: Delivery, error: str, *, now: datetime, at: datetime) -> None:
        self._set(delivery, now, error=error, due_at=to_micros(at))

    def give_up(self, delivery: Delivery, error: str, *, now: datetime) -> None:
        self._set(delivery, now, state=DeliveryState.FAILED.value, error=error)

    def troubles(self, *, since: datetime) -> list[FailedDelivery]:
        """Deliveries that failed since a moment, given up or still tried, newest first."""
        query = self._mine().where(alert_deliveries.c.error != "", alert_deliveries.c.updated_at >= to_micros(since))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(alert_deliveries.c.number.desc()).limit(20)).all()
        return [
            FailedDelivery(
                row.delivery_id,
                row.channel,
                DeliveryState(row.state),
                row.attempts,
                row.error,
                from_micros(row.updated_at),
            )
            for row in rows
        ]

    def states(self) -> dict[int, dict[str, str]]:
        """How the deliveries of the latest alerts stand: by the alert's number, the state by channel."""
        query = self._mine().order_by(alert_deliveries.c.number.desc()).limit(200)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        found: dict[int, dict[str, str]] = {}
        for row in rows:
            found.setdefault(row.alert, {})[row.channel] = row.state
        return found

    def _room(self, channel: str, now: datetime) -> int:
        query = (
            select(func.count())
            .select_from(alert_deliveries)
            .where(
                alert_deliveries.c.account == self._account,
                alert_deliveries.c.channel == channel,
                alert_deliveries.c.state != DeliveryState.FOLDED.value,
                alert_deliveries.c.attempts > 0,
                alert_deliveries.c.updated_at > to_micros(now - _MINUTE),
            )
        )
        with self._database.reading() as connection:
            return self._pace.burst - (connection.execute(query).scalar() or 0)

    def _told_lately(self, channel: str, rule_id: str, now: datetime) -> bool:
        gap = timedelta(seconds=self._pace.rule_gap_s)
        query = self._mine().where(
            alert_deliveries.c.channel == channel,
            alert_deliveries.c.rule_id == rule_id,
            alert_deliveries.c.state != DeliveryState.FOLDED.value,
            alert_deliveries.c.attempts > 0,
            alert_deliveries.c.updated_at > to_micros(now - gap),
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def _fold(self, lead: Row[Any], now: datetime) -> None:
        with self._database.writing() as connection:
            connection.execute(
                update(alert_deliveries)
                .where(
                    alert_deliveries.c.account == self._account,
                    alert_deliveries.c.channel == lead.channel,
                    alert_deliveries.c.rule_id == lead.rule_id,
                    alert_deliveries.c.state == DeliveryState.PENDING.value,
                    alert_deliveries.c.attempts == 0,
                    alert_deliveries.c.number > lead.number,
                )
                .values(state=DeliveryState.FOLDED.value, told_with=lead.number, updated_at=to_micros(now))
            )

    def _delivery(self, row: Row[Any]) -> Delivery:
        query = (
            select(alerts)
            .join(alert_deliveries, alert_deliveries.c.alert == alerts.c.number)
            .where(
                (alert_deliveries.c.number == row.number) | (alert_deliveries.c.told_with == row.number),
            )
            .order_by(alerts.c.number)
        )
        with self._database.reading() as connection:
            first, *others = [alert_of(each) for each in connection.execute(query).all()]
        return Delivery(row.number, row.delivery_id, row.channel, row.attempts, first, tuple(others))

    def _set(self, delivery: Delivery, now: datetime, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(
                update(alert_deliveries)
                .where(alert_deliveries.c.number == delivery.number)
                .values(updated_at=to_micros(now), **values)
            )

    def _mine(self) -> Select[Any]:
        return select(alert_deliveries).where(alert_deliveries.c.account == self._account)
