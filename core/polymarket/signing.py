"""Signatures: orders (EIP-712), and the two kinds of authentication headers.

An order's hash is its id at the venue, so it is known before the order is sent. Keys never leave the Signer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

from ..clock import Clock, unix_ms
from ..errors import ConfigurationError
from ..identifiers import Address, OrderId, TokenId
from ..key_storage.ethereum import account_type
from ..models import OrderSide, OrderTicket
from ..telemetry.redaction import SECRETS
from .amounts import OrderAmounts
from .credentials import ApiCredentials
from .environments import Environment

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

_PRIVATE_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_MAX_SALT = 2**53 - 1
"""The salt travels as a JSON number, which many readers hold in a double."""

_POSITION_MODULES = (1, 2, 3)

ZERO_BYTES32 = "0x" + "00" * 32
_L1_MESSAGE = "This message attests that I control the given wallet"

_ORDER_TYPES = {
    "Order": [
        {"name": "salt", "type": "uint256"},
        {"name": "maker", "type": "address"},
        {"name": "signer", "type": "address"},
        {"name": "tokenId", "type": "uint256"},
        {"name": "makerAmount", "type": "uint256"},
        {"name": "takerAmount", "type": "uint256"},
        {"name": "side", "type": "uint8"},
        {"name": "signatureType", "type": "uint8"},
        {"name": "timestamp", "type": "uint256"},
        {"name": "metadata", "type": "bytes32"},
        {"name": "builder", "type": "bytes32"},
    ]
}
_DEPOSIT_WALLET_TYPES = {
    "TypedDataSign": [
        {"name": "contents", "type": "Order"},
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
        {"name": "salt", "type": "bytes32"},
    ],
    **_ORDER_TYPES,
}
_ORDER_TYPE_TEXT = (
    b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,"
    b"uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
)
_L1_TYPES = {
    "ClobAuth": [
        {"name": "address", "type": "address"},
        {"name": "timestamp", "type": "string"},
        {"name": "nonce", "type": "uint256"},
        {"name": "message", "type": "string"},
    ]
}


class SignatureType(IntEnum):
    """Who holds the money: the key's own account, an old proxy wallet, a Safe, or a deposit wallet.

    New accounts of the venue are deposit wallets. The key signs for all of them.
    """

    EOA = 0
    POLY_PROXY = 1
    POLY_GNOSIS_SAFE = 2
    POLY_1271 = 3


class Signer:
    """A private key that can sign but cannot be printed, copied or pickled."""

    __slots__ = ("__account", "__key")

    def __init__(self, private_key: str) -> None:
        """Raises ConfigurationError when the key is not 64 hex digits, without repeating it."""
        if not _PRIVATE_KEY.fullmatch(private_key.strip()):
            raise ConfigurationError("the private key is not 64 hex digits")
        self.__key = private_key.strip()
        SECRETS.learn_key(self.__key)
        self.__account: LocalAccount | None = None

    def __repr__(self) -> str:
        return "Signer(<redacted>)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Signer cannot be copied or pickled")

    @property
    def address(self) -> Address:
        """The checksummed address of the key's own account."""
        return Address(self._local_account().address)

    def sign_typed_data(
        self, domain: dict[str, Any], types: dict[str, Any], message: dict[str, Any]
    ) -> tuple[str, str]:
        """The digest and the 65-byte signature of EIP-712 data, both as 0x-hex."""
        signed = self._local_account().sign_typed_data(domain, types, message)
        return "0x" + bytes(signed.message_hash).hex(), "0x" + bytes(signed.signature).hex()

    def digest_of_typed_data(self, domain: dict[str, Any], types: dict[str, Any], message: dict[str, Any]) -> bytes:
        """The 32 bytes that a signature of EIP-712 data covers."""
        return bytes.fromhex(self.sign_typed_data(domain, types, message)[0][2:])

    def sign_message(self, content: bytes) -> str:
        """The 65-byte signature of a plain message (EIP-191), as 0x-hex."""
        account = self._local_account()
        from eth_account.messages import encode_defunct

        return "0x" + bytes(account.sign_message(encode_defunct(primitive=content)).signature).hex()

    def derive_secret(self, salt: bytes, purpose: bytes) -> bytes:
        """32 bytes that only this key's holder can compute, by HKDF-SHA256 (RFC 5869); the key does not follow."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(bytes(self._local_account().key))

    def _local_account(self) -> LocalAccount:
        if self.__account is None:
            self.__account = account_type().from_key(self.__key)
        return self.__account


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """A ticket and its signature. `order` is the `order` object of a placement, `order_id` its hash.

    The signature is void on any other chain than `chain_id`.
    """

    order_id: OrderId
    ticket: OrderTicket
    order: dict[str, Any]
    chain_id: int

    @property
    def gives(self) -> int:
        """Base units the order gives if it fills whole: dollars for a buy, shares for a sale."""
        return int(self.order["makerAmount"])


def sign_order(
    ticket: OrderTicket,
    *,
    signer: Signer,
    environment: Environment,
    clock: Clock,
    random: Random,
    funder: Address | None = None,
    signature_type: SignatureType = SignatureType.EOA,
    builder: str = ZERO_BYTES32,
) -> SignedOrder:
    """Sign `ticket` for the exchange that settles its token.

    `funder` is the wallet that pays and receives: required unless the key's own account does. `builder` is a
    bytes32 attribution code. The expiry travels beside the signature and is not covered by it.
    Raises ConfigurationError for a funder that does not fit the signature type.
    """
    maker = order_maker(signer, funder=funder, signature_type=signature_type)
    order_signer = maker if signature_type is SignatureType.POLY_1271 else signer.address
    maker_amount, taker_amount = OrderAmounts(ticket.shares, ticket.dollars).maker_taker(ticket.side)
    salt = random.randint(0, _MAX_SALT)
    timestamp_ms = unix_ms(clock.now())
    message = {
        "salt": salt,
        "maker": maker,
        "signer": order_signer,
        "tokenId": int(ticket.token_id),
        "makerAmount": maker_amount,
        "takerAmount": taker_amount,
        "side": 0 if ticket.side is OrderSide.BUY else 1,
        "signatureType": int(signature_type),
        "timestamp": timestamp_ms,
        "metadata": bytes(32),
        "builder": bytes.fromhex(builder.removeprefix("0x")),
    }
    domain = _exchange_domain(ticket, environment)
    if signature_type is SignatureType.POLY_1271:
        digest, signature = _sign_for_deposit_wallet(signer, maker, domain, message)
    else:
        digest, signature = signer.sign_typed_data(domain, _ORDER_TYPES, message)
    order = {
        "salt": salt,
        "maker": maker,
        "signer": order_signer,
        "tokenId": str(ticket.token_id),
        "makerAmount": str(maker_amount),
        "takerAmount": str(taker_amount),
        "side": str(ticket.side),
        "expiration": "0" if ticket.expires_at is None else str(int(ticket.expires_at.timestamp())),
        "signatureType": int(signature_type),
        "timestamp": str(timestamp_ms),
        "metadata": ZERO_BYTES32,
        "builder": builder,
        "signature": signature,
    }
    return SignedOrder(order_id=OrderId(digest), ticket=ticket, order=order, chain_id=environment.chain_id)


def is_position_id(token_id: TokenId) -> bool:
    """Whether a token belongs to the second protocol version, whose orders the third exchange settles.

    Such an id is built of a module (1 binary, 2 neg risk, 3 combo) in its highest byte, the condition, and the outcome
    in its lowest byte, with bits 40 to 103 zero; the ids of the first version are hashes.
    """
    number = int(token_id)
    return number >> 248 in _POSITION_MODULES and (number >> 40) & (2**64 - 1) == 0


def _exchange_domain(ticket: OrderTicket, environment: Environment) -> dict[str, Any]:
    contracts = environment.contracts
    if is_position_id(ticket.token_id):
        version, contract = "3", contracts.exchange_v3
    else:
        version, contract = "2", contracts.neg_risk_exchange if ticket.neg_risk else contracts.exchange
    return {
        "name": "Polymarket CTF Exchange",
        "version": version,
        "chainId": environment.chain_id,
        "verifyingContract": contract,
    }


def _sign_for_deposit_wallet(
    signer: Signer, wallet: Address, domain: dict[str, Any], message: dict[str, Any]
) -> tuple[str, str]:
    """The order's digest, and a signature that the wallet's contract can check (ERC-7739).

    The key signs the order nested in the wallet's own domain; behind that signature come the exchange's domain
    separator, the order's struct hash, its type and the length of the type, from which the contract rebuilds what
    was signed. The digest is that of the plain order, as for every other kind of account.
    """
    account_type()  # before its parts: it loads them without their effect on the interpreter
    from eth_account.messages import encode_typed_data
    from eth_utils.crypto import keccak

    plain_order = encode_typed_data(domain, _ORDER_TYPES, message)
    nested = {
        "contents": message,
        "name": "DepositWallet",
        "version": "1",
        "chainId": domain["chainId"],
        "verifyingContract": wallet,
        "salt": bytes(32),
    }
    _, signature = signer.sign_typed_data(domain, _DEPOSIT_WALLET_TYPES, nested)
    trailer = plain_order.header + plain_order.body + _ORDER_TYPE_TEXT + len(_ORDER_TYPE_TEXT).to_bytes(2, "big")
    digest = keccak(b"\x19\x01" + plain_order.header + plain_order.body)
    return "0x" + digest.hex(), signature + trailer.hex()


def order_maker(signer: Signer, *, funder: Address | None, signature_type: SignatureType) -> Address:
    """The account whose money the orders move. Raises ConfigurationError when the two settings contradict."""
    if signature_type is SignatureType.EOA:
        if funder is not None and funder.lower() != signer.address.lower():
            raise ConfigurationError(
                f"signature type 0 trades from the key's own account {signer.address}, but the funder is {funder}"
            )
        return signer.address
    if funder is None:
        raise ConfigurationError(f"signature type {int(signature_type)} needs the funder: the wallet with the money")
    return funder


def l1_headers(signer: Signer, *, chain_id: int, timestamp_s: int, nonce: int = 0) -> dict[str, str]:
    """Headers that prove possession of the key, for making API credentials."""
    _, signature = signer.sign_typed_data(
        {"name": "ClobAuthDomain", "version": "1", "chainId": chain_id},
        _L1_TYPES,
        {"address": signer.address, "timestamp": str(timestamp_s), "nonce": nonce, "message": _L1_MESSAGE},
    )
    return {
        "POLY_ADDRESS": signer.address,
        "POLY_SIGNATURE": signature,
        "POLY_TIMESTAMP": str(timestamp_s),
        "POLY_NONCE": str(nonce),
    }


def l2_headers(
    address: Address, credentials: ApiCredentials, *, timestamp_s: int, method: str, path: str, body: bytes
) -> dict[str, str]:
    """Headers that authenticate one request.

    The HMAC covers timestamp, method, path without query and the exact body. Raises ConfigurationError when the
    secret is not base64.
    """
    return {
        "POLY_ADDRESS": address,
        "POLY_API_KEY": credentials.key,
        "POLY_PASSPHRASE": credentials.passphrase,
        "POLY_TIMESTAMP": str(timestamp_s),
        "POLY_SIGNATURE": l2_signature(
            credentials.secret, timestamp_s=timestamp_s, method=method, path=path, body=body
        ),
    }


def l2_signature(secret: str, *, timestamp_s: int, method: str, path: str, body: bytes) -> str:
    """HMAC-SHA256 in URL-safe base64 with padding."""
    try:
        key = base64.urlsafe_b64decode(secret)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError("the API secret is not base64") from error
    covered = f"{timestamp_s}{method}{path}".encode() + body
    return base64.urlsafe_b64encode(hmac.new(key, covered, hashlib.sha256).digest()).decode()
