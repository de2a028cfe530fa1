"""Puts an order desk together from its parts: for a venue that is open, and for one that is replayed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from ..core.clock import Clock
from ..core.risk.gate import RiskGate
from ..core.risk.kill_switch import KillSwitch
from ..core.risk.limits import RiskLimits
from ..core.storage.audit_log import AuditLog
from ..core.storage.database import Database
from ..core.storage.processes import ProcessMark
from ..core.trading.approvals import ApprovalBox
from ..core.trading.consent import ConsentPolicy
from ..core.trading.dead_letters import DeadLetters
from ..core.trading.desk import TradingDesk
from ..core.trading.desk_state import DeskStates
from ..core.trading.draft_book import DraftBook
from ..core.trading.heartbeat import Heartbeat
from ..core.trading.journal import OrderJournal
from ..core.trading.order_feed import OpenStream
from ..core.trading.reconciliation import ARRIVAL_WINDOW
from ..core.venues.venue import Venue


class OrderDesk(NamedTuple):
    """A desk, and the parts that others share with it."""

    desk: TradingDesk
    journal: OrderJournal
    audit: AuditLog
    approvals: ApprovalBox
    kill_switch: KillSwitch


def order_desk(
    database: Database,
    venue: Venue,
    clock: Clock,
    *,
    account: str,
    folder: Path,
    process: ProcessMark,
    limits: RiskLimits,
    consent: ConsentPolicy,
    new_id: Callable[[str], str],
    new_code: Callable[[], str],
    lifted_by: str,
    account_stream: OpenStream | None = None,
    heartbeat: Heartbeat | None = None,
    arrival_window: timedelta = ARRIVAL_WINDOW,
) -> OrderDesk:
    """`folder` is where halts and approvals lie, `lifted_by` the command that lifts a halt.

    `new_id` makes ids that begin with a letter, `new_code` what a person types to approve.
    """
    kill_switch = KillSwitch(folder, lifted_by=lifted_by)
    approvals = ApprovalBox(folder / "approvals", new_code)
    audit = AuditLog(database, account)
    letters = DeadLetters(database, audit, account=account, new_id=functools.partial(new_id, "l"))
    journal = OrderJournal(
        database, audit, letters, account=account, process=process, new_id=functools.partial(new_id, "a")
    )
    desk = TradingDesk(
        venue=venue,
        gate=RiskGate(limits),
        states=DeskStates(database, journal, kill_switch, clock, account=account),
        kill_switch=kill_switch,
        journal=journal,
        letters=letters,
        audit=audit,
        drafts=DraftBook(database, account=account, new_id=functools.partial(new_id, "d")),
        consent=consent,
        approvals=approvals,
        clock=clock,
        account_stream=account_stream,
        heartbeat=heartbeat,
        arrival_window=arrival_window,
    )
    return OrderDesk(desk, journal, audit, approvals, kill_switch)
