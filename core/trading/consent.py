"""Whose yes an order needs before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ..errors import InputRejected
from ..models import OrderSide
from ..money import text
from .draft import Draft
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

    def required_of_user(self, *, host_can_ask: bool) -> ConsentKind:
        """Whose yes something needs that no model can acknowledge: a transaction of the wallet, a strategy's run."""
        ...


class NoConsent:
    """For money that is not real."""

    asks = False

    def required(self, plan: OrderPlan, *, host_can_ask: bool) -> ConsentKind:
        return ConsentKind.NONE

    def required_of_user(self, *, host_can_ask: bool) -> ConsentKind:
        return ConsentKind.NONE


@dataclass(frozen=True, slots=True)
class LiveConsent:
    """For real money. Selling what is held needs nobody's consent, and an order under a mandate has it already.

    `dialog` allows asking through the host, `person` is the answer where that is not possible; an order of at
    most `acknowledge_up_to` dollars may be acknowledged by the model instead.
    """

    dialog: bool
    acknowledge_up_to: Decimal
    asks: bool = True

    def required(self, plan: OrderPlan, *, host_can_ask: bool) -> ConsentKind:
        if plan.ticket.side is OrderSide.SELL or plan.intent.mandate is not None:
            return ConsentKind.NONE
        if plan.worst_cost <= self.acknowledge_up_to:
            return ConsentKind.ACKNOWLEDGE
        if self.dialog and host_can_ask:
            return ConsentKind.DIALOG
        return ConsentKind.PERSON

    def required_of_user(self, *, host_can_ask: bool) -> ConsentKind:
        return ConsentKind.DIALOG if self.dialog and host_can_ask else ConsentKind.PERSON


def check_consent(kind: ConsentKind, plan: OrderPlan, draft: Draft | None, consent: Consent) -> None:
    """Raise InputRejected unless the yes that `kind` asks for was given to exactly this draft."""
    if kind is ConsentKind.DIALOG and (draft is None or not consent.agreed_by_user):
        raise InputRejected("The user did not agree to this order.", code="not_confirmed")
    if kind is not ConsentKind.ACKNOWLEDGE:
        return
    if draft is None or consent.acknowledged_usd is None:
        raise InputRejected(
            f"This order may cost ${text(plan.worst_cost)} of real money and needs an acknowledgement.",
            code="acknowledgement_needed",
            fix="call polymarket_preview_order, then place with its draft_id and acknowledge=its worst_cost",
            next_tool="polymarket_preview_order",
        )
    if consent.acknowledged_usd != plan.worst_cost:
        raise InputRejected(
            f"The acknowledged ${text(consent.acknowledged_usd)} is not the draft's worst cost of "
            f"${text(plan.worst_cost)}.",
            code="acknowledgement_differs",
        )
