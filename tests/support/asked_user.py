"""The host's user, who is asked through forms."""

from __future__ import annotations

from typing import Literal

from mcp.client.context import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult


class User:
    """Answers every form the same way and remembers the questions."""

    def __init__(self, action: Literal["accept", "decline", "cancel"] = "accept", *, agree: bool = True) -> None:
        self.questions: list[str] = []
        self._answer = ElicitResult(action=action, content={"agree": agree} if action == "accept" else None)

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.questions.append(params.message)
        return self._answer
