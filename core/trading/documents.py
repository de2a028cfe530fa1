"""Records and plans as the text that the desk's file holds, and back."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from .order_plan import OrderPlan
from .order_record import OrderRecord

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_KEPT_LEVELS = 5
"""Levels of each side that a kept plan shows of the book it was made on."""


def record_to_text(record: OrderRecord) -> str:
    return _adapter(OrderRecord).dump_json(_lean(record), exclude={"plan": {"intent": True}}).decode()


def record_from_text(text: str) -> OrderRecord:
    document = json.loads(text)
    if document["plan"] is not None:
        document["plan"]["intent"] = document["intent"]
    record: OrderRecord = _adapter(OrderRecord).validate_python(document)
    return record


def plan_to_text(plan: OrderPlan) -> str:
    return _adapter(OrderPlan).dump_json(_lean_plan(plan)).decode()


def plan_from_text(text: str) -> OrderPlan:
    plan: OrderPlan = _adapter(OrderPlan).validate_json(text)
    return plan


def _lean(record: OrderRecord) -> OrderRecord:
    """The record without what nobody will ask it for: the market's rules, and the depth of the book."""
    plan = _lean_plan(record.plan) if record.plan else None
    market = dataclasses.replace(record.intent.market, description="")
    return dataclasses.replace(record, plan=plan, intent=dataclasses.replace(record.intent, market=market))


def _lean_plan(plan: OrderPlan) -> OrderPlan:
    book = dataclasses.replace(plan.book, bids=plan.book.bids[:_KEPT_LEVELS], asks=plan.book.asks[:_KEPT_LEVELS])
    market = dataclasses.replace(plan.intent.market, description="")
    return dataclasses.replace(plan, book=book, intent=dataclasses.replace(plan.intent, market=market))


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
