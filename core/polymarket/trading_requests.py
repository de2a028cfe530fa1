"""The CLOB's routes that need a key: orders, own records, balances."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from ..clock import unix_ms
from ..identifiers import ConditionId, OrderId, TokenId
from ..models import AccountBalance, CancelResult, OpenOrder, TimeInForce
from .request import RequestSpec, params_of, path_of
from .signing import SignedOrder, is_position_id
from .wire.account import parse_account_balance, parse_heartbeat, parse_token_balance
from .wire.orders import (
    OpenOrderPage,
    PlacementAnswer,
    parse_cancel,
    parse_open_order,
    parse_open_order_page,
    parse_placement,
    parse_placements,
)
from .wire.trades import TradePage, parse_trade_page

T = TypeVar("T")

ORDERS_PER_BATCH = 15
CANCELS_PER_BATCH = 100
"""The route takes 1000 ids, but each costs a signer of the lowest tier one of 120, and what costs more never passes."""


def placement_body(signed: SignedOrder, *, owner: str, time_in_force: TimeInForce, post_only: bool) -> dict[str, Any]:
    return {
        "order": signed.order,
        "owner": owner,
        "orderType": time_in_force.value,
        "deferExec": False,
        "postOnly": post_only,
    }


def place_spec(signed: SignedOrder, body: dict[str, Any]) -> RequestSpec[PlacementAnswer]:
    return RequestSpec(
        service="clob",
        method="POST",
        path="/order",
        body=body,
        parse=parse_placement,
        auth="l2",
        idempotent=False,
        order_ids=(signed.order_id,),
    )


def place_many_spec(
    signed: Sequence[SignedOrder], bodies: list[dict[str, Any]]
) -> RequestSpec[tuple[PlacementAnswer, ...]]:
    return RequestSpec(
        service="clob",
        method="POST",
        path="/orders",
        body=bodies,
        parse=parse_placements,
        auth="l2",
        idempotent=False,
        order_ids=tuple(order.order_id for order in signed),
        cost=len(signed),
    )


def cancel_spec(order_ids: Sequence[OrderId]) -> RequestSpec[CancelResult]:
    if len(order_ids) == 1:
        return _cancel("/order", {"orderID": order_ids[0]}, order_ids)
    return _cancel("/orders", list(order_ids), order_ids)


def cancel_all_spec() -> RequestSpec[CancelResult]:
    return _cancel("/cancel-all", None, ())


def cancel_market_spec(condition_id: ConditionId, token_id: TokenId | None) -> RequestSpec[CancelResult]:
    body: dict[str, str] = {"market": condition_id}
    if token_id is not None:
        body["asset_id"] = token_id
    return _cancel("/cancel-market-orders", body, ())


def _cancel(path: str, body: Any, order_ids: Sequence[OrderId]) -> RequestSpec[CancelResult]:
    return RequestSpec(
        service="clob",
        method="DELETE",
        path=path,
        body=body,
        parse=parse_cancel,
        auth="l2",
        idempotent=False,
        cancel=True,
        order_ids=tuple(order_ids),
    )


def heartbeat_spec(heartbeat_id: str) -> RequestSpec[str]:
    """Not retried: an id that was answered once is refused the second time."""
    return RequestSpec(
        service="clob",
        method="POST",
        path="/v1/heartbeats",
        body={"heartbeat_id": heartbeat_id},
        parse=parse_heartbeat,
        auth="l2",
        idempotent=False,
        cancel=True,
    )


def _own(
    path: str,
    parse: Callable[[Any, datetime], T],
    filters: Mapping[str, object],
    *,
    on_missing: tuple[T] | None = None,
) -> RequestSpec[T]:
    """A read of the account behind the API key; never cached."""
    return RequestSpec(
        service="clob",
        method="GET",
        path=path,
        params=params_of(filters),
        parse=parse,
        auth="l2",
        on_missing=on_missing,
    )


def order_spec(order_id: OrderId) -> RequestSpec[OpenOrder | None]:
    return _own(path_of("data", "order", order_id), parse_open_order, {}, on_missing=(None,))


def open_orders_spec(
    *, condition_id: ConditionId | None, token_id: TokenId | None, cursor: str | None
) -> RequestSpec[OpenOrderPage]:
    filters = {"market": condition_id, "asset_id": token_id, "next_cursor": cursor}
    return _own("/data/orders", parse_open_order_page, filters)


def trades_spec(
    *,
    trade_id: str | None,
    condition_id: ConditionId | None,
    token_id: TokenId | None,
    before: datetime | None,
    after: datetime | None,
    cursor: str | None,
    owners: Collection[str],
) -> RequestSpec[TradePage]:
    filters = {
        "id": trade_id,
        "market": condition_id,
        "asset_id": token_id,
        "before": None if before is None else unix_ms(before) // 1000,
        "after": None if after is None else unix_ms(after) // 1000,
        "next_cursor": cursor,
    }
    return _own("/data/trades", partial(parse_trade_page, owners=owners), filters)


def balance_spec(
    *, signature_type: int, spenders: Collection[str], token_id: TokenId | None = None
) -> RequestSpec[AccountBalance]:
    return _own(
        "/balance-allowance",
        partial(parse_account_balance, spenders=spenders),
        {
            "asset_type": "COLLATERAL" if token_id is None else _asset_type(token_id),
            "token_id": token_id,
            "signature_type": signature_type,
        },
    )


def token_balance_spec(token_id: TokenId, *, signature_type: int) -> RequestSpec[Decimal]:
    return _own(
        "/balance-allowance",
        parse_token_balance,
        {"asset_type": _asset_type(token_id), "token_id": token_id, "signature_type": signature_type},
    )


def update_balance_spec(*, token_id: TokenId | None, signature_type: int) -> RequestSpec[None]:
    """Makes the venue look at the chain again; its answer carries nothing."""
    return _own(
        "/balance-allowance/update",
        lambda _, __: None,
        {
            "asset_type": "COLLATERAL" if token_id is None else _asset_type(token_id),
            "token_id": token_id,
            "signature_type": signature_type,
        },
    )


def _asset_type(token_id: TokenId) -> str:
    return "CONDITIONAL-V2" if is_position_id(token_id) else "CONDITIONAL"
