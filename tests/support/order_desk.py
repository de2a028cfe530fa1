"""Puts an order desk together from its parts, as the composition root does, for tests that bring their own venue."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from polydesk.core.clock import Clock
from polydesk.core.risk.gate import RiskGate
from polydesk.core.risk.kill_switch import KillSwitch
from polydesk.core.risk.limits import RiskLimits
from polydesk.core.storage.audit_log import AuditLog
from polydesk.core.storage.database import Database
from polydesk.core.storage.processes import ProcessMark
from polydesk.core.trading.approvals import ApprovalBox
from polydesk.core.trading.consent import ConsentPolicy, NoConsent
from polydesk.core.trading.dead_letters import DeadLetters
from polydesk.core.trading.desk import TradingDesk
from polydesk.core.trading.desk_state import DeskStates
from polydesk.core.trading.draft_book import DraftBook
from polydesk.core.trading.journal import OrderJournal
from polydesk.core.venues.venue import Venue


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """A desk and the parts that a test reaches into."""

    desk: TradingDesk
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
    consent: ConsentPolicy | None,
    numbers: itertools.count[int],
) -> OrderDesk:
    """`folder` is where halts and approvals lie; ids are a letter and the next of `numbers`."""
    kill_switch = KillSwitch(folder, lifted_by="polydesk resume --mode live")
    approvals = ApprovalBox(folder / "approvals", lambda: f"c{next(numbers)}")
    audit = AuditLog(database, account)
    letters = DeadLetters(database, audit, account=account, new_id=lambda: f"l{next(numbers)}")
    journal = OrderJournal(
        database, audit, letters, account=account, process=process, new_id=lambda: f"a{next(numbers)}"
    )
    desk = TradingDesk(
        venue=venue,
        gate=RiskGate(limits),
        states=DeskStates(database, journal, kill_switch, clock, account=account),
        kill_switch=kill_switch,
        journal=journal,
        letters=letters,
        audit=audit,
        drafts=DraftBook(database, account=account, new_id=lambda: f"d{next(numbers)}"),
        consent=consent or NoConsent(),
        approvals=approvals,
        clock=clock,
    )
    return OrderDesk(desk, audit, approvals, kill_switch)
