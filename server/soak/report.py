"""What a soak found: counts, five of which must be zero."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import select

from ...core.exchange.ledger import Account
from ...core.storage.audit_log import check_chain
from ...core.storage.database import Database
from ...core.storage.schema import audit, orders
from .market import Watch
from .worker import Belief

_UNFINISHED = ("draft", "sending", "unknown", "delayed", "awaiting_person")


@dataclass(frozen=True, slots=True)
class SoakReport:
    """`orders` were written down as being sent, `refusals` are of those that were not; `faults` happened, by kind.

    The next five must be 0: orders that the venue took more than once for one token or saw more than once by their
    hash, orders at the venue that the journal does not know, orders whose fate is not known, the difference between
    what the desk and the venue think the account owns (millionths, cash and shares added up), and moments at which a
    limit was exceeded. `audit_broken_at` is None while the chain of decisions is whole.
    """

    seed: int
    orders: int
    states: Mapping[str, int]
    refusals: Mapping[str, int]
    kills: int
    faults: Mapping[str, int]
    failed_trades: int
    seconds: float
    sent_twice: int
    lost_from_journal: int
    unknown_at_end: int
    ledger_difference_micro: int
    limits_exceeded: int
    audit_broken_at: int | None

    @property
    def passed(self) -> bool:
        wrong = (
            self.sent_twice,
            self.lost_from_journal,
            self.unknown_at_end,
            self.ledger_difference_micro,
            self.limits_exceeded,
        )
        return not any(wrong) and self.audit_broken_at is None

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"passed": self.passed}


def report(
    *,
    seed: int,
    kills: int,
    seconds: float,
    faults: Mapping[str, int],
    failed_trades: int,
    file: Path,
    watch: Watch,
    account: Account,
    granted_micro: int,
    belief: Belief,
) -> SoakReport:
    """Hold the desk's file and what it believes against the venue's books."""
    database = Database.at(file)
    try:
        with database.reading() as connection:
            rows = connection.execute(select(orders.c.order_id, orders.c.client_token, orders.c.status)).all()
            refused = connection.execute(select(audit.c.detail).where(audit.c.kind == "order.refused")).scalars().all()
        broken_at = check_chain(database).broken_at
    finally:
        database.close()
    known = {row.order_id: row.client_token for row in rows if row.order_id is not None}
    accepted_by_token = Counter(known[order_id] for order_id in watch.placed if order_id in known)
    states = Counter(str(row.status) for row in rows)
    return SoakReport(
        seed=seed,
        orders=len(known),
        states=dict(states),
        refusals=dict(Counter(json.loads(detail)["code"] for detail in refused)),
        kills=kills,
        faults=dict(faults),
        failed_trades=failed_trades,
        seconds=round(seconds, 1),
        sent_twice=sum(count - 1 for count in accepted_by_token.values())
        + sum(count - 1 for count in watch.posts.values()),
        lost_from_journal=len(watch.placed - known.keys()),
        unknown_at_end=sum(states[state] for state in _UNFINISHED) + belief.open_orders,
        ledger_difference_micro=_difference(account, granted_micro, belief),
        limits_exceeded=watch.exceeded,
        audit_broken_at=broken_at,
    )


def _difference(account: Account, granted_micro: int, belief: Belief) -> int:
    held = {token: position.size for token, position in account.positions.items() if position.size}
    shares = sum(abs(held.get(token, 0) - belief.shares_micro.get(token, 0)) for token in held | belief.shares_micro)
    return abs(account.cash - (granted_micro - belief.spent_micro)) + shares
