"""Who has signed a wallet's transaction: a Safe's, a proxy wallet's, or a batch of a deposit wallet."""

from __future__ import annotations

from collections.abc import Sequence

from .calldata import ContractCall
from .contracts import DEPOSIT_WALLET_NAME, DEPOSIT_WALLET_VERSION, RELAY_HUB
from .signatures import BadSignature, address_word, keccak, recover, text_hash, type_hash, word

_SAFE_DOMAIN = b"EIP712Domain(uint256 chainId,address verifyingContract)"
_SAFE_TYPE = (
    b"SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,"
    b"address gasToken,address refundReceiver,uint256 nonce)"
)
_WALLET_DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_CALL_TYPE = b"Call(address target,uint256 value,bytes data)"
_BATCH_TYPE = b"Batch(address wallet,uint256 nonce,uint256 deadline,Call[] calls)" + _CALL_TYPE
_SAFE_MESSAGE_OFFSET = 4
"""A Safe takes signatures of plain messages with so much added to their last byte."""


def safe_digest(safe: str, target: str, data: bytes, *, value: int, operation: int, nonce: int, chain_id: int) -> bytes:
    """The hash of a Safe's transaction that pays nobody for gas."""
    domain = keccak(type_hash(_SAFE_DOMAIN) + word(chain_id) + address_word(safe))
    unpaid = word(0) * 3 + bytes(64)
    struct = keccak(
        type_hash(_SAFE_TYPE)
        + address_word(target)
        + word(value)
        + keccak(data)
        + word(operation)
        + unpaid
        + word(nonce)
    )
    return keccak(b"\x19\x01" + domain + struct)


def safe_signer(digest: bytes, signature: bytes) -> str:
    """Who signed a Safe's transaction as a plain message. Raises BadSignature."""
    if len(signature) != 65 or signature[64] - _SAFE_MESSAGE_OFFSET not in (27, 28):
        raise BadSignature("a Safe's signature ends in 31 or 32")
    return recover(_message(digest), signature[:64] + bytes([signature[64] - _SAFE_MESSAGE_OFFSET]))


def proxy_digest(
    owner: str, factory: str, data: bytes, *, fee: int, gas_price: int, gas: int, nonce: int, relay: str
) -> bytes:
    """The hash of what the relay hub is to pass on for a proxy wallet."""
    numbers = b"".join(map(word, (fee, gas_price, gas, nonce)))
    packed = [_packed(owner), _packed(factory), data, numbers, _packed(RELAY_HUB), _packed(relay)]
    return keccak(b"rlx:" + b"".join(packed))


def proxy_signer(digest: bytes, signature: bytes) -> str:
    """Who signed it, as a plain message. Raises BadSignature."""
    return recover(_message(digest), signature)


def batch_digest(wallet: str, calls: Sequence[ContractCall], *, nonce: int, deadline: int, chain_id: int) -> bytes:
    """The hash of several calls of a deposit wallet, which is void after `deadline` (unix seconds)."""
    domain = keccak(
        type_hash(_WALLET_DOMAIN)
        + text_hash(DEPOSIT_WALLET_NAME)
        + text_hash(DEPOSIT_WALLET_VERSION)
        + word(chain_id)
        + address_word(wallet)
    )
    hashed = b"".join(
        keccak(type_hash(_CALL_TYPE) + address_word(each.target) + word(each.value) + keccak(each.data))
        for each in calls
    )
    struct = keccak(type_hash(_BATCH_TYPE) + address_word(wallet) + word(nonce) + word(deadline) + keccak(hashed))
    return keccak(b"\x19\x01" + domain + struct)


def _message(digest: bytes) -> bytes:
    """What is signed of a plain message of 32 bytes (EIP-191)."""
    return keccak(b"\x19Ethereum Signed Message:\n32" + digest)


def _packed(address: str) -> bytes:
    return bytes.fromhex(address[2:])
