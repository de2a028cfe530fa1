"""What the relayer answers: nonces, transactions and their states; and the approvals that the Data API lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...errors import UnexpectedPayload
from ...models.position_change import RelayedState
from .fields import Shape, Text, read_shape

_STATES = frozenset({"new", "executed", "mined", "confirmed", "failed", "invalid"})
_UINT256 = 2**256


class NonceShape(Shape):
    nonce: Text
    address: str = ""


class SubmittedShape(Shape):
    transactionID: str
    state: str
    transactionHash: str | None = None


class TransactionShape(Shape):
    transactionID: str
    state: str
    transactionHash: str | None = None
    signature: str | None = None
    metadata: str | None = None
    errorMsg: str | None = None


@dataclass(frozen=True, slots=True)
class NextNonce:
    """What the next transaction of a wallet must say; `relay` is who will send that of a proxy wallet."""

    nonce: int
    relay: str


@dataclass(frozen=True, slots=True)
class ListedTransaction:
    """One of the account's transactions, by which ours can be told: its signature, and the note beside it."""

    state: RelayedState
    signature: str
    note: str


def parse_nonce(payload: Any, _: datetime) -> NextNonce:
    shape = read_shape(NonceShape, payload)
    if not shape.nonce.isascii() or not shape.nonce.isdigit() or len(shape.nonce) > 78:
        raise UnexpectedPayload("nonce: not a number", path="nonce")
    return NextNonce(int(shape.nonce), shape.address)


def parse_submitted(payload: Any, _: datetime) -> RelayedState:
    shape = read_shape(SubmittedShape, payload)
    return RelayedState(shape.transactionID, _state(shape.state), shape.transactionHash or "")


def parse_transaction(payload: Any, at: datetime) -> RelayedState | None:
    """The first of the rows that the route answers for an id; None when it answers none."""
    rows = parse_transactions(payload, at)
    return rows[0].state if rows else None


def parse_transactions(payload: Any, _: datetime) -> tuple[ListedTransaction, ...]:
    if not isinstance(payload, list):
        raise UnexpectedPayload("the relayer answered no list of transactions", path="")
    rows = []
    for each in payload:
        shape = read_shape(TransactionShape, each)
        state = RelayedState(
            shape.transactionID, _state(shape.state), shape.transactionHash or "", (shape.errorMsg or "")[:200]
        )
        rows.append(ListedTransaction(state, shape.signature or "", shape.metadata or ""))
    return tuple(rows)


def parse_approvals(payload: Any, _: datetime) -> Mapping[tuple[str, str], int]:
    """What each (token contract, spender), in lower case, may move, in base units; of outcome tokens all or nothing."""
    data = payload.get("data") if isinstance(payload, dict) else None
    rows = data.get("contracts") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise UnexpectedPayload("data.contracts: not a list", path="data.contracts")
    found = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("token"), str) and isinstance(row.get("spender"), str):
            found[row["token"].lower(), row["spender"].lower()] = _approved(row)
    return found


def _approved(row: Mapping[str, Any]) -> int:
    if row.get("approved") is not True:
        return 0
    amount = row.get("amount", "max")
    if amount == "max":
        return _UINT256 - 1
    return int(amount) if isinstance(amount, str) and amount.isascii() and amount.isdigit() and len(amount) < 79 else 0


def _state(text: str) -> str:
    state = text.removeprefix("STATE_").lower()
    if state not in _STATES:
        raise UnexpectedPayload(f"state: {text[:40]!r} is none that is known", path="state")
    return state
