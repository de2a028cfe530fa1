"""What the desk knows of one attempt to trade, from the intent to its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..identifiers import OrderId
from ..models import OrderStatus, PlacementResult
from .intent import OrderIntent
from .order_plan import OrderPlan
from .order_states import MAY_CHANGE

Stage = Literal["plan", "gate", "person", "venue"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where an order was stopped, why, and what would get through.

    At the gate, `control` refused because of the number `value` against its `limit`.
    """

    stage: Stage
    code: str
    message: str
    fix: str = ""
    control: str = ""
    value: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True)
class PendingApproval:
    """What a person is asked: `code` names it on the command line."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One attempt to trade. `order_id` is known from the moment the order is signed.

    `desk` is the process that sees it through; `sent_at` the moment before its first byte left.
    """

    attempt_id: str
    status: OrderStatus
    intent: OrderIntent
    created_at: datetime
    updated_at: datetime
    desk: str
    client_token: str | None = None
    plan: OrderPlan | None = None
    order_id: OrderId | None = None
    sent_at: datetime | None = None
    result: PlacementResult | None = None
    refusal: Refusal | None = None
    approval: PendingApproval | None = None

    @property
    def attempted(self) -> bool:
        """Whether this attempt reached the venue, may have, or still can."""
        return self.status not in (OrderStatus.REFUSED, OrderStatus.DRAFT, OrderStatus.REJECTED, OrderStatus.DEAD)

    @property
    def came_to_nothing(self) -> bool:
        """Whether it ended without a fill."""
        unfilled = self.result is None or not self.result.taking
        return not self.attempted or (self.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED) and unfilled)

    @property
    def may_change(self) -> bool:
        """Whether the venue may know more of it than the journal."""
        return self.status in MAY_CHANGE
