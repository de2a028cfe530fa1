"""Rules and what they have told, in the desk's file: a restart forgets neither, and tells nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_pass

from ..errors import InputRejected
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import alert_deliveries, alert_rules, alerts, alerts_seen
from .levels import Judgement, Memory
from .rules import DEFAULT_RULES, AlertKind, AlertRule, rule_from_text, rule_to_text

MOST_RULES = 100
"""Rules that may watch at once, the desk's own among them."""

_FIRST_LOOK_BACK = timedelta(days=1)
"""Who asks for the first time is told of so long before."""


@dataclass(frozen=True, slots=True)
class WatchedRule:
    """A rule that watches. While `snoozed_until` lies ahead, what it tells is kept and delivered to nobody."""

    rule_id: str
    rule: AlertRule
    created_at: datetime
    snoozed_until: datetime | None
    memory: Memory

    def is_snoozed(self, now: datetime) -> bool:
        return self.snoozed_until is not None and now < self.snoozed_until

    @property
    def by_default(self) -> bool:
        """Whether it watches without anybody having asked."""
        return self.rule_id in DEFAULT_RULES


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a rule has told."""

    number: int
    alert_id: str
    rule_id: str
    kind: AlertKind
    at: datetime
    text: str
    facts: Mapping[str, Any]
    silenced: bool
    acknowledged_at: datetime | None


class AlertBook:
    """The rules and alerts of one account."""

    def __init__(self, database: Database, *, account: str, new_id: Callable[[str], str]) -> None:
        self._database = database
        self._account = account
        self._new_id = new_id

    def rules(self) -> tuple[WatchedRule, ...]:
        """All rules, oldest first."""
        mine = select(alert_rules).where(alert_rules.c.account == self._account).order_by(alert_rules.c.number)
        with self._database.reading() as connection:
            return tuple(_rule(row) for row in connection.execute(mine).all())

    def get(self, rule_id: str) -> WatchedRule:
        """Raises InputRejected `unknown_rule`."""
        found = next((each for each in self.rules() if each.rule_id == rule_id), None)
        if found is None:
            raise InputRejected(f"There is no rule {rule_id[:40]!r}.", code="unknown_rule", fix="list them")
        return found

    def add(self, rule: AlertRule, *, now: datetime, memory: Memory | None = None) -> tuple[WatchedRule, bool]:
        """Let a rule watch from now on, and whether it is new: the same rule watches once.

        `memory` is what its condition knows before its first look.

        Raises InputRejected `too_many_rules`.
        """
        with self._database.writing():
            watching = self.rules()
            same = next((each for each in watching if each.rule.fingerprint == rule.fingerprint), None)
            if same is not None:
                return same, False
            if len(watching) >= MOST_RULES:
                raise InputRejected(
                    f"{MOST_RULES} rules watch already.", code="too_many_rules", fix="delete one that is not needed"
                )
            return self._insert(self._new_id("a"), rule, now=now, memory=memory), True

    def keep_defaults(self, wanted: Iterable[str], *, now: datetime) -> None:
        """Have those of the desk's own rules watch that are wanted, and no others of them."""
        names = frozenset(wanted)
        with self._database.writing() as connection:
            watching = {each.rule_id: each for each in self.rules()}
            for rule_id, rule in DEFAULT_RULES.items():
                known = watching.get(rule_id)
                if known is not None and (rule_id not in names or known.rule != rule):
                    self._remove(rule_id)
                    known = None
                if known is None and rule_id in names:
                    connection.execute(
                        delete(alert_rules).where(
                            alert_rules.c.account == self._account, alert_rules.c.fingerprint == rule.fingerprint
                        )
                    )
                    self._insert(rule_id, rule, now=now)

    def delete(self, rule_id: str) -> WatchedRule:
        """End a rule; what it has told stays. Raises InputRejected `unknown_rule`, `default_rule`."""
        found = self.get(rule_id)
        if found.by_default:
            raise InputRejected(
                f"{rule_id} is one of the desk's own rules.",
                code="default_rule",
                fix="snooze it, or a person leaves it out of POLYMARKET_ALERT_DEFAULTS",
            )
        with self._database.writing():
            self._remove(rule_id)
        return found

    def snooze(self, rule_id: str, until: datetime | None) -> WatchedRule:
        """Deliver nothing of a rule until a time; None: from now on again. Raises InputRejected `unknown_rule`."""
        self.get(rule_id)
        with self._database.writing() as connection:
            connection.execute(
                update(alert_rules)
                .where(alert_rules.c.account == self._account, alert_rules.c.rule_id == rule_id)
                .values(snoozed_until=None if until is None else to_micros(until))
            )
        return self.get(rule_id)

    def write(
        self, looks: Sequence[tuple[WatchedRule, Judgement]], *, now: datetime, channels: frozenset[str]
    ) -> list[Alert]:
        """Write down what looks led to, in one transaction with the deliveries it asks for; the alerts that are new.

        `channels` are those that are configured. A rule that was deleted meanwhile tells nothing.
        """
        told: list[Alert] = []
        with self._database.writing() as connection:
            for watched, judgement in looks:
                kept = connection.execute(
                    update(alert_rules)
                    .where(alert_rules.c.account == self._account, alert_rules.c.rule_id == watched.rule_id)
                    .values(memory=json.dumps(judgement.memory))
                )
                if not kept.rowcount:
                    continue
                for each in judgement.occurrences:
                    event = _event_name(watched, each.event)
                    number = connection.execute(
                        insert_or_pass(alerts)
                        .values(
                            alert_id=self._new_id("n"),
                            account=self._account,
                            rule_id=watched.rule_id,
                            kind=watched.rule.kind.value,
                            event=event,
                            at=to_micros(now),
                            text=each.text,
                            facts=json.dumps(each.facts),
                            silenced=watched.is_snoozed(now),
                        )
                        .on_conflict_do_nothing()
                        .returning(alerts.c.number)
                    ).scalar()
                    if number is None:
                        continue  # it was told before
                    alert = self._alert(number)
                    told.append(alert)
                    if not alert.silenced:
                        self._ask_for_deliveries(alert, watched, event, now=now, channels=channels)
        return told

    def latest(self, most: int) -> list[Alert]:
        """What rules have told last, newest first."""
        mine = select(alerts).where(alerts.c.account == self._account)
        return self._alerts(mine.order_by(alerts.c.number.desc()).limit(most))

    def counts(self) -> dict[str, int]:
        """How often each rule has told something."""
        query = (
            select(alerts.c.rule_id, func.count()).where(alerts.c.account == self._account).group_by(alerts.c.rule_id)
        )
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query).all()}

    def counts_by_kind(self) -> dict[AlertKind, int]:
        """How often something of each kind was told, by rules that are gone too."""
        query = select(alerts.c.kind, func.count()).where(alerts.c.account == self._account).group_by(alerts.c.kind)
        with self._database.reading() as connection:
            return {AlertKind(row[0]): row[1] for row in connection.execute(query).all()}

    def acknowledge(self, name: str, *, now: datetime) -> int:
        """Mark an alert, or all of a rule, as seen to; how many were. Raises InputRejected `unknown_alert`."""
        named = (alerts.c.account == self._account) & ((alerts.c.alert_id == name) | (alerts.c.rule_id == name))
        with self._database.writing() as connection:
            if connection.execute(select(alerts.c.number).where(named).limit(1)).first() is None:
                raise InputRejected(
                    f"There is no alert and no rule {name[:40]!r} that has told anything.",
                    code="unknown_alert",
                    fix="use an alert_id or rule_id as listed",
                )
            return connection.execute(
                update(alerts).where(named, alerts.c.acknowledged_at.is_(None)).values(acknowledged_at=to_micros(now))
            ).rowcount

    def tell(self, principal: str, *, now: datetime) -> list[Alert]:
        """What somebody has not been told yet, oldest first, which is then told. The first time, that of a day."""
        mine = select(alerts).where(
            alerts.c.account == self._account, alerts.c.silenced.is_(False), alerts.c.acknowledged_at.is_(None)
        )
        whose = (alerts_seen.c.principal == principal) & (alerts_seen.c.account == self._account)
        with self._database.reading() as connection:
            seen = connection.execute(select(alerts_seen.c.number).where(whose)).scalar()
            last = connection.execute(select(func.max(alerts.c.number))).scalar() or 0
        if seen == last:
            return []
        new = alerts.c.at > to_micros(now - _FIRST_LOOK_BACK) if seen is None else alerts.c.number > seen
        found = self._alerts(mine.where(new).order_by(alerts.c.number))
        with self._database.writing() as connection:
            connection.execute(delete(alerts_seen).where(whose))
            connection.execute(insert(alerts_seen).values(principal=principal, account=self._account, number=last))
        return found

    def _ask_for_deliveries(
        self, alert: Alert, watched: WatchedRule, event: str, *, now: datetime, channels: frozenset[str]
    ) -> None:
        """One delivery for each channel; two rules that tell the same of one thing reach a channel once."""
        chosen = channels if watched.rule.channel is None else frozenset({watched.rule.channel})
        with self._database.writing() as connection:
            for channel in sorted(chosen):
                connection.execute(
                    insert_or_pass(alert_deliveries)
                    .values(
                        delivery_id=self._new_id("d"),
                        account=self._account,
                        alert=alert.number,
                        rule_id=watched.rule_id,
                        channel=channel,
                        event=event,
                        state="pending",
                        due_at=to_micros(now),
                        updated_at=to_micros(now),
                    )
                    .on_conflict_do_nothing()
                )

    def _insert(self, rule_id: str, rule: AlertRule, *, now: datetime, memory: Memory | None = None) -> WatchedRule:
        with self._database.writing() as connection:
            connection.execute(
                insert(alert_rules).values(
                    rule_id=rule_id,
                    account=self._account,
                    created_at=to_micros(now),
                    fingerprint=rule.fingerprint,
                    document=rule_to_text(rule),
                    memory=json.dumps(memory or {}),
                )
            )
        return self.get(rule_id)

    def _remove(self, rule_id: str) -> None:
        with self._database.writing() as connection:
            connection.execute(
                delete(alert_rules).where(alert_rules.c.account == self._account, alert_rules.c.rule_id == rule_id)
            )

    def _alert(self, number: int) -> Alert:
        return self._alerts(select(alerts).where(alerts.c.number == number))[0]

    def _alerts(self, query: Any) -> list[Alert]:
        with self._database.reading() as connection:
            return [alert_of(row) for row in connection.execute(query).all()]


_SHARED_EVENTS = ("order/", "letter/", "market/", "resolution/", "run/")
"""How events begin that are the same whichever rule tells of them."""


def _event_name(watched: WatchedRule, event: str) -> str:
    """A name that no other event has: most are numbered by their rule, from when it began to watch."""
    if event.startswith(_SHARED_EVENTS):
        return event
    return f"{watched.rule_id}@{to_micros(watched.created_at)}/{event}"


def alert_of(row: Row[Any]) -> Alert:
    return Alert(
        number=row.number,
        alert_id=row.alert_id,
        rule_id=row.rule_id,
        kind=AlertKind(row.kind),
        at=from_micros(row.at),
        text=row.text,
        facts=json.loads(row.facts),
        silenced=row.silenced,
        acknowledged_at=None if row.acknowledged_at is None else from_micros(row.acknowledged_at),
    )


def _rule(row: Row[Any]) -> WatchedRule:
    return WatchedRule(
        rule_id=row.rule_id,
        rule=rule_from_text(row.document),
        created_at=from_micros(row.created_at),
        snoozed_until=None if row.snoozed_until is None else from_micros(row.snoozed_until),
        memory=json.loads(row.memory),
    )
