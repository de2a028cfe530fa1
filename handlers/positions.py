"""The tool that changes positions on chain, through the venue's relayer."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, Elicit, ElicitationResult, Resolve
from pydantic import Field, WithJsonSchema

from ..core.errors import InputRejected
from ..core.models.position_change import PositionAction, PositionOrder, Spender
from ..core.trading.consent import Consent, ConsentKind
from .answer import AccountAnswer
from .arguments import MarketRef, Size
from .confirmation import Agreement, desk_of, host_can_ask, user_agreed
from .context import Desk
from .toolspec import Toolset, ToolSpec

Amount = Annotated[
    Size,
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string"}],
            "description": 'Dollars to split, wrap or allow, or sets to merge; "all" (for approve: no limit)',
        }
    ),
]


class ChangeAgreement(Agreement):
    """The form the user sees. Left as it is, it says no."""

    agree: bool = Field(default=False, description="Send this transaction")


class ChangeAnswer(AccountAnswer):
    preview_id: str
    status: str
    gives: str
    gets: str
    calls: list[str]
    gas: str
    approval_code: str | None = None
    transaction: str | None = None
    error: str | None = None
    next: str


async def ask_about_change(
    ctx: Context[Any], preview_id: str | None
) -> ChangeAgreement | Elicit[ChangeAgreement] | None:
    """The question about a preview that is to be sent, where this host can put one."""
    if preview_id is None:
        return None
    desk = await desk_of(ctx)
    if not desk.positions.asks_consent or desk.account is None or desk.trading.halt is not None:
        return None
    from ..core.trading.position_desk import describe_change
    from ..core.trading.position_journal import ChangeStatus

    change = desk.positions.journal.get(preview_id)
    kind = desk.positions.consent_for(host_can_ask=await host_can_ask(ctx))
    if change.status is not ChangeStatus.PREVIEWED or kind is not ConsentKind.DIALOG:
        return None
    return Elicit(describe_change(change), ChangeAgreement)


async def manage_position(
    desk: Desk,
    answer: Annotated[ElicitationResult[ChangeAgreement], Resolve(ask_about_change)],
    can_ask: Annotated[bool, Resolve(host_can_ask)],
    action: Annotated[Literal["split", "merge", "redeem", "wrap", "unwrap", "approve"], Field(description="What to do")]
    | None = None,
    market_id: MarketRef | None = None,
    amount: Amount | None = None,
    spender: Annotated[
        Literal["exchange", "neg_risk_exchange", "adapter", "neg_risk_adapter"],
        Field(description="Contract to approve: for amount of pUSD, without amount for shares"),
    ]
    | None = None,
    preview_id: Annotated[str, Field(max_length=40, description="Send this preview, or see what became of it")]
    | None = None,
) -> ChangeAnswer:
    """Split dollars into, merge or redeem {MODE} shares, wrap USDC.e into pUSD or back, or approve a contract.

    The venue's relayer sends it. Without preview_id it shows the exact calls and sends nothing. With preview_id alone
    it asks the user and sends once. On unknown call again with preview_id.
    """
    desk.require_account()
    if preview_id is not None:
        if (action, market_id, amount, spender) != (None,) * 4:
            raise InputRejected(
                "A preview is sent as it was shown.", code="invalid_arguments", fix="give only preview_id"
            )
        change = await desk.positions.carry_out(
            preview_id, consent=Consent(host_can_ask=can_ask, agreed_by_user=user_agreed(answer))
        )
    else:
        change = await desk.positions.preview(await _order(desk, action, market_id, amount, spender))
    return ChangeAnswer(
        **desk.heading,
        preview_id=change.change_id,
        status=change.status.value,
        gives=change.gives,
        gets=change.gets,
        calls=[
            f"{each.contract} {each.address} {each.function}"
            f"({', '.join(f'{name}={value}' for name, value in each.arguments)})"
            for each in change.calls
        ],
        gas="paid by the relayer",
        approval_code=change.approval_code or None,
        transaction=change.transaction_hash or change.transaction_id or None,
        error=change.error or None,
        next=_next(desk, change.status.value, change.change_id, change.approval_code),
    )


async def _order(
    desk: Desk,
    action: str | None,
    market_id: str | None,
    amount: Decimal | Literal["all"] | None,
    spender: Spender | None,
) -> PositionOrder:
    """What the arguments mean. Raises InputRejected."""
    given = None if amount == "all" else amount
    if given is not None and (not given.is_finite() or given <= 0):
        raise _wrong("amount must be more than 0")
    match action:
        case None:
            raise _wrong("action says what to do; or give the preview_id of a preview")
        case "approve":
            if spender is None or market_id is not None:
                raise _wrong("approve takes spender, and amount for pUSD; no market_id")
            return PositionOrder(PositionAction.APPROVE, given, unlimited=amount == "all", spender=spender)
        case "wrap" | "unwrap":
            if spender is not None or market_id is not None:
                raise _wrong(f"{action} takes the amount of dollars only")
            if action == "wrap" and given is None:
                raise _wrong("wrap takes the amount of USDC.e: what the wallet has of it cannot be read here")
            if amount is None:
                raise _wrong("unwrap takes the amount of dollars, or all")
            return PositionOrder(PositionAction(action), given)
    if market_id is None or spender is not None:
        raise _wrong(f"{action} takes market_id, and no spender")
    if action == "redeem" and amount is not None:
        raise _wrong("redeem takes no amount: it pays out everything held of the market")
    if action == "split" and given is None:
        raise _wrong("split takes the amount of dollars")
    market = (await desk.directory.find(market_id)).market
    if action == "split" and not market.tradable:
        raise InputRejected("This market is closed.", code="market_closed", fix="choose an open one")
    from ..core.trading.position_amounts import payouts

    return PositionOrder(
        PositionAction(action),
        given,
        condition_id=market.condition_id,
        token_ids=tuple(each.token_id for each in market.outcomes),
        outcomes=tuple(each.label for each in market.outcomes),
        pays=payouts(market) if action == "redeem" else (),
        question=market.question,
        neg_risk=market.neg_risk,
    )


def _wrong(what: str) -> InputRejected:
    return InputRejected(what[0].upper() + what[1:] + ".", code="invalid_arguments", fix=what)


def _next(desk: Desk, status: str, change_id: str, code: str) -> str:
    match status:
        case "previewed":
            asks = "the user is asked, then it is sent" if desk.positions.asks_consent else "it is sent"
            return f"show the calls to the user; with preview_id={change_id} alone {asks}"
        case "awaiting_person":
            return f"ask the user to run `polydesk approve {code}`; nothing is sent before that"
        case "sending" | "submitted" | "unknown":
            return f"do not preview it again; preview_id={change_id} tells what became of it"
        case "confirmed":
            return "polymarket_get_portfolio shows the account"
        case _:
            return "nothing was changed; preview again if the user still wants it"


TOOLS = (
    ToolSpec(
        "polymarket_manage_position",
        Toolset.ADVANCED,
        "Manage {MODE} positions",
        manage_position,
        changes=True,
        destructive=True,
        idempotent=False,
    ),
)
