"""Orders that wait for a person, left in a folder where `polydesk approve` finds them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from ..clock import Clock

_POLL_S = 0.5


class Decision(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What the person reads, until when the answer counts, and the process id of the desk that asked."""

    code: str
    question: str
    expires_at: datetime
    decision: Decision
    asked_by: int


class ApprovalBox:
    """One file per request, readable by its owner alone. The file is removed when the desk has acted on it."""

    def __init__(self, folder: Path, new_code: Callable[[], str]) -> None:
        self._folder = folder
        self._new_code = new_code

    def ask(self, question: str, *, expires_at: datetime) -> ApprovalRequest:
        request = ApprovalRequest(self._new_code(), question, expires_at, Decision.PENDING, os.getpid())
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(request)
        return request

    def adopt(self, code: str, now: datetime) -> None:
        """Ask on in the name of this process; the one that asked is gone."""
        request = self.read(code, now)
        if request is not None:
            self._write(dataclasses.replace(request, asked_by=os.getpid()))

    def pending(self, now: datetime) -> list[ApprovalRequest]:
        found = [self.read(path.stem, now) for path in sorted(self._folder.glob("*.json"))]
        return [request for request in found if request is not None and request.decision is Decision.PENDING]

    def read(self, code: str, now: datetime) -> ApprovalRequest | None:
        """A request by its code; one whose time has passed reads as expired."""
        if not code.isalnum():
            return None
        try:
            content = json.loads(self._path(code).read_text())
            request = ApprovalRequest(
                code=code,
                question=content["question"],
                expires_at=datetime.fromisoformat(content["expires_at"]),
                decision=Decision(content["decision"]),
                asked_by=int(content["asked_by"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if request.decision is Decision.PENDING and now >= request.expires_at:
            return dataclasses.replace(request, decision=Decision.EXPIRED)
        return request

    def decide(self, code: str, decision: Decision, now: datetime) -> ApprovalRequest | None:
        """Record a person's answer. None for a code that is unknown, expired or already answered."""
        request = self.read(code, now)
        if request is None or request.decision is not Decision.PENDING:
            return None
        answered = dataclasses.replace(request, decision=decision)
        self._write(answered)
        return answered

    async def decision(self, code: str, clock: Clock) -> Decision:
        """Wait until a person has answered or the time is up. A request that vanished counts as expired."""
        while True:
            request = self.read(code, clock.now())
            if request is None:
                return Decision.EXPIRED
            if request.decision is not Decision.PENDING:
                return request.decision
            await clock.sleep(_POLL_S)

    @staticmethod
    def still_asked(request: ApprovalRequest) -> bool:
        """Whether the desk that asked still runs; without it an answer leads to nothing."""
        try:
            os.kill(request.asked_by, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def remove(self, code: str) -> None:
        self._path(code).unlink(missing_ok=True)

    def _write(self, request: ApprovalRequest) -> None:
        content = json.dumps(
            {
                "question": request.question,
                "expires_at": request.expires_at.isoformat(),
                "decision": request.decision,
                "asked_by": request.asked_by,
            }
        )
        path = self._path(request.code)
        partial = path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        partial.replace(path)

    def _path(self, code: str) -> Path:
        return self._folder / f"{code}.json"
