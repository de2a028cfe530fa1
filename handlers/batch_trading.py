"""Tools for several orders at once, and for orders that failed for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import Resolve
from pydantic import BaseModel, ConfigDict, Field

from ..core.errors import InputRejected
from .answer import AccountAnswer
from .arguments import MarketRef, OutcomeRef, Size
from .confirmation import host_can_ask
from .context import Desk
from .order_answers import PlacedAnswer, PlanAnswer, placed_answer, plan_answer
from .order_intent import ExpiresAt, PostOnly, Price, Side, Slippage, SpendUsd, Tif, Token, intent_of
from .toolspec import Toolset, ToolSpec

if TYPE_CHECKING:
    from ..core.trading.intent import OrderIntent

_MOST = 15


class OrderLeg(BaseModel):
    """One order of a batch, with the arguments of polymarket_place_order."""

    model_config = ConfigDict(extra="forbid")

    market_id: MarketRef
    outcome: OutcomeRef
    size: Size | None = None
    spend_usd: SpendUsd | None = None
    side: Side = "BUY"
    price: Price | None = None
    time_in_force: Tif | None = None
    expires_at: ExpiresAt | None = None
    post_only: PostOnly = False
    max_slippage: Slippage | None = None
    client_token: Token | None = None


class PlacedBatchAnswer(AccountAnswer):
    orders: list[PlacedAnswer]
    next: str


async def place_orders(
    desk: Desk,
    orders: Annotated[list[OrderLeg], Field(min_length=1, max_length=_MOST, description="1-15 orders")],
) -> PlacedBatchAnswer:
    """Place several {MODE} orders that pass all limits together, or none of them.

    The venue then answers to each on its own: read every status. Orders that need consent are placed one by one.
    """
    desk.require_account()
    tokens = [leg.client_token for leg in orders if leg.client_token is not None]
    if len(set(tokens)) < len(tokens):
        raise InputRejected(
            "Two orders carry the same client_token.", code="invalid_arguments", fix="give each order its own"
        )
    intents: list[tuple[OrderIntent, str | None]] = [(await _intent(desk, leg), leg.client_token) for leg in orders]
    fingerprints = {intent.fingerprint for intent, token in intents if token is None}
    if len(fingerprints) < sum(token is None for _, token in intents):
        raise InputRejected(
            "Two orders are the same.", code="invalid_arguments", fix="give each its own client_token if both are meant"
        )
    placements = await desk.trading.place_all(intents)
    return PlacedBatchAnswer(
        **desk.heading,
        orders=[await placed_answer(desk, placement) for placement in placements],
        next="polymarket_get_orders shows what became of each",
    )


async def replay_dead_letter(
    desk: Desk,
    can_ask: Annotated[bool, Resolve(host_can_ask)],
    letter_id: Annotated[str, Field(max_length=40, description="From polymarket_get_orders with status=dead")],
) -> PlanAnswer:
    """Preview an order that failed for good again, at the prices of now. Nothing is sent: place its draft_id if wanted.

    A person drops letters with `polydesk dead-letters drop`.
    """
    desk.require_account()
    return plan_answer(desk, await desk.trading.replay(letter_id), host_can_ask=can_ask)


async def _intent(desk: Desk, leg: OrderLeg) -> OrderIntent:
    return await intent_of(
        desk,
        leg.market_id,
        leg.outcome,
        leg.size,
        leg.spend_usd,
        leg.side,
        leg.price,
        leg.time_in_force,
        leg.expires_at,
        leg.post_only,
        leg.max_slippage,
    )


TOOLS = (
    ToolSpec(
        "polymarket_place_orders",
        Toolset.ADVANCED,
        "Place {MODE} orders together",
        place_orders,
        changes=True,
        destructive=True,
        idempotent=False,
    ),
    ToolSpec(
        "polymarket_replay_dead_letter",
        Toolset.ADVANCED,
        "Preview a failed {MODE} order again",
        replay_dead_letter,
        idempotent=False,
    ),
)
