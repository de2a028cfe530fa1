"""The wallets that a key may own at the venue: addresses that follow from the key's own (CREATE2, EIP-1014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import ConfigurationError
from ..identifiers import Address
from .signing import SignatureType

WalletKind = Literal["key's own account", "proxy wallet", "Safe", "deposit wallet", "older deposit wallet"]

_PROXY_FACTORY = "aB45c5A4B0c941a2F231C04C3f49182e1A254052"
_PROXY_IMPLEMENTATION = "44e999d5c2F66Ef0861317f9A4805AC2e90aEB4f"
_SAFE_FACTORY = "aacFeEa03eb1561C4e67d661e40682Bd20E3541b"
_SAFE_INIT_CODE_HASH = "2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf"
_DEPOSIT_FACTORY = "00000000000Fb5C9ADea0298D729A0CB3823Cc07"
_DEPOSIT_IMPLEMENTATION = "58CA52ebe0DadfdF531Cde7062e76746de4Db1eB"
_DEPOSIT_BEACON = "7A18EDfe055488A3128f01F563e5B479D92ffc3a"

# Init codes of the wallets' contracts, as their factories deploy them.
_PROXY_CODE = (
    "3d3d606380380380913d393d73{factory}5af4602a57600080fd5b602d8060366000396000f3363d3d373d3d3d363d73{target}"
    "5af43d82803e903d91602b57fd5bf3" + "52e831dd" + f"{32:064x}" + "00" * 32
)
_ERC1967_CODE = (
    "{target}60095155f3363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076"
    "cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3"
)
_ERC1967_BEACON_CODE = (
    "{target}60195155f3363d3d373d3d363d602036600436635c60da1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c"
    "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3"
)
_ERC1967_HEAD, _ERC1967_BEACON_HEAD = 0x61003D3D8160233D3973, 0x6100523D8160233D3973
_LENGTH_SHIFT = 56
"""Where the heads take the length of the arguments behind the code."""


@dataclass(frozen=True, slots=True)
class CandidateWallet:
    """One wallet that a key may own, and the signature type of its orders."""

    kind: WalletKind
    address: Address
    signature_type: SignatureType


def candidate_wallets(owner: Address) -> tuple[CandidateWallet, ...]:
    """Every wallet that the venue's factories would make for the owner, whether or not it was made.

    New accounts are deposit wallets; those made before 2026-06-29 have another address. Proxy wallets and Safes are of
    older accounts.
    """
    signer = bytes.fromhex(owner.removeprefix("0x"))
    word = signer.rjust(32, b"\0")
    arguments = bytes.fromhex(_DEPOSIT_FACTORY).rjust(32, b"\0") + word
    deposit_salt = _keccak(arguments)
    proxy_code = bytes.fromhex(_PROXY_CODE.format(factory=_PROXY_FACTORY, target=_PROXY_IMPLEMENTATION))
    return (
        CandidateWallet("key's own account", Address(owner), SignatureType.EOA),
        CandidateWallet(
            "deposit wallet",
            _create2(
                _DEPOSIT_FACTORY,
                deposit_salt,
                _with_arguments(_ERC1967_BEACON_HEAD, _ERC1967_BEACON_CODE, _DEPOSIT_BEACON, arguments),
            ),
            SignatureType.POLY_1271,
        ),
        CandidateWallet(
            "older deposit wallet",
            _create2(
                _DEPOSIT_FACTORY,
                deposit_salt,
                _with_arguments(_ERC1967_HEAD, _ERC1967_CODE, _DEPOSIT_IMPLEMENTATION, arguments),
            ),
            SignatureType.POLY_1271,
        ),
        CandidateWallet(
            "Safe",
            _create2(_SAFE_FACTORY, _keccak(word), bytes.fromhex(_SAFE_INIT_CODE_HASH)),
            SignatureType.POLY_GNOSIS_SAFE,
        ),
        CandidateWallet(
            "proxy wallet",
            _create2(_PROXY_FACTORY, _keccak(signer), _keccak(proxy_code)),
            SignatureType.POLY_PROXY,
        ),
    )


def wallet_of(owner: Address, address: str) -> CandidateWallet | None:
    """Which of the owner's wallets an address is; None for one that does not follow from the owner."""
    return next((each for each in candidate_wallets(owner) if each.address.lower() == address.lower()), None)


def checked_address(text: str) -> Address:
    """An address in its checksummed spelling (EIP-55). Raises ConfigurationError for anything else."""
    from eth_utils.address import is_address, to_checksum_address

    if not is_address(text.strip()):
        raise ConfigurationError(f"{text[:50]!r} is not an address: one is 0x and 40 hex digits.")
    return Address(str(to_checksum_address(text.strip())))


def _with_arguments(head: int, code: str, target: str, arguments: bytes) -> bytes:
    """The hash of a proxy's init code with constructor arguments behind it."""
    begin = (head + (len(arguments) << _LENGTH_SHIFT)).to_bytes(10, "big")
    return _keccak(begin + bytes.fromhex(code.format(target=target)) + arguments)


def _create2(factory: str, salt: bytes, code_hash: bytes) -> Address:
    from eth_utils.address import to_checksum_address

    digest = _keccak(b"\xff" + bytes.fromhex(factory) + salt + code_hash)
    return Address(str(to_checksum_address(digest[12:])))


def _keccak(data: bytes) -> bytes:
    from eth_utils.crypto import keccak

    return keccak(data)
