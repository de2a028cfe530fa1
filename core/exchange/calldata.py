"""What wallets tell contracts to do: the calls that a transaction holds, and what each of them asks for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from .contracts import (
    BRIDGED_DOLLARS,
    COLLATERAL,
    COLLATERAL_ADAPTER,
    MAX_ALLOWANCE,
    MULTI_SEND,
    NEG_RISK_COLLATERAL_ADAPTER,
    OFFRAMP,
    ONRAMP,
)
from .signatures import keccak
from .token_approvals import is_known_token

_ADAPTERS = {COLLATERAL_ADAPTER.lower(): False, NEG_RISK_COLLATERAL_ADAPTER.lower(): True}
_RAMPS = {ONRAMP.lower(): "wrap", OFFRAMP.lower(): "unwrap"}
_DOLLARS = (COLLATERAL.lower(), BRIDGED_DOLLARS.lower())
_PARTITION = (1, 2)
_SELECTOR, _ADDRESS, _WORD = 4, 20, 32


class BadCall(Exception):
    """Bytes that are no call of a contract that is known here."""


@dataclass(frozen=True, slots=True)
class ContractCall:
    """One call as a wallet makes it. `value` is what it sends along in the chain's own money."""

    target: str
    value: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Approval:
    """A spender may move so much of a token, in base units; of outcome tokens all or nothing."""

    token: str
    spender: str
    amount: int


@dataclass(frozen=True, slots=True)
class Conversion:
    """Complete sets are made of dollars ("split") or turned back ("merge"); `amount` in millionths."""

    kind: str
    condition_id: str
    amount: int
    neg_risk: bool


@dataclass(frozen=True, slots=True)
class Redemption:
    """Everything held of a resolved market is exchanged for its payout."""

    condition_id: str
    neg_risk: bool


@dataclass(frozen=True, slots=True)
class Wrapping:
    """USDC.e become collateral of the wallet `to` ("wrap"), or collateral USDC.e ("unwrap"); `amount` in millionths."""

    kind: str
    to: str
    amount: int


Action = Approval | Conversion | Redemption | Wrapping


def read_action(call: ContractCall) -> Action:
    """What a call asks for. Raises BadCall for another contract or function, and for arguments that make no sense."""
    if call.value:
        raise BadCall(f"{call.target} takes no native money")
    selector, target = call.data[:_SELECTOR], call.target.lower()
    if target in _ADAPTERS:
        return _of_adapter(selector, call.data, neg_risk=_ADAPTERS[target])
    if target in _RAMPS:
        return _of_ramp(selector, call.data, kind=_RAMPS[target])
    if selector == _selector("approve(address,uint256)") and target in _DOLLARS:
        spender, amount = _arguments(call.data, "address", "uint256")
        return Approval(call.target, spender, amount)
    if selector == _selector("setApprovalForAll(address,bool)") and is_known_token(target):
        spender, approved = _arguments(call.data, "address", "bool")
        return Approval(call.target, spender, MAX_ALLOWANCE if approved else 0)
    raise BadCall(f"{call.target} has no function 0x{selector.hex()} here")


def calls_of_proxy(data: bytes) -> list[ContractCall]:
    """The calls inside the one that a proxy wallet's factory passes on. Raises BadCall."""
    if data[:_SELECTOR] != _selector("proxy((uint8,address,uint256,bytes)[])"):
        raise BadCall("the factory of proxy wallets has no such function")
    (calls,) = _arguments(data, "(uint8,address,uint256,bytes)[]")
    if any(kind != 1 for kind, *_ in calls):
        raise BadCall("a proxy wallet makes calls only")
    return [ContractCall(target, value, inner) for _, target, value, inner in calls]


def calls_of_safe(target: str, data: bytes, *, value: int, operation: int) -> list[ContractCall]:
    """The calls of a Safe's transaction: itself, or those that MultiSend unpacks when it is delegated to."""
    if operation == 0:
        return [ContractCall(target, value, data)]
    if operation != 1 or target.lower() != MULTI_SEND.lower() or data[:_SELECTOR] != _selector("multiSend(bytes)"):
        raise BadCall("a Safe delegates to MultiSend only")
    (packed,) = _arguments(data, "bytes")
    calls = []
    while packed:
        head = 1 + _ADDRESS + 2 * _WORD
        if len(packed) < head or packed[0] != 0:
            raise BadCall("MultiSend was given no calls")
        length = int.from_bytes(packed[head - _WORD : head], "big")
        if len(packed) < head + length:
            raise BadCall("a call of MultiSend is cut short")
        value = int.from_bytes(packed[1 + _ADDRESS : head - _WORD], "big")
        calls.append(ContractCall("0x" + packed[1 : 1 + _ADDRESS].hex(), value, packed[head : head + length]))
        packed = packed[head + length :]
    return calls


def _of_adapter(selector: bytes, data: bytes, *, neg_risk: bool) -> Action:
    for kind, name in (("split", "splitPosition"), ("merge", "mergePositions")):
        if selector == _selector(f"{name}(address,bytes32,bytes32,uint256[],uint256)"):
            collateral, parent, condition, partition, amount = _arguments(
                data, "address", "bytes32", "bytes32", "uint256[]", "uint256"
            )
            _check_sets(collateral, parent, partition)
            return Conversion(kind, "0x" + condition.hex(), amount, neg_risk)
    if selector == _selector("redeemPositions(address,bytes32,bytes32,uint256[])"):
        collateral, parent, condition, sets = _arguments(data, "address", "bytes32", "bytes32", "uint256[]")
        _check_sets(collateral, parent, sets)
        return Redemption("0x" + condition.hex(), neg_risk)
    raise BadCall(f"the adapters have no function 0x{selector.hex()}")


def _of_ramp(selector: bytes, data: bytes, *, kind: str) -> Wrapping:
    if selector != _selector(f"{kind}(address,address,uint256)"):
        raise BadCall(f"this ramp has no function 0x{selector.hex()}")
    asset, to, amount = _arguments(data, "address", "address", "uint256")
    if asset.lower() != BRIDGED_DOLLARS.lower():
        raise BadCall(f"the ramps do not take {asset}")
    return Wrapping(kind, to, amount)


def _check_sets(collateral: str, parent: bytes, sets: tuple[int, ...]) -> None:
    if collateral.lower() != COLLATERAL.lower():
        raise BadCall(f"{collateral} is not the collateral")
    if parent != bytes(_WORD) or tuple(sets) != _PARTITION:
        raise BadCall("only whole outcomes of a market are split, merged and redeemed")


def _arguments(data: bytes, *types: str) -> tuple[Any, ...]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        return decode(types, data[_SELECTOR:])
    except (DecodingError, OverflowError, ValueError, RecursionError) as error:
        raise BadCall(f"the arguments are unreadable: {error}") from error


@cache
def _selector(signature: str) -> bytes:
    return keccak(signature.encode())[:_SELECTOR]
