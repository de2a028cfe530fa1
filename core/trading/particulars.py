"""The particulars of an order that the audit log keeps, as plain JSON values."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..models import OrderStatus
from .order_record import OrderRecord


def asked_for(record: OrderRecord) -> dict[str, Any]:
    """What was asked for, in the words of the tools."""
    intent = record.intent
    asked = {
        "market": intent.market.slug,
        "outcome": intent.outcome.label,
        "side": intent.side.value,
        "size": intent.size,
        "spend_usd": intent.spend_usd,
        "price": intent.price,
        "time_in_force": intent.time_in_force,
        "expires_at": intent.expires_at,
        "post_only": intent.post_only or None,
        "max_slippage": intent.max_slippage,
        "client_token": record.client_token,
    }
    return {
        name: value if isinstance(value, bool) else str(value) for name, value in asked.items() if value is not None
    }


def told_of(record: OrderRecord) -> dict[str, Any]:
    """What an order's new state came with."""
    told: dict[str, Any] = {}
    if record.status is OrderStatus.SENDING and record.plan is not None:
        ticket = record.plan.ticket
        told = {
            "side": ticket.side.value,
            "token_id": ticket.token_id,
            "price": str(ticket.price),
            "shares": str(ticket.shares),
            "dollars": str(ticket.dollars),
            "time_in_force": ticket.time_in_force.value,
            "worst_cost": str(record.plan.worst_cost),
        }
    if record.refusal is not None:
        told |= {name: value for name, value in dataclasses.asdict(record.refusal).items() if value}
    if record.result is not None:
        told |= {"making": str(record.result.making), "taking": str(record.result.taking)}
    return told
