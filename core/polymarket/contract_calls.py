"""Calls of the venue's contracts, encoded for the wire and decoded for whoever has to agree to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InputRejected
from ..identifiers import Address
from ..models.position_change import ContractCall, PositionAction, PositionOrder, Spender
from ..money import to_micro
from .environments import Contracts

UNLIMITED = 2**256 - 1
_WHOLE_MARKET = bytes(32)
"""No parent collection: positions are of the market itself."""

_BOTH = [1, 2]
"""The index sets of the two outcomes."""

_NAMES: Mapping[Spender, str] = {
    "exchange": "CTF Exchange",
    "neg_risk_exchange": "Neg Risk CTF Exchange",
    "adapter": "CtfCollateralAdapter",
    "neg_risk_adapter": "NegRiskCtfCollateralAdapter",
}


def contract_calls(order: PositionOrder, contracts: Contracts, *, wallet: Address) -> tuple[ContractCall, ...]:
    """The calls of `wallet` that carry an order out, all or none of them.

    Raises InputRejected for an amount with more than six decimals.
    """
    try:
        if order.action in (PositionAction.WRAP, PositionAction.UNWRAP):
            return _wrapping(order, contracts, wallet)
        return (_call(order, contracts),)
    except ValueError as error:
        raise InputRejected(
            f"{order.amount} has more decimals than the chain: six.", code="invalid_arguments", fix="round it down"
        ) from error


def spender_address(spender: Spender, contracts: Contracts) -> str:
    return {
        "exchange": contracts.exchange,
        "neg_risk_exchange": contracts.neg_risk_exchange,
        "adapter": contracts.collateral_adapter,
        "neg_risk_adapter": contracts.neg_risk_collateral_adapter,
    }[spender]


def _call(order: PositionOrder, contracts: Contracts) -> ContractCall:
    if order.action is PositionAction.APPROVE:
        return _approval(order, contracts)
    assert order.condition_id is not None and order.amount is not None
    adapter: Spender = "neg_risk_adapter" if order.neg_risk else "adapter"
    shown = {"collateral": f"pUSD {contracts.collateral}", "conditionId": order.condition_id}
    given: list[tuple[str, Any]] = [
        ("address", contracts.collateral),
        ("bytes32", _WHOLE_MARKET),
        ("bytes32", bytes.fromhex(order.condition_id[2:])),
        ("uint256[]", _BOTH),
    ]
    if order.action is PositionAction.REDEEM:
        function = "redeemPositions"
        shown["indexSets"] = "1, 2"
    else:
        function = "splitPosition" if order.action is PositionAction.SPLIT else "mergePositions"
        given.append(("uint256", to_micro(order.amount)))
        shown |= {"partition": "1, 2", "amount": f"{to_micro(order.amount)} (six decimals)"}
    return _encoded(_NAMES[adapter], spender_address(adapter, contracts), function, given, shown)


def _wrapping(order: PositionOrder, contracts: Contracts, wallet: Address) -> tuple[ContractCall, ...]:
    """Leave for exactly the amount, and its use: the venue's ramps take what they change from the wallet."""
    assert order.amount is not None
    wraps = order.action is PositionAction.WRAP
    ramp = contracts.collateral_onramp if wraps else contracts.collateral_offramp
    name = "CollateralOnramp" if wraps else "CollateralOfframp"
    token, address = ("USDC.e", contracts.bridged_dollars) if wraps else ("pUSD", contracts.collateral)
    amount = to_micro(order.amount)
    told = f"{amount} (six decimals)"
    return (
        _encoded(
            token,
            address,
            "approve",
            [("address", ramp), ("uint256", amount)],
            {"spender": f"{name} {ramp}", "amount": told},
        ),
        _encoded(
            name,
            ramp,
            order.action.value,
            [("address", contracts.bridged_dollars), ("address", wallet), ("uint256", amount)],
            {"asset": f"USDC.e {contracts.bridged_dollars}", "to": f"{wallet} (this wallet)", "amount": told},
        ),
    )


def _approval(order: PositionOrder, contracts: Contracts) -> ContractCall:
    assert order.spender is not None
    spender = spender_address(order.spender, contracts)
    named = f"{_NAMES[order.spender]} {spender}"
    if order.amount is None and not order.unlimited:
        given: list[tuple[str, Any]] = [("address", spender), ("bool", True)]
        shown = {"operator": named, "approved": "true: every outcome share of the wallet"}
        return _encoded("Conditional Tokens", contracts.outcome_tokens, "setApprovalForAll", given, shown)
    amount = UNLIMITED if order.amount is None else to_micro(order.amount)
    shown = {"spender": named, "amount": "unlimited" if order.amount is None else f"{amount} (six decimals)"}
    return _encoded("pUSD", contracts.collateral, "approve", [("address", spender), ("uint256", amount)], shown)


def _encoded(
    contract: str, address: str, function: str, given: list[tuple[str, Any]], shown: Mapping[str, str]
) -> ContractCall:
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    types = [kind for kind, _ in given]
    selector = keccak(f"{function}({','.join(types)})".encode())[:4]
    data = selector + encode(types, [value for _, value in given])
    return ContractCall(contract, address, function, tuple(shown.items()), "0x" + data.hex())
