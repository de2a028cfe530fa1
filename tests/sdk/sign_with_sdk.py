"""Run in the official SDK's environment: amounts, digest and signature of the orders on standard input."""

from __future__ import annotations

import dataclasses
import json
import sys
from decimal import Decimal
from typing import Any

from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from polymarket._internal.actions.orders import limit, market
from polymarket._internal.actions.orders.context import resolve_order_exchange_address
from polymarket._internal.actions.orders.typed_data import build_order_signature, build_order_typed_data
from polymarket._internal.actions.orders.types import UnsignedOrder
from polymarket._internal.environment import PRODUCTION_CONFIG
from polymarket._internal.protocol import is_v2_position_id


def signed(row: dict[str, Any]) -> dict[str, Any]:
    price, tick, amount = Decimal(row["price"]), Decimal(row["tick"]), Decimal(row["amount"])
    if row["kind"] == "limit":
        gives, gets = limit._compute_limit_order_amounts(price=price, size=amount, side=row["side"], tick_size=tick)
    else:
        gives, gets = market._compute_market_order_amounts(amount=amount, price=price, side=row["side"], tick_size=tick)
    config = dataclasses.replace(PRODUCTION_CONFIG, chain_id=row["chain_id"])
    order = UnsignedOrder(
        builder=row["builder"],
        chain_id=row["chain_id"],
        exchange_address=resolve_order_exchange_address(config, asset_id=row["token"], neg_risk=row["neg_risk"]),
        expiration=0,
        maker=row["maker"],
        maker_amount=gives,
        metadata="0x" + "00" * 32,
        order_type="GTC",
        salt=row["salt"],
        side=row["side"],
        signature_type=row["signature_type"],
        signer=row["signer"],
        taker_amount=gets,
        timestamp=row["timestamp_ms"],
        token_id=row["token"],
        protocol_version="3" if is_v2_position_id(row["token"]) else "2",
    )
    plain = build_order_typed_data(dataclasses.replace(order, signature_type=0))
    plain["message"]["signatureType"] = row["signature_type"]
    digest = _hash_eip191_message(encode_typed_data(full_message=plain))
    message = encode_typed_data(full_message=build_order_typed_data(order))
    signature = "0x" + Account.sign_message(message, row["key"]).signature.hex().removeprefix("0x")
    return {
        "maker_amount": str(gives),
        "taker_amount": str(gets),
        "digest": "0x" + bytes(digest).hex(),
        "signature": str(build_order_signature(order, signature)),
    }


print(json.dumps([signed(row) for row in json.load(sys.stdin)]))
