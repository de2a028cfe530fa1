"""The relayer's routes: what a wallet's next transaction must say, taking it, and what became of it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .calldata import BadCall, ContractCall, calls_of_proxy, calls_of_safe
from .contracts import DEPOSIT_WALLET_FACTORY, PROXY_FACTORY, RELAY, RELAY_HUB
from .payloads import Json
from .rejections import Rejection
from .relayer import RelayedTransaction, Relayer, WalletType
from .responses import JsonResponse, exchange_of, json_body
from .signatures import BadSignature, checksum_address, recover
from .venue import Exchange
from .wallet_signatures import batch_digest, proxy_digest, proxy_signer, safe_digest, safe_signer

_NOT_AUTHORIZED = "invalid authorization"
_LONGEST_METADATA = 500
_UINT256 = 2**256
_UNPAID = {"gasPrice": "0", "safeTxnGas": "0", "baseGas": "0"}


def relayer_routes(relayer: Relayer) -> list[Route]:
    async def nonce(request: Request) -> Response:
        exchange_of(request)
        return JsonResponse({"nonce": str(relayer.nonce(_asked_address(request), _asked_type(request)))})

    async def parameters(request: Request) -> Response:
        exchange_of(request)
        owner = _asked_address(request)
        return JsonResponse({"address": RELAY, "nonce": str(relayer.nonce(owner, _asked_type(request)))})

    async def submit(request: Request) -> Response:
        exchange = exchange_of(request)
        owner = await _authorised(request, exchange, relayer)
        made = _submitted(await json_body(request, error="invalid request body"), owner, exchange, relayer)
        return JsonResponse({"transactionID": made.id, "transactionHash": made.hash, "state": made.state})

    async def transaction(request: Request) -> Response:
        exchange_of(request)
        found = relayer.find(request.query_params.get("id", ""))
        return JsonResponse([] if found is None else [_row(found)])

    async def transactions(request: Request) -> Response:
        exchange = exchange_of(request)
        owner = await _authorised(request, exchange, relayer)
        return JsonResponse([_row(each) for each in relayer.of(owner)])

    async def deployed(request: Request) -> Response:
        """Whether a wallet exists on chain: here every one that somebody uses, unless the operator says otherwise."""
        exchange = exchange_of(request)
        address = request.query_params.get("address", "")
        used = exchange.accounts.account_of(address) is not None
        return JsonResponse({"deployed": used and not exchange.controls.is_undeployed(address)})

    return [
        Route("/nonce", nonce),
        Route("/relay-payload", parameters),
        Route("/submit", submit, methods=["POST"]),
        Route("/transaction", transaction),
        Route("/transactions", transactions),
        Route("/deployed", deployed),
    ]


async def _authorised(request: Request, exchange: Exchange, relayer: Relayer) -> str:
    """The owner's address that a relayer key or a builder key proves. Raises Rejection (401)."""
    headers = request.headers
    if "poly_builder_api_key" in headers:
        key = exchange.builders.proven(
            dict(headers),
            method=request.method,
            path=request.scope["path"].removeprefix(request.scope.get("root_path", "")),
            body=await request.body(),
        )
        if key is None:
            raise Rejection(_NOT_AUTHORIZED, status=401)
        return key.address
    try:
        owner = checksum_address(headers.get("relayer_api_key_address", ""))
    except ValueError as error:
        raise Rejection(_NOT_AUTHORIZED, status=401) from error
    if not hmac.compare_digest(headers.get("relayer_api_key", "").encode(), relayer.api_key(owner).encode()):
        raise Rejection(_NOT_AUTHORIZED, status=401)
    return owner


def _submitted(body: Any, owner: str, exchange: Exchange, relayer: Relayer) -> RelayedTransaction:
    """Take a body whose signature is the owner's. Raises Rejection."""
    try:
        if checksum_address(body["from"]) != owner:
            raise Rejection("from is not the address of the key")
        signature = str(body["signature"])
        raw = bytes.fromhex(signature.removeprefix("0x"))
        nonce = _number(body["nonce"])
        kind: str = body["type"]
        if kind == "SAFE":
            wallet, calls, digest, signer = _safe(body, raw, nonce, exchange.settings.chain_id)
        elif kind == "PROXY":
            wallet, calls, digest, signer = _proxy(body, owner, raw, nonce)
        elif kind == "WALLET":
            wallet, calls, digest, signer = _batch(body, raw, nonce, exchange)
        else:
            raise Rejection(f"unsupported transaction type {str(kind)[:20]!r}")
        metadata = str(body.get("metadata", ""))[:_LONGEST_METADATA]
    except (BadSignature, BadCall) as error:
        raise Rejection(f"invalid transaction: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Rejection("invalid request body") from error
    if signer != owner:
        raise Rejection("invalid transaction: the signature is not the owner's")
    return relayer.submit(
        owner,
        wallet,
        cast(WalletType, kind),
        nonce=nonce,
        digest=digest,
        signature=signature,
        calls=calls,
        metadata=metadata,
    )


_Read = tuple[str, list[ContractCall], bytes, str]
"""The wallet, its calls, what was signed, and who signed it."""


def _safe(body: Mapping[str, Any], signature: bytes, nonce: int, chain_id: int) -> _Read:
    wallet, target = checksum_address(body["proxyWallet"]), checksum_address(body["to"])
    data, value = _bytes(body["data"]), _number(body.get("value", "0"))
    said = body["signatureParams"]
    if any(str(said[name]) != number for name, number in _UNPAID.items()):
        raise Rejection("the relayer pays the gas, so a transaction names no price for it")
    operation = _number(said["operation"])
    digest = safe_digest(wallet, target, data, value=value, operation=operation, nonce=nonce, chain_id=chain_id)
    calls = calls_of_safe(target, data, value=value, operation=operation)
    return wallet, calls, digest, safe_signer(digest, signature)


def _proxy(body: Mapping[str, Any], owner: str, signature: bytes, nonce: int) -> _Read:
    wallet, factory = checksum_address(body["proxyWallet"]), checksum_address(body["to"])
    data, said = _bytes(body["data"]), body["signatureParams"]
    if factory != PROXY_FACTORY or str(said["relayHub"]).lower() != RELAY_HUB.lower():
        raise Rejection("a proxy wallet is reached through its factory and the relay hub")
    if str(said["relay"]).lower() != RELAY.lower():
        raise Rejection("the relay is not the one that was named")
    digest = proxy_digest(
        owner,
        factory,
        data,
        fee=_number(said["relayerFee"]),
        gas_price=_number(said["gasPrice"]),
        gas=_number(said["gasLimit"]),
        nonce=nonce,
        relay=RELAY,
    )
    return wallet, calls_of_proxy(data), digest, proxy_signer(digest, signature)


def _batch(body: Mapping[str, Any], signature: bytes, nonce: int, exchange: Exchange) -> _Read:
    said = body["depositWalletParams"]
    wallet, deadline = checksum_address(said["depositWallet"]), _number(said["deadline"])
    if checksum_address(body["to"]) != DEPOSIT_WALLET_FACTORY:
        raise Rejection("a deposit wallet is reached through its factory")
    calls = [
        ContractCall(checksum_address(each["target"]), _number(each["value"]), _bytes(each["data"]))
        for each in said["calls"]
    ]
    if deadline <= exchange.now_s:
        raise Rejection("the deadline of the batch has passed")
    digest = batch_digest(wallet, calls, nonce=nonce, deadline=deadline, chain_id=exchange.settings.chain_id)
    return wallet, calls, digest, recover(digest, signature)


def _row(made: RelayedTransaction) -> Json:
    return {
        "transactionID": made.id,
        "transactionHash": made.hash,
        "from": made.owner,
        "proxyAddress": made.wallet,
        "nonce": str(made.nonce),
        "signature": made.signature,
        "metadata": made.metadata,
        "state": made.state,
        "errorMsg": made.error,
        "type": made.kind,
        "createdAt": made.created_at_ms,
        "updatedAt": made.updated_at_ms,
    }


def _asked_address(request: Request) -> str:
    return request.query_params.get("address", "")


def _asked_type(request: Request) -> WalletType:
    """Raises Rejection for a type that the relayer does not know."""
    kind = request.query_params.get("type", "")
    if kind not in ("SAFE", "PROXY", "WALLET"):
        raise Rejection("invalid type")
    return cast(WalletType, kind)


def _number(text: Any) -> int:
    """Raises ValueError for what is no uint256 in decimal digits."""
    number = int(text) if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 80 else -1
    if not 0 <= number < _UINT256:
        raise ValueError("not a uint256")
    return number


def _bytes(text: Any) -> bytes:
    return bytes.fromhex(str(text).removeprefix("0x"))
