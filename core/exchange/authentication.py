"""Who is asking: the attestation headers of level 1 and the HMAC headers of level 2."""

from __future__ import annotations

import hmac

from starlette.requests import Request

from .credentials import Credential
from .rejections import BAD_L1_HEADERS, UNAUTHORIZED, Rejection
from .signatures import BadSignature, checksum_address, l1_digest, l2_signature, recover
from .venue import Exchange


def attested_address(request: Request, exchange: Exchange) -> tuple[str, int]:
    """(checksummed address, nonce) proven by the level 1 headers. Raises Rejection (401)."""
    headers = request.headers
    try:
        address = checksum_address(headers["poly_address"])
        nonce = int(headers.get("poly_nonce", "0"))
        timestamp = headers["poly_timestamp"]
        _check_age(timestamp, exchange)
        digest = l1_digest(address, timestamp=timestamp, nonce=nonce, chain_id=exchange.settings.chain_id)
        signer = recover(digest, bytes.fromhex(headers["poly_signature"].removeprefix("0x")))
    except (KeyError, ValueError, OverflowError, BadSignature) as error:
        raise Rejection(BAD_L1_HEADERS, status=401) from error
    if signer != address:
        raise Rejection(BAD_L1_HEADERS, status=401)
    return address, nonce


async def authenticated(request: Request, exchange: Exchange) -> Credential:
    """The credential whose HMAC covers this request: its time, method, path below the mount and raw body.

    Raises Rejection (401).
    """
    headers = request.headers
    credential = exchange.credentials.find(headers.get("poly_api_key", ""))
    if credential is None:
        raise Rejection(UNAUTHORIZED, status=401)
    timestamp = headers.get("poly_timestamp", "")
    expected = l2_signature(
        credential.secret,
        timestamp=timestamp,
        method=request.method,
        path=request.scope["path"].removeprefix(request.scope.get("root_path", "")),
        body=await request.body(),
    )
    same_address = headers.get("poly_address", "").lower() == credential.address.lower()
    same_passphrase = hmac.compare_digest(headers.get("poly_passphrase", "").encode(), credential.passphrase.encode())
    same_signature = hmac.compare_digest(headers.get("poly_signature", "").encode(), expected.encode())
    if not (same_address and same_passphrase and same_signature):
        raise Rejection(UNAUTHORIZED, status=401)
    try:
        _check_age(timestamp, exchange)
    except ValueError as error:
        raise Rejection(UNAUTHORIZED, status=401) from error
    return credential


def _check_age(timestamp: str, exchange: Exchange) -> None:
    """Raise ValueError when the headers are not from about now, by the tolerance of the settings."""
    age_s = abs(exchange.clock.now().timestamp() - int(timestamp))
    tolerance_s = exchange.settings.timestamp_tolerance_s
    if tolerance_s is not None and age_s > tolerance_s:
        raise ValueError(f"the headers are {age_s:.0f} s away")
