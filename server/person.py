"""Commands that only a person at a terminal should run: saying yes to an order, and lifting a halt."""

from __future__ import annotations

import json
import secrets
import sys
from functools import partial

from ..core.clock import SystemClock
from ..core.risk.kill_switch import KillSwitch
from ..core.settings import Settings
from ..core.storage.audit_log import AuditLog
from ..core.storage.database import DESK_FILE, Database
from ..core.trading.approvals import ApprovalBox, ApprovalRequest, Decision


def run_approve(settings: Settings, code: str | None, *, decline: bool, as_json: bool) -> int:
    """List what waits, or answer one request. Saying yes needs a terminal, so that a script cannot do it."""
    box = ApprovalBox(settings.desk_folder / "approvals", partial(secrets.token_hex, 3))
    clock = SystemClock()
    now = clock.now()
    if code is None:
        return _list(box.pending(now), as_json)
    request = box.read(code, now)
    if request is None or request.decision is not Decision.PENDING:
        _tell(f"No order waits under {code}; it may have expired.", as_json, code=code, decision=None)
        return 1
    decision = Decision.DECLINED
    if not decline:
        if not sys.stdin.isatty():
            _tell("Approving needs a person at a terminal.", as_json, code=code, decision=None)
            return 1
        print(request.question, file=sys.stderr)
        print("Type yes to place it: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() == "yes":
            decision = Decision.APPROVED
    answered = box.decide(code, decision, clock.now())
    if answered is None:
        _tell(f"The order under {code} has expired.", as_json, code=code, decision=None)
        return 1
    said = f"{answered.decision.value.capitalize()}."
    if decision is Decision.APPROVED and not box.still_asked(request):
        until = f"{request.expires_at:%H:%M:%S} UTC"
        said += f" The desk that asked has ended: the order is placed, at prices of then, if one starts before {until}."
    _tell(said, as_json, code=code, decision=answered.decision.value)
    return 0


def run_resume(settings: Settings, *, as_json: bool) -> int:
    """Lift a halt of one mode."""
    folder = settings.desk_folder
    lifted = KillSwitch(folder, lifted_by="").lift()
    if lifted and (folder / DESK_FILE).exists():
        database = Database.at(folder / DESK_FILE)
        AuditLog(database, "").write("halt.lifted", now=SystemClock().now())
        database.close()
    said = f"Trading in {settings.mode.value} is allowed again." if lifted else f"Nothing was halted in {folder}."
    print(json.dumps({"message": said, "mode": settings.mode.value, "lifted": lifted}) if as_json else said)
    return 0


def _list(requests: list[ApprovalRequest], as_json: bool) -> int:
    if as_json:
        rows = [
            {"code": each.code, "question": each.question, "expires_at": each.expires_at.isoformat()}
            for each in requests
        ]
        print(json.dumps(rows))
    elif not requests:
        print("No order waits for approval.")
    for each in () if as_json else requests:
        print(f"{each.code}  until {each.expires_at:%H:%M:%S}  {each.question}")
    return 0


def _tell(message: str, as_json: bool, **fields: str | None) -> None:
    print(json.dumps({"message": message, **fields}) if as_json else message)
