"""Previewed orders, kept for a few minutes so that one can be placed exactly as it was shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..errors import InputRejected
from .intent import OrderIntent
from .order_plan import OrderPlan

DRAFT_LIFETIME = timedelta(minutes=5)
_MOST_DRAFTS = 500


@dataclass(frozen=True, slots=True)
class Draft:
    """`attempt_id` is set once the draft was used; it can be used once.

    `asked` marks a draft that the host's user is being asked about, in however many rounds that takes.
    """

    draft_id: str
    plan: OrderPlan
    expires_at: datetime
    attempt_id: str | None = None
    asked: bool = False


class DraftBook:
    """Drafts by id. Old ones are dropped when there are too many."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._drafts: dict[str, Draft] = {}
        self._new_id = new_id

    def keep(self, plan: OrderPlan, *, now: datetime) -> Draft:
        while len(self._drafts) >= _MOST_DRAFTS:
            del self._drafts[next(iter(self._drafts))]
        draft = Draft(self._new_id(), plan, now + DRAFT_LIFETIME)
        self._drafts[draft.draft_id] = draft
        return draft

    def get(self, draft_id: str, *, now: datetime) -> Draft:
        """A draft by its id; a used one stays readable so that repeating the call finds its order.

        Raises InputRejected `unknown_draft` for one that never was or has expired.
        """
        draft = self._drafts.get(draft_id)
        if draft is None or (draft.attempt_id is None and now >= draft.expires_at):
            raise InputRejected(
                f"There is no draft {draft_id[:40]!r}; drafts last five minutes.",
                code="unknown_draft",
                fix="preview the order again",
                next_tool="polymarket_preview_order",
            )
        return draft

    def being_asked(self, intent: OrderIntent, *, now: datetime) -> Draft | None:
        """The draft of the same trade that a question is about."""
        fingerprint = intent.fingerprint
        for draft in reversed(self._drafts.values()):
            open_question = draft.asked and draft.attempt_id is None and now < draft.expires_at
            if open_question and draft.plan.intent.fingerprint == fingerprint:
                return draft
        return None

    def ask(self, draft_id: str) -> None:
        """Mark a draft as being asked about."""
        self._drafts[draft_id] = dataclasses.replace(self._drafts[draft_id], asked=True)

    def settle(self, draft_id: str) -> None:
        """End the question about a draft: the next one is about the present."""
        self._drafts[draft_id] = dataclasses.replace(self._drafts[draft_id], asked=False)

    def use(self, draft: Draft, attempt_id: str) -> None:
        """Bind a draft to the attempt that sends it, or asks a person about it."""
        self._drafts[draft.draft_id] = dataclasses.replace(draft, attempt_id=attempt_id)

    def release(self, attempt_id: str) -> None:
        """Free the draft of an attempt that came to nothing, so that the same call can be made again."""
        for draft in list(self._drafts.values()):
            if draft.attempt_id == attempt_id:
                self._drafts[draft.draft_id] = dataclasses.replace(draft, attempt_id=None)
