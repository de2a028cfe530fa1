"""From the body of an order request to an order that may trade: the venue's checks in the venue's order.

Payload shape, owner, signer, bans, version, signature, tick, size, precision, expiration, duplicate, allowance; then
the exchange itself checks the dollar minimum, funds, post-only and fill-or-kill.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from .amounts import OrderAmounts, read_amounts
from .book import Order, OrderType, Side
from .contracts import COLLATERAL, OUTCOME_TOKENS, exchange_contract
from .credentials import Credential
from .ledger import Account
from .rejections import (
    BAD_EXPIRATION,
    BAD_PAYLOAD,
    BAD_SIGNATURE,
    CANCELED_ON_CHAIN,
    MAKER_NOT_ALLOWED,
    MARKET_NOT_READY,
    NOT_OWNER,
    NOT_SIGNER,
    OLD_VERSION,
    POST_ONLY_TYPE,
    Rejection,
    duplicated,
    no_book,
    too_small,
)
from .signatures import POLY_1271, BadSignature, SignedOrder, checksum_address, order_signer
from .trading import Entry
from .units import amount_text
from .venue import Exchange

_UINT256 = 2**256
_HEX_32 = re.compile(r"0x[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A well-formed body. `signed` is None when the order has the struct of protocol version 1."""

    signed: SignedOrder | None
    signer: str
    token_id: str
    side: Side
    expiration: int
    owner: str
    order_type: OrderType
    post_only: bool


def parse_order_request(payload: object) -> OrderRequest:
    """Read a `POST /order` body. Raises Rejection with the venue's one text for anything malformed."""
    try:
        body = cast(Mapping[str, Any], payload)
        order = cast(Mapping[str, Any], body["order"])
        old_version = "timestamp" not in order and ("nonce" in order or "feeRateBps" in order)
        side = _one_of(order["side"], ("BUY", "SELL"))
        return OrderRequest(
            signed=None if old_version else _signed_order(order, side),
            signer=checksum_address(order["signer"]),
            token_id=str(_uint(order["tokenId"])),
            side=side,
            expiration=_uint(order.get("expiration", "0")),
            owner=_text(body["owner"]),
            order_type=_one_of(body.get("orderType", "GTC"), ("GTC", "GTD", "FOK", "FAK")),
            post_only=_flag(body.get("postOnly", False)),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Rejection(BAD_PAYLOAD) from error


def check_sender(exchange: Exchange, request: OrderRequest, credential: Credential) -> None:
    """The key's owner may send this order. Raises Rejection, which refuses a whole batch."""
    if request.owner != credential.api_key:
        raise Rejection(NOT_OWNER)
    deposit_wallet = request.signed is not None and request.signed.signature_type == POLY_1271
    if not deposit_wallet and request.signer != credential.address:
        raise Rejection(NOT_SIGNER)
    exchange.controls.check_sender(credential.address, buys=request.side == "BUY")


def place_order(exchange: Exchange, request: OrderRequest, credential: Credential) -> Entry:
    """Check an order of the key's owner and enter it. Raises Rejection, and then nothing has changed."""
    check_sender(exchange, request, credential)
    signed = request.signed
    deposit_wallet = signed is not None and signed.signature_type == POLY_1271
    if signed is None:
        raise Rejection(OLD_VERSION)
    if exchange.settings.deposit_wallets_only and not deposit_wallet:
        raise Rejection(MAKER_NOT_ALLOWED)
    listing = exchange.markets.by_token.get(request.token_id)
    chain_id = exchange.settings.chain_id
    neg_risk = listing is not None and listing.neg_risk
    contract = exchange_contract(signed.token_id, neg_risk=neg_risk, chain_id=chain_id)
    account, digest = _signing_account(exchange, signed, credential, chain_id=chain_id, contract=contract)
    if listing is None or listing.closed:
        raise no_book(request.token_id)
    if not listing.accepting_orders:
        raise Rejection(MARKET_NOT_READY)

    order_id = "0x" + digest.hex()
    immediate = request.order_type in ("FOK", "FAK")
    amounts = read_amounts(
        order_id,
        side=request.side,
        immediate=immediate,
        maker_amount=signed.maker_amount,
        taker_amount=signed.taker_amount,
        tick=listing.tick_decimal,
        settings=exchange.settings,
    )
    if not immediate and amounts.shares < listing.min_size:
        raise too_small(order_id, amount_text(amounts.shares), amount_text(listing.min_size))
    amounts.check_precision()
    _check_lifetime(exchange, request)
    if order_id in exchange.registry.orders:
        raise duplicated(order_id)
    if exchange.controls.is_cancelled_on_chain(order_id):
        raise Rejection(CANCELED_ON_CHAIN)
    token = COLLATERAL if request.side == "BUY" else OUTCOME_TOKENS
    exchange.approvals.check(credential.address, signed.maker_amount, token=token, spender=contract)
    exchange.builders.attribute(order_id, signed.builder)
    order = Order(
        id=order_id,
        account=account,
        condition_id=listing.condition_id,
        token_id=request.token_id,
        outcome=listing.outcome_of(request.token_id),
        side=request.side,
        price=amounts.price,
        size=amounts.shares,
        order_type=request.order_type,
        created_at_ms=exchange.now_ms,
        owner=credential.api_key,
        maker_address=signed.maker,
        expiration=request.expiration,
        budget=_budget(amounts, request, exchange),
    )
    return exchange.trading.enter(order, post_only=request.post_only)


def _signing_account(
    exchange: Exchange, signed: SignedOrder, credential: Credential, *, chain_id: int, contract: str
) -> tuple[Account, bytes]:
    """The account that the order trades on, once its signature is proven, and the order's digest."""
    try:
        signer, digest = order_signer(signed, chain_id=chain_id, verifying_contract=contract)
    except BadSignature as error:
        raise Rejection(BAD_SIGNATURE) from error
    if signed.signature_type == POLY_1271:
        if signed.maker != signed.signer:
            raise Rejection(BAD_SIGNATURE)
        if signer != credential.address:
            raise Rejection(NOT_SIGNER)
    elif signer != signed.signer or (signed.signature_type == 0 and signed.maker != signed.signer):
        raise Rejection(BAD_SIGNATURE)
    account = exchange.accounts.open_account(credential.address)
    if not exchange.accounts.claim_wallet(signed.maker, credential.address):
        raise Rejection(MAKER_NOT_ALLOWED)
    return account, digest


def _check_lifetime(exchange: Exchange, request: OrderRequest) -> None:
    if request.order_type == "GTD":
        if request.expiration < exchange.now_s + exchange.settings.gtd_min_lead_s:
            raise Rejection(BAD_EXPIRATION)
    elif request.expiration:
        raise Rejection(BAD_EXPIRATION)
    if request.post_only and request.order_type not in ("GTC", "GTD"):
        raise Rejection(POST_ONLY_TYPE)


def _budget(amounts: OrderAmounts, request: OrderRequest, exchange: Exchange) -> int | None:
    market_buy = request.side == "BUY" and request.order_type in ("FOK", "FAK")
    return amounts.dollars if market_buy and exchange.settings.market_buy_fills == "dollars" else None


def _signed_order(order: Mapping[str, Any], side: Literal["BUY", "SELL"]) -> SignedOrder:
    salt, signature_type = order["salt"], order["signatureType"]
    if isinstance(salt, bool) or not isinstance(salt, int) or signature_type not in (0, 1, 2, POLY_1271):
        raise ValueError("salt and signatureType are JSON numbers")
    maker_amount, taker_amount = _uint(order["makerAmount"]), _uint(order["takerAmount"])
    if not maker_amount or not taker_amount:
        raise ValueError("amounts are positive")
    return SignedOrder(
        salt=_within_uint256(salt),
        maker=checksum_address(order["maker"]),
        signer=checksum_address(order["signer"]),
        token_id=_uint(order["tokenId"]),
        maker_amount=maker_amount,
        taker_amount=taker_amount,
        side=0 if side == "BUY" else 1,
        signature_type=int(signature_type),
        timestamp=_uint(order["timestamp"]),
        metadata=_bytes32(order["metadata"]),
        builder=_bytes32(order["builder"]),
        signature=bytes.fromhex(_text(order["signature"]).removeprefix("0x")),
    )


def _uint(value: object) -> int:
    """A uint256 that travels as a string of decimal digits."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 78:
        raise ValueError(f"{value!r} is not a string of digits")
    return _within_uint256(int(value))


def _within_uint256(number: int) -> int:
    if not 0 <= number < _UINT256:
        raise ValueError(f"{number} is not a uint256")
    return number


def _bytes32(value: object) -> bytes:
    if not isinstance(value, str) or not _HEX_32.fullmatch(value):
        raise ValueError(f"{value!r} is not 32 bytes of hex")
    return bytes.fromhex(value[2:])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a string")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not a boolean")
    return value


def _one_of(value: object, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {allowed}")
    return value
