"""Signing one order, with coincurve (the optional extra `fast`) and with the pure Python curve that works everywhere.

Each curve signs in processes of its own, in turns. A signature is `sign_order` from ticket to wire object: amounts,
EIP-712 hash and signature. Figures are milliseconds per order, the median over all rounds.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median

from polydesk.core.clock import ManualClock
from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import OrderSide, OrderTicket, TimeInForce
from polydesk.core.polymarket.environments import PRODUCTION
from polydesk.core.polymarket.signing import Signer, sign_order

from .registry import Result

_ROUNDS = 5
_ORDERS = 100
_CURVES = {"coincurve": "eth_keys.backends.CoinCurveECCBackend", "pure Python": "eth_keys.backends.NativeECCBackend"}
_KEY = "0x" + "1f" * 32
_TICKET = OrderTicket(
    token_id=TokenId("1" * 77),
    condition_id=ConditionId("0x" + "2" * 64),
    side=OrderSide.BUY,
    price=Decimal("0.56"),
    shares=Decimal(100),
    dollars=Decimal(56),
    time_in_force=TimeInForce.GTC,
    tick=Decimal("0.01"),
    neg_risk=True,
)


def run() -> Result:
    seconds: dict[str, list[float]] = {curve: [] for curve in _CURVES}
    for _ in range(_ROUNDS):
        for curve, backend in _CURVES.items():
            seconds[curve] += _in_process_of_its_own(backend)
    return Result(
        about=f"{_ROUNDS} processes of each curve, {_ORDERS} orders in each",
        ratios={"pure Python / coincurve": median(seconds["pure Python"]) / median(seconds["coincurve"])},
        measured={f"{curve}, ms per order": 1000 * median(taken) for curve, taken in seconds.items()},
    )


def _in_process_of_its_own(backend: str) -> list[float]:
    """Seconds of every order; the curve is chosen by a variable that is read when the library loads."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.signing"],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "ECC_BACKEND_CLASS": backend},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds: list[float] = json.loads(done.stdout)
    return seconds


def _sign_orders() -> list[float]:
    """Seconds of each of `_ORDERS` orders, after one that also loads the library."""
    signer = Signer(_KEY)
    clock = ManualClock(datetime(2026, 5, 17, tzinfo=UTC))
    generator = random.Random(7)
    seconds = []
    for _ in range(1 + _ORDERS):
        started = time.perf_counter()
        sign_order(_TICKET, signer=signer, environment=PRODUCTION, clock=clock, random=generator)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


if __name__ == "__main__":
    print(json.dumps(_sign_orders()))
