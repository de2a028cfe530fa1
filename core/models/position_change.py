"""What a wallet does with positions beside trading: sets split and merged, winners redeemed, dollars wrapped,
contracts approved."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from ..identifiers import ConditionId, TokenId


class PositionAction(StrEnum):
    """`split` makes shares of both outcomes of dollars, `merge` the reverse, `redeem` pays out a decided market.

    `wrap` makes the venue's collateral of as many USDC.e, `unwrap` the reverse. `approve` lets a contract of the venue
    move the wallet's dollars or shares.
    """

    SPLIT = "split"
    MERGE = "merge"
    REDEEM = "redeem"
    WRAP = "wrap"
    UNWRAP = "unwrap"
    APPROVE = "approve"


Spender = Literal["exchange", "neg_risk_exchange", "adapter", "neg_risk_adapter"]
"""The contracts that a wallet approves: those that settle orders, and those that split, merge and redeem."""


@dataclass(frozen=True, slots=True)
class PositionOrder:
    """What is to be done, in dollars and shares.

    `amount` is dollars of a split or a wrapping, sets of a merge, dollars of an allowance (None: of shares); for a
    redemption the dollars it pays, of which `pays` says what a share of each outcome brings. `unlimited` is an
    allowance without an amount. Approvals and wrappings leave the fields of a market empty.
    """

    action: PositionAction
    amount: Decimal | None = None
    unlimited: bool = False
    spender: Spender | None = None
    condition_id: ConditionId | None = None
    token_ids: tuple[TokenId, ...] = ()
    outcomes: tuple[str, ...] = ()
    pays: tuple[Decimal, ...] = ()
    question: str = ""
    neg_risk: bool = False


@dataclass(frozen=True, slots=True)
class ContractCall:
    """One call of a contract: its name and address, the function, its arguments as text, and the bytes (0x-hex)."""

    contract: str
    address: str
    function: str
    arguments: tuple[tuple[str, str], ...]
    data: str


@dataclass(frozen=True, slots=True)
class RelayedState:
    """What the relayer says of a transaction. `hash` is empty until it is on chain, `error` unless it failed.

    `state` is `new`, `executed`, `mined`, `confirmed`, `failed` or `invalid`; the last three are final.
    """

    id: str
    state: str
    hash: str = ""
    error: str = ""
