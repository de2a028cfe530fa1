"""A previewed order, which can be placed exactly as it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .order_plan import OrderPlan


@dataclass(frozen=True, slots=True)
class Draft:
    """`attempt_id` is set once the draft was used; it can be used once.

    `asked` marks a draft that the host's user is being asked about, in however many rounds that takes. `replays` is the
    attempt that failed for good and whose place it takes.
    """

    draft_id: str
    plan: OrderPlan
    expires_at: datetime
    attempt_id: str | None = None
    asked: bool = False
    replays: str | None = None
