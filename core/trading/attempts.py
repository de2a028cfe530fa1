"""Begins each attempt once: a call that repeats an earlier one finds it, in whichever process it was made."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from ..clock import Clock
from ..errors import InputRejected, PolymarketAPIError, RiskRefused
from ..models import OrderStatus
from .draft import Draft
from .draft_book import DraftBook
from .intent import OrderIntent
from .journal import OrderJournal
from .order_record import OrderRecord, Refusal
from .recovery import Recovery

_log = logging.getLogger(__name__)

REPEAT_WINDOW = timedelta(seconds=120)

_BESIDE_POLL_S = 0.1
_BESIDE_POLLS = 100
"""How often a call looks whether another process has sent the same order, before it says that it cannot wait."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A record to see through, with the draft it uses up; or, when not `is_new`, the one that the call repeats."""

    record: OrderRecord
    draft: Draft | None
    is_new: bool


class Attempts:
    """The attempts of one account, from the call that asks for an order to the moment it is signed or refused."""

    def __init__(self, journal: OrderJournal, drafts: DraftBook, recovery: Recovery, clock: Clock) -> None:
        self._journal = journal
        self._drafts = drafts
        self._recovery = recovery
        self._clock = clock
        self.refusals: Counter[tuple[str, str]] = Counter()
        """Orders refused since the desk opened, by stage (plan or gate) and code."""

    async def begin(
        self, intent: OrderIntent, *, client_token: str | None, draft_id: str | None, named: bool
    ) -> Attempt:
        """A new attempt, or the one that this call repeats.

        Looking and writing are one step, also for other processes. One of them may be in the middle of the same
        order: that is waited for, and its attempt is ended when it turns out to be gone.
        """
        patience = _BESIDE_POLLS
        while True:
            with self._journal.atomically():
                now = self._clock.now()
                draft = self._drafts.get(draft_id, now=now) if draft_id is not None else None
                if draft is not None:
                    self._drafts.settle(draft.draft_id)
                repeated = self.earlier(intent, client_token=client_token, draft=draft, named=named)
                if repeated is None:
                    record = self._journal.open(intent, now=now, client_token=client_token)
                    if draft is not None:
                        self._drafts.use(draft, record.attempt_id)
                    return Attempt(record, draft, is_new=True)
            if repeated.status is not OrderStatus.DRAFT:
                return Attempt(repeated, draft, is_new=False)
            if not patience:
                raise InputRejected(
                    f"Another process of this desk is preparing the same order ({repeated.attempt_id}).",
                    code="being_placed",
                    fix="repeat the call in a few seconds; it will return that order",
                    retry_after_s=5,
                )
            patience -= 1
            self._recovery.take_over()
            await self._clock.sleep(_BESIDE_POLL_S)

    def earlier(
        self, intent: OrderIntent, *, client_token: str | None, draft: Draft | None = None, named: bool = False
    ) -> OrderRecord | None:
        """The attempt that a call with these arguments would repeat. Raises InputRejected `token_reused`."""
        if draft is not None and draft.attempt_id is not None:
            used = self._journal.get(draft.attempt_id)
            if used is not None and not used.attempted and used.status is not OrderStatus.DRAFT:
                raise InputRejected(
                    f"This draft was refused: {used.refusal.message if used.refusal else used.status}",
                    code="draft_refused",
                    fix="make a new preview if the user wants the order after all",
                    next_tool="polymarket_preview_order",
                )
            return used
        if client_token is None:
            return None if named else self._journal.repeated(intent, now=self._clock.now(), within=REPEAT_WINDOW)
        used = self._journal.by_token(client_token)
        if used is not None and used.intent.fingerprint != intent.fingerprint:
            raise InputRejected(
                f"client_token {client_token!r} already placed another order ({used.attempt_id}).",
                code="token_reused",
                fix="use a new client_token for a different order",
                next_tool="polymarket_get_orders",
            )
        return used

    @contextlib.asynccontextmanager
    async def refusing(self, *records: OrderRecord) -> AsyncIterator[None]:
        """Whatever goes wrong before orders are on their way ends their records, and is told as nothing sent."""
        try:
            yield
        except PolymarketAPIError as error:
            self._refuse(records, error)
            raise
        except Exception as error:
            _log.exception("%s failed before anything was sent", ", ".join(each.attempt_id for each in records))
            defect = PolymarketAPIError("The desk failed before anything was sent; its log says why.")
            self._refuse(records, defect)
            raise defect from error
        except BaseException:
            self._refuse(records, PolymarketAPIError("The call was abandoned before anything was sent."))
            raise

    def _refuse(self, records: tuple[OrderRecord, ...], error: PolymarketAPIError) -> None:
        rejected = error if isinstance(error, InputRejected) else None
        risk = error if isinstance(error, RiskRefused) else None
        refusal = Refusal(
            stage="gate" if risk else "plan",
            code=rejected.code if rejected else type(error).__name__,
            message=error.message,
            fix=rejected.fix if rejected else "",
            control=risk.control if risk else "",
            value=risk.value if risk else "",
            limit=risk.limit if risk else "",
        )
        self.refusals[refusal.stage, refusal.code] += len(records)
        with self._journal.atomically():
            for each in records:
                record = self._journal.current(each)
                if record.status in (OrderStatus.DRAFT, OrderStatus.AWAITING_PERSON):
                    self._drafts.release(record.attempt_id)
                    self._journal.move(record, OrderStatus.REFUSED, now=self._clock.now(), refusal=refusal)
