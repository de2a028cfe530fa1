"""Transactions of a wallet as the relayer takes them, signed by the wallet's owner: Safe, proxy or deposit wallet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from ..identifiers import Address
from ..models.position_change import ContractCall
from .environments import Contracts
from .signing import SignatureType, Signer

RELAYED_TYPES = {
    SignatureType.POLY_PROXY: "PROXY",
    SignatureType.POLY_GNOSIS_SAFE: "SAFE",
    SignatureType.POLY_1271: "WALLET",
}
"""What the relayer calls the wallets that it sends for. A key's own account pays its gas itself."""

_ZERO_ADDRESS = "0x" + "00" * 20
_PROXY_GAS = 1_000_000
_SAFE_TYPES = {
    "SafeTx": [
        {"name": "to", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "data", "type": "bytes"},
        {"name": "operation", "type": "uint8"},
        {"name": "safeTxGas", "type": "uint256"},
        {"name": "baseGas", "type": "uint256"},
        {"name": "gasPrice", "type": "uint256"},
        {"name": "gasToken", "type": "address"},
        {"name": "refundReceiver", "type": "address"},
        {"name": "nonce", "type": "uint256"},
    ]
}
_BATCH_TYPES = {
    "Batch": [
        {"name": "wallet", "type": "address"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
        {"name": "calls", "type": "Call[]"},
    ],
    "Call": [
        {"name": "target", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "data", "type": "bytes"},
    ],
}


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """What is sent, once. With the same `nonce` no other transaction of the wallet can be carried out.

    `void_after` is the unix second from which the chain no longer takes it; None where it is taken for ever.
    """

    body: dict[str, Any]
    nonce: int
    signature: str
    void_after: int | None = None


def sign_safe(
    signer: Signer,
    wallet: Address,
    calls: Sequence[ContractCall],
    *,
    nonce: int,
    chain_id: int,
    contracts: Contracts,
    note: str,
) -> SignedTransaction:
    """Calls of a Safe, all or none, which pay nothing to anybody. `note` travels beside them, unsigned."""
    to, data, operation = _of_safe(calls, contracts)
    message = {
        "to": to,
        "value": 0,
        "data": data,
        "operation": operation,
        "safeTxGas": 0,
        "baseGas": 0,
        "gasPrice": 0,
        "gasToken": _ZERO_ADDRESS,
        "refundReceiver": _ZERO_ADDRESS,
        "nonce": nonce,
    }
    digest = signer.digest_of_typed_data({"chainId": chain_id, "verifyingContract": wallet}, _SAFE_TYPES, message)
    signed = signer.sign_message(digest)
    # A Safe tells signatures of plain messages by 4 added to their last byte.
    signature = signed[:-2] + f"{int(signed[-2:], 16) + 4:02x}"
    body = {
        "type": "SAFE",
        "from": signer.address,
        "to": to,
        "proxyWallet": wallet,
        "data": "0x" + data.hex(),
        "nonce": str(nonce),
        "signature": signature,
        "metadata": note,
        "signatureParams": {
            "gasPrice": "0",
            "operation": str(operation),
            "safeTxnGas": "0",
            "baseGas": "0",
            "gasToken": _ZERO_ADDRESS,
            "refundReceiver": _ZERO_ADDRESS,
        },
    }
    return SignedTransaction(body, nonce, signature)


def _of_safe(calls: Sequence[ContractCall], contracts: Contracts) -> tuple[Address, bytes, int]:
    """Target, data and operation: a call itself (0), or several by delegating to MultiSend (1)."""
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    if len(calls) == 1:
        return Address(calls[0].address), _bytes(calls[0].data), 0
    packed = b""
    for each in calls:
        data = _bytes(each.data)
        packed += bytes([0]) + _bytes(each.address) + bytes(32) + len(data).to_bytes(32, "big") + data
    return contracts.multi_send, keccak(b"multiSend(bytes)")[:4] + encode(["bytes"], [packed]), 1


def sign_proxy(
    signer: Signer,
    wallet: Address,
    calls: Sequence[ContractCall],
    *,
    nonce: int,
    relay: str,
    contracts: Contracts,
    note: str,
) -> SignedTransaction:
    """Calls of a proxy wallet, passed on by its factory, which the relay hub calls through `relay`."""
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    kind = "(uint8,address,uint256,bytes)[]"
    inner = [(1, each.address, 0, bytes.fromhex(each.data[2:])) for each in calls]
    data = keccak(f"proxy({kind})".encode())[:4] + encode([kind], [inner])
    numbers = b"".join(number.to_bytes(32, "big") for number in (0, 0, _PROXY_GAS, nonce))
    owner, factory = signer.address, contracts.proxy_factory
    packed = _bytes(owner) + _bytes(factory) + data + numbers + _bytes(contracts.relay_hub) + _bytes(relay)
    signature = signer.sign_message(keccak(b"rlx:" + packed))
    body = {
        "type": "PROXY",
        "from": owner,
        "to": factory,
        "proxyWallet": wallet,
        "data": "0x" + data.hex(),
        "nonce": str(nonce),
        "signature": signature,
        "metadata": note,
        "signatureParams": {
            "gasPrice": "0",
            "gasLimit": str(_PROXY_GAS),
            "relayerFee": "0",
            "relayHub": contracts.relay_hub,
            "relay": relay,
        },
    }
    return SignedTransaction(body, nonce, signature)


def sign_batch(
    signer: Signer,
    wallet: Address,
    calls: Sequence[ContractCall],
    *,
    nonce: int,
    void_after: int,
    chain_id: int,
    contracts: Contracts,
    note: str,
) -> SignedTransaction:
    """Calls of a deposit wallet, all or none."""
    message = {
        "wallet": wallet,
        "nonce": nonce,
        "deadline": void_after,
        "calls": [{"target": each.address, "value": 0, "data": bytes.fromhex(each.data[2:])} for each in calls],
    }
    domain = {"name": "DepositWallet", "version": "1", "chainId": chain_id, "verifyingContract": wallet}
    _, signature = signer.sign_typed_data(domain, _BATCH_TYPES, message)
    body = {
        "type": "WALLET",
        "from": signer.address,
        "to": contracts.deposit_wallet_factory,
        "nonce": str(nonce),
        "signature": signature,
        "metadata": note,
        "depositWalletParams": {
            "depositWallet": wallet,
            "deadline": str(void_after),
            "calls": [{"target": each.address, "value": "0", "data": each.data} for each in calls],
        },
    }
    return SignedTransaction(body, nonce, signature, void_after)


def relayed_type(signature_type: SignatureType) -> str:
    """What the relayer calls a wallet. Raises ConfigurationError for an account that it does not send for."""
    kind = RELAYED_TYPES.get(signature_type)
    if kind is None:
        raise ConfigurationError(
            "This account is the key's own (signature type 0): it pays gas itself, and the venue's relayer sends "
            "nothing for it. Split, merge and redeem on the venue's site or from the wallet's own program, or move "
            "the money to a deposit wallet, which `polydesk setup --live` finds."
        )
    return kind


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])
