"""Run in the deprecated V2 client's environment: amounts, digest and signature of the orders on standard input."""

from __future__ import annotations

import json
import sys
from typing import Any

from py_clob_client_v2.config import get_contract_config
from py_clob_client_v2.order_builder.builder import ROUNDING_CONFIG, OrderBuilder
from py_clob_client_v2.order_utils import ExchangeOrderBuilderV2, Side, SignatureTypeV2
from py_clob_client_v2.order_utils.model.order_data_v2 import OrderDataV2
from py_clob_client_v2.signer import Signer


def signed(row: dict[str, Any]) -> dict[str, Any]:
    signer = Signer(row["key"], row["chain_id"])
    builder = OrderBuilder(signer, SignatureTypeV2(row["signature_type"]), row["maker"])
    amounts = builder.get_order_amounts if row["kind"] == "limit" else builder.get_market_order_amounts
    side, gives, gets = amounts(row["side"], float(row["amount"]), float(row["price"]), ROUNDING_CONFIG[row["tick"]])
    contracts = get_contract_config(row["chain_id"])
    address = contracts.neg_risk_exchange_v2 if row["neg_risk"] else contracts.exchange_v2
    exchange = ExchangeOrderBuilderV2(address, row["chain_id"], signer, generate_salt=lambda: str(row["salt"]))
    order = exchange.build_order(
        OrderDataV2(
            maker=row["maker"],
            tokenId=row["token"],
            makerAmount=str(gives),
            takerAmount=str(gets),
            side=Side(side),
            signer=row["signer"],
            signatureType=SignatureTypeV2(row["signature_type"]),
            timestamp=str(row["timestamp_ms"]),
            builder=row["builder"],
        )
    )
    typed = exchange.build_order_typed_data(order)
    return {
        "maker_amount": str(gives),
        "taker_amount": str(gets),
        "digest": str(exchange.build_order_hash(typed)),
        "signature": str(exchange.build_order_signature(typed)),
    }


print(json.dumps([signed(row) for row in json.load(sys.stdin)]))
