"""Previewed orders, kept for a few minutes so that one can be placed exactly as it was shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, insert, select, update

from ..errors import InputRejected
from ..storage.caller import principal
from ..storage.database import Database
from ..storage.moments import from_micros, to_micros
from ..storage.schema import drafts
from .documents import plan_from_text, plan_to_text
from .draft import Draft
from .intent import OrderIntent
from .order_plan import OrderPlan

DRAFT_LIFETIME = timedelta(minutes=5)
_KEPT = timedelta(days=1)
"""How long a used or expired draft is remembered, so that repeating its call finds its order."""


class DraftBook:
    """Drafts of one account, kept in the desk's file so that every process finds them, and finds them used."""

    def __init__(self, database: Database, *, account: str, new_id: Callable[[], str]) -> None:
        self._database = database
        self._account = account
        self._new_id = new_id

    def keep(self, plan: OrderPlan, *, now: datetime, replays: str | None = None) -> Draft:
        draft = Draft(self._new_id(), plan, now + DRAFT_LIFETIME, replays=replays)
        with self._database.writing() as connection:
            connection.execute(delete(drafts).where(drafts.c.expires_at < to_micros(now - _KEPT)))
            connection.execute(
                insert(drafts).values(
                    draft_id=draft.draft_id,
                    account=self._account,
                    fingerprint=plan.intent.fingerprint,
                    expires_at=to_micros(draft.expires_at),
                    asked=False,
                    replays=replays,
                    document=plan_to_text(plan),
                    principal=principal(),
                )
            )
        return draft

    def get(self, draft_id: str, *, now: datetime) -> Draft:
        """A draft by its id; a used one stays readable so that repeating the call finds its order.

        Raises InputRejected `unknown_draft` for one that never was, has expired, or is of another account or principal:
        knowing a draft's id is no right to place it.
        """
        draft = self._one(self._mine().where(drafts.c.draft_id == draft_id, drafts.c.principal == principal()))
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
        return self._one(
            self._mine()
            .where(
                drafts.c.fingerprint == intent.fingerprint,
                drafts.c.principal == principal(),
                drafts.c.asked,
                drafts.c.attempt_id.is_(None),
                drafts.c.expires_at > to_micros(now),
            )
            .order_by(drafts.c.number.desc())
            .limit(1)
        )

    def ask(self, draft_id: str) -> None:
        """Mark a draft as being asked about."""
        self._set(drafts.c.draft_id == draft_id, asked=True)

    def settle(self, draft_id: str) -> None:
        """End the question about a draft: the next one is about the present."""
        self._set(drafts.c.draft_id == draft_id, asked=False)

    def use(self, draft: Draft, attempt_id: str) -> None:
        """Bind a draft to the attempt that sends it, or asks a person about it."""
        self._set(drafts.c.draft_id == draft.draft_id, attempt_id=attempt_id)

    def release(self, attempt_id: str) -> None:
        """Free the draft of an attempt that came to nothing, so that the same call can be made again."""
        self._set(drafts.c.attempt_id == attempt_id, attempt_id=None)

    def _mine(self) -> Select[Any]:
        return select(drafts).where(drafts.c.account == self._account)

    def _one(self, query: Select[Any]) -> Draft | None:
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Draft(
            draft_id=row.draft_id,
            plan=plan_from_text(row.document),
            expires_at=from_micros(row.expires_at),
            attempt_id=row.attempt_id,
            asked=bool(row.asked),
            replays=row.replays,
        )

    def _set(self, which: ColumnElement[bool], **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(update(drafts).where(drafts.c.account == self._account, which).values(**values))
