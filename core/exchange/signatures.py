"""Verification of what clients sign: login attestations, request HMACs and V2 orders."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from .contracts import (
    DEPOSIT_WALLET_NAME,
    DEPOSIT_WALLET_VERSION,
    EXCHANGE_DOMAIN_NAME,
    L1_DOMAIN_NAME,
    L1_DOMAIN_VERSION,
    L1_MESSAGE,
    domain_version,
)

ORDER_TYPE = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_WRAPPED_TYPE = (
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
    + ORDER_TYPE
)
_CONTRACT_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_PLAIN_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId)"
_L1_TYPE = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)"

POLY_1271 = 3
"""Signature type of a deposit wallet: maker and signer are the wallet, its owner signs an ERC-7739 envelope."""


class BadSignature(Exception):
    """Bytes that are not a signature, or that recover to nobody."""


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """The eleven fields of a V2 order as they are hashed, and the signature. `side` is 0 to buy and 1 to sell."""

    salt: int
    maker: str
    signer: str
    token_id: int
    maker_amount: int
    taker_amount: int
    side: int
    signature_type: int
    timestamp: int
    metadata: bytes
    builder: bytes
    signature: bytes


def order_struct_hash(order: SignedOrder) -> bytes:
    """hashStruct of the order, per EIP-712."""
    return keccak(
        b"".join(
            (
                type_hash(ORDER_TYPE),
                word(order.salt),
                address_word(order.maker),
                address_word(order.signer),
                word(order.token_id),
                word(order.maker_amount),
                word(order.taker_amount),
                word(order.side),
                word(order.signature_type),
                word(order.timestamp),
                order.metadata,
                order.builder,
            )
        )
    )


@lru_cache(maxsize=64)
def exchange_domain_separator(chain_id: int, verifying_contract: str) -> bytes:
    """Domain separator of an exchange contract."""
    return keccak(
        type_hash(_CONTRACT_DOMAIN_TYPE)
        + text_hash(EXCHANGE_DOMAIN_NAME)
        + text_hash(domain_version(verifying_contract))
        + word(chain_id)
        + address_word(verifying_contract)
    )


def order_digest(order: SignedOrder, *, chain_id: int, verifying_contract: str) -> bytes:
    """What the signer signs; as 0x-hex it is also the order's id at the venue."""
    return keccak(b"\x19\x01" + exchange_domain_separator(chain_id, verifying_contract) + order_struct_hash(order))


def order_signer(order: SignedOrder, *, chain_id: int, verifying_contract: str) -> tuple[str, bytes]:
    """Checksummed address of the key that signed the order, and the order's digest. Raises BadSignature."""
    digest = order_digest(order, chain_id=chain_id, verifying_contract=verifying_contract)
    if order.signature_type == POLY_1271:
        return _deposit_wallet_owner(order, chain_id=chain_id, verifying_contract=verifying_contract), digest
    return recover(digest, order.signature), digest


def _deposit_wallet_owner(order: SignedOrder, *, chain_id: int, verifying_contract: str) -> str:
    """The wire signature is 65 bytes of ECDSA, the domain separator, the struct hash, the type string, its length."""
    separator = exchange_domain_separator(chain_id, verifying_contract)
    contents = order_struct_hash(order)
    trailer = separator + contents + ORDER_TYPE + len(ORDER_TYPE).to_bytes(2, "big")
    if order.signature[65:] != trailer:
        raise BadSignature("the envelope of the deposit wallet does not match the order")
    envelope = keccak(
        type_hash(_WRAPPED_TYPE)
        + contents
        + text_hash(DEPOSIT_WALLET_NAME)
        + text_hash(DEPOSIT_WALLET_VERSION)
        + word(chain_id)
        + address_word(order.signer)
        + bytes(32)
    )
    return recover(keccak(b"\x19\x01" + separator + envelope), order.signature[:65])


def l1_digest(address: str, *, timestamp: str, nonce: int, chain_id: int) -> bytes:
    """Digest of the attestation with which an address creates or derives its credentials."""
    domain = keccak(
        type_hash(_PLAIN_DOMAIN_TYPE) + text_hash(L1_DOMAIN_NAME) + text_hash(L1_DOMAIN_VERSION) + word(chain_id)
    )
    message = keccak(
        type_hash(_L1_TYPE) + address_word(address) + text_hash(timestamp) + word(nonce) + text_hash(L1_MESSAGE)
    )
    return keccak(b"\x19\x01" + domain + message)


def recover(digest: bytes, signature: bytes) -> str:
    """Checksummed address whose key signed `digest`. Raises BadSignature."""
    if len(signature) != 65:
        raise BadSignature(f"a signature has 65 bytes, not {len(signature)}")
    v = signature[64]
    parity = v - 27 if v >= 27 else v
    if parity not in (0, 1):
        raise BadSignature(f"a signature ends in 27, 28, 0 or 1, not {v}")
    return _key_address(_recovery()(digest, signature[:64] + bytes([parity])))


def l2_signature(secret: str, *, timestamp: str, method: str, path: str, body: bytes) -> str:
    """The HMAC of one request: base64url of HMAC-SHA256 over timestamp, METHOD, path without query, raw body.

    Raises BadSignature when the secret is not base64url.
    """
    try:
        key = base64.b64decode(secret, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSignature("the secret is not base64url") from error
    message = timestamp.encode() + method.upper().encode() + path.encode() + body
    return base64.urlsafe_b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


Recovery = Callable[[bytes, bytes], bytes]
"""From a digest and a signature (r, s, parity) to the 64 bytes of a public key. Raises BadSignature."""


@cache
def _recovery() -> Recovery:
    """The curve in C where it is installed; it is the larger part of what an order costs."""
    try:
        import coincurve  # noqa: F401
    except ImportError:
        return recover_in_python
    return recover_with_coincurve


def recover_with_coincurve(digest: bytes, signature: bytes) -> bytes:
    """A `Recovery` in C."""
    from coincurve import PublicKey

    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as error:  # the binding raises a bare Exception for numbers that are off the curve
        raise BadSignature("the signature recovers to no key") from error
    return key.format(compressed=False)[1:]


def recover_in_python(digest: bytes, signature: bytes) -> bytes:
    """A `Recovery` that works everywhere."""
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature as BadKeySignature
    from eth_utils.exceptions import ValidationError

    try:
        return Signature(signature).recover_public_key_from_msg_hash(digest).to_bytes()
    except (BadKeySignature, ValidationError, ValueError) as error:
        raise BadSignature("the signature recovers to no key") from error


@lru_cache(maxsize=4096)
def _key_address(public_key: bytes) -> str:
    return checksum_address("0x" + keccak(public_key)[-20:].hex())


@lru_cache(maxsize=4096)
def checksum_address(text: str) -> str:
    """An address in its EIP-55 spelling. Raises ValueError when it is not 0x and 40 hex digits."""
    from eth_utils.address import to_checksum_address

    if len(text) != 42 or not text.startswith("0x"):
        raise ValueError(f"{text!r} is not an address")
    return str(to_checksum_address(text))


def keccak(data: bytes) -> bytes:
    """The hash of Ethereum, which is not that of SHA-3."""
    return _hasher()(data)


@cache
def _hasher() -> Callable[[bytes], bytes]:
    from eth_hash.auto import keccak as chosen

    chosen(b"")  # the first call chooses the implementation
    return chosen.hasher


@lru_cache(maxsize=16)
def type_hash(type_string: bytes) -> bytes:
    """What stands for a type in its structs' hashes."""
    return keccak(type_string)


@lru_cache(maxsize=64)
def text_hash(text: str) -> bytes:
    """What stands for a string in a struct's hash."""
    return keccak(text.encode())


def word(number: int) -> bytes:
    """A number as 32 bytes. Raises OverflowError for one that has no place there."""
    return number.to_bytes(32, "big")


@lru_cache(maxsize=4096)
def address_word(address: str) -> bytes:
    """An address as 32 bytes."""
    return bytes(12) + bytes.fromhex(address[2:])
