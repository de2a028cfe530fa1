"""Whose yes an order needs before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ..models import OrderSide
from .order_plan import OrderPlan


class ConsentKind(StrEnum):
    """`none`: nobody's. `person`: somebody outside the chat. `dialog`: through the host. `acknowledge`: the model's."""

    NONE = "none"
    PERSON = "person"
    DIALOG = "dialog"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Consent:
    """What the caller brings: the user's yes to the draft in the host's dialog, or the model's echo of its cost."""

    host_can_ask: bool = False
    agreed_by_user: bool = False
    acknowledged_usd: Decimal | None = None


NO_CONSENT_GIVEN = Consent()


class ConsentPolicy(Protocol):
    """`required` answers for a plan, given whether the host can show its user a question.

    `asks` is False where no order ever needs consent.
    """

    @property
    def asks(self) -> bool: ...

    def required(self, plan: OrderPlan, *, host_can_ask: bool) -> ConsentKind: ...


class NoConsent:
    """For money that is not real."""

    asks = False

    def required(self, plan: OrderPlan, *, host_can_ask: bool) -> ConsentKind:
        return ConsentKind.NONE


@dataclass(frozen=True, slots=True)
class LiveConsent:
    """For real money. Selling what is held needs nobody's consent.

    `dialog` allows asking through the host, `person` is the answer where that is not possible; an order of at
    most `acknowledge_up_to` dollars may be acknowledged by the model instead.
    """

    dialog: bool
    acknowledge_up_to: Decimal
    asks: bool = True

    def required(self, plan: OrderPlan, *, host_can_ask: bool) -> ConsentKind:
        if plan.ticket.side is OrderSide.SELL:
            return ConsentKind.NONE
        if plan.worst_cost <= self.acknowledge_up_to:
            return ConsentKind.ACKNOWLEDGE
        if self.dialog and host_can_ask:
            return ConsentKind.DIALOG
        return ConsentKind.PERSON
