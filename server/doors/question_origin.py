"""Tells which desk put the question that a host comes back with, for what one desk has sealed no other can open."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from mcp.server.context import HandlerResult, ServerRequestContext
from mcp_types import InputRequiredResult

from ...core.errors import InputRejected
from .lease import DeskCard

Context = ServerRequestContext[Any, Any]

_STATE = "requestState"
_MARKED = re.compile(r"([0-9a-f]{16})\.(.*)", re.DOTALL)


def marked(answer: HandlerResult, desk: DeskCard) -> HandlerResult:
    """The answer; where it asks and holds sealed state, that bears the desk's mark."""
    if isinstance(answer, dict) and isinstance(answer.get(_STATE), str):
        return {**answer, _STATE: f"{desk.mark}.{answer[_STATE]}"}
    if isinstance(answer, InputRequiredResult) and answer.request_state is not None:
        return answer.model_copy(update={"request_state": f"{desk.mark}.{answer.request_state}"})
    return answer


def unmarked(call: Context, desk: DeskCard) -> Context:
    """The call with its state as this desk sealed it; state that bears no mark stays, and is the SDK's to refuse.

    Raises InputRejected for an answer to a question of another desk, which has ended: a model can do something about
    that, and of the SDK's refusal of what somebody changed it would not hear.
    """
    state = (call.params or {}).get(_STATE)
    mark = _MARKED.fullmatch(state) if isinstance(state, str) else None
    if mark is None:
        return call
    if mark[1] != desk.mark:
        raise InputRejected(
            "The question to the user was put by a desk that has ended since.", fix="make the same call again"
        )
    return dataclasses.replace(call, params={**(call.params or {}), _STATE: mark[2]})
