"""Asks the host's user about an order before it is sent, in whichever way the connection allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from pydantic import BaseModel, Field

from ..core.trading.draft import Draft
from ..core.untrusted_text import quoted
from .context import Desk
from .order_intent import intent_of

_LONGEST_NAME = 60
_FIRST_MODERN_PROTOCOL = "2026-07-28"


class DeskSource(Protocol):
    """What the server's lifespan yields: the desk, opened on first use."""

    async def desk(self) -> Desk: ...


async def desk_of(ctx: Context[Any]) -> Desk:
    """The desk behind a call, which knows who makes it."""
    source: DeskSource = ctx.request_context.lifespan_context
    desk = await source.desk()
    host = ctx.session.client_params
    return replace(desk, caller=quoted(host.client_info.name, _LONGEST_NAME)) if host else desk


class Agreement(BaseModel):
    """The form the user sees. Left as it is, it says no."""

    agree: bool = Field(default=False, description="Place this order")


async def host_can_ask(ctx: Context[Any]) -> bool:
    """Whether a form can reach the user over this connection."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return (ctx.protocol_version or "") >= _FIRST_MODERN_PROTOCOL or ctx.session.can_send_request


async def draft_to_place(
    ctx: Context[Any],
    market_id: str | None,
    outcome: str | int | None,
    size: Decimal | Literal["all"] | None,
    spend_usd: Decimal | None,
    side: Literal["BUY", "SELL"],
    price: Decimal | None,
    time_in_force: Literal["GTC", "GTD", "FOK", "FAK"] | None,
    expires_at: datetime | None,
    post_only: bool,
    max_slippage: Decimal | None,
    draft_id: str | None,
    client_token: str | None,
) -> Draft | None:
    """The draft that a question would be about: the one named, or one made for these arguments.

    None where nobody will be asked: money that is not real, or a call that repeats an earlier one.
    """
    desk = await desk_of(ctx)
    if draft_id is not None:
        return desk.trading.draft(draft_id)
    if not desk.trading.asks_consent or desk.account is None or desk.trading.halt is not None:
        return None
    intent = await intent_of(
        desk, market_id, outcome, size, spend_usd, side, price, time_in_force, expires_at, post_only, max_slippage
    )
    if desk.trading.earlier(intent, client_token=client_token) is not None:
        return None
    return await desk.trading.draft_to_ask(intent)


async def ask_user(
    ctx: Context[Any],
    draft: Annotated[Draft | None, Resolve(draft_to_place)],
    draft_id: str | None,
    market_id: str | None,
) -> Agreement | Elicit[Agreement] | None:
    """The question, built from the draft alone so that it reads the same when it is put again."""
    only_the_draft = draft_id is None or market_id is None
    if draft is None or draft.attempt_id is not None or not only_the_draft:
        return None
    from ..core.trading.consent import ConsentKind
    from ..core.trading.person_wait import describe_for_person

    desk = await desk_of(ctx)
    kind = desk.trading.consent_for(draft.plan, host_can_ask=await host_can_ask(ctx))
    if kind is not ConsentKind.DIALOG or desk.trading.halt is not None:
        return None
    desk.trading.ask_about(draft)
    return Elicit(describe_for_person(draft.plan), Agreement)


def user_agreed(answer: ElicitationResult[Any]) -> bool:
    """Whether the user said yes; not having been asked is not a yes."""
    return isinstance(answer, AcceptedElicitation) and isinstance(answer.data, Agreement) and answer.data.agree
