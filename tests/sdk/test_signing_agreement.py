"""A thousand drawn orders come out of our signer byte for byte as out of both official Python clients."""

from __future__ import annotations

import json
import random
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.identifiers import Address, ConditionId, TokenId
from polydesk.core.models import OrderSide, OrderTicket, TimeInForce
from polydesk.core.money import TICK_RULES
from polydesk.core.polymarket.amounts import limit_amounts, market_buy_amounts, market_sell_amounts
from polydesk.core.polymarket.environments import PRODUCTION
from polydesk.core.polymarket.signing import SignatureType, Signer, sign_order
from tests.support.downloads import python_environment

pytestmark = pytest.mark.sdk

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
WALLET = "0x2e234DAe75C793f67A35089C9d99245E1C58470b"
ZERO = "0x" + "00" * 32
ORDERS = 1000
Row = dict[str, Any]


def drawn(count: int, seed: int = 20_260_517) -> list[Row]:
    """Orders over every tick, both sides, limit and market, all wallet types, both exchanges."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        tick = draw.choice(sorted(TICK_RULES))
        signature_type = draw.choice([0, 1, 2, 3])
        maker = OWNER if signature_type == 0 else WALLET
        rows.append(
            {
                "key": KEY,
                "kind": draw.choice(["limit", "market"]),
                "side": draw.choice(["BUY", "SELL"]),
                "tick": str(tick),
                "price": str(tick * draw.randint(1, int(1 / tick) - 1)),
                "amount": str(Decimal(draw.randint(100, 10_000_000)).scaleb(-draw.choice([2, 3, 4]))),
                "token": str(draw.getrandbits(255) | 1 << 60),
                "neg_risk": draw.random() < 0.5,
                "chain_id": 137,
                "signature_type": signature_type,
                "maker": maker,
                "signer": WALLET if signature_type == 3 else OWNER,
                "builder": draw.choice([ZERO, "0x" + "11" * 32]),
                "salt": draw.getrandbits(53),
                "timestamp_ms": draw.randint(1_767_225_600_000, 1_799_999_999_999),
            }
        )
    return rows


class OneSalt(random.Random):
    """Draws the salt that the other side was given."""

    def __init__(self, salt: int) -> None:
        super().__init__()
        self._salt = salt

    def randint(self, a: int, b: int) -> int:
        return self._salt


def ours(row: Row) -> Row:
    side, price, tick = OrderSide(row["side"]), Decimal(row["price"]), Decimal(row["tick"])
    amount = Decimal(row["amount"])
    if row["kind"] == "limit":
        amounts = limit_amounts(price=price, size_shares=amount, tick=tick)
    elif side is OrderSide.BUY:
        amounts = market_buy_amounts(worst_price=price, spend_dollars=amount, tick=tick)
    else:
        amounts = market_sell_amounts(worst_price=price, size_shares=amount, tick=tick)
    ticket = OrderTicket(
        token_id=TokenId(row["token"]),
        condition_id=ConditionId("0x" + "00" * 32),
        side=side,
        price=price,
        shares=amounts.shares,
        dollars=amounts.dollars,
        time_in_force=TimeInForce.GTC if row["kind"] == "limit" else TimeInForce.FAK,
        tick=tick,
        neg_risk=row["neg_risk"],
    )
    signed = sign_order(
        ticket,
        signer=Signer(KEY),
        environment=PRODUCTION,
        clock=ManualClock(datetime.fromtimestamp(row["timestamp_ms"] / 1000, UTC)),
        random=OneSalt(row["salt"]),
        funder=Address(WALLET) if row["signature_type"] else None,
        signature_type=SignatureType(row["signature_type"]),
        builder=row["builder"],
    )
    return {
        "maker_amount": signed.order["makerAmount"],
        "taker_amount": signed.order["takerAmount"],
        "digest": signed.order_id,
        "signature": signed.order["signature"],
    }


def theirs(environment: Path, script: str, rows: list[Row]) -> list[Row]:
    result = subprocess.run(
        [environment / "python", Path(__file__).with_name(script)],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    answers: list[Row] = json.loads(result.stdout)
    return answers


def test_the_official_sdk_signs_the_same() -> None:
    environment = python_environment("official-sdk", "polymarket-client==0.14.0")
    rows = drawn(ORDERS)
    assert [ours(row) for row in rows] == theirs(environment, "sign_with_sdk.py", rows)


def test_the_official_sdk_signs_the_same_for_the_third_exchange() -> None:
    environment = python_environment("official-sdk", "polymarket-client==0.14.0")
    position = "453491208547253220481609627261229667812317398955547892212275664056427216896"
    rows = [row | {"token": position} for row in drawn(20)]
    assert [ours(row) for row in rows] == theirs(environment, "sign_with_sdk.py", rows)


def test_the_deprecated_client_signs_the_same_wherever_its_floats_are_exact() -> None:
    environment = python_environment("py-clob-client-v2", "py-clob-client-v2==1.2.1")
    rows = drawn(ORDERS)
    pairs = list(zip([ours(row) for row in rows], theirs(environment, "sign_with_v2_client.py", rows), strict=True))
    amounts = ("maker_amount", "taker_amount")
    same_amounts = [(mine, other) for mine, other in pairs if all(mine[each] == other[each] for each in amounts)]
    # It computes in binary floating point and now and then cuts a price or a size by its last decimal.
    assert len(same_amounts) > ORDERS * 0.95
    assert all(mine == other for mine, other in same_amounts)
