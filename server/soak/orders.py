"""The orders of a soak: the same seed and number make the same order, in whichever process."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from ...core.models import Market, OrderSide, TimeInForce
from ...core.money import floor_to_tick
from ...core.trading.intent import OrderIntent

_CENT_SHARES = Decimal("0.01")


def token_of(seed: int, number: int) -> str:
    """The client token of an order: what makes its repetition harmless."""
    return f"soak-{seed}-{number}"


def order_of(seed: int, number: int, markets: Sequence[Market]) -> OrderIntent:
    """Order `number`: six of ten are purchases, most of them near the touch, a third made to rest.

    Sizes are whole cents of a share, so that every amount is exact in millionths.
    """
    random = Random(f"{seed} {number}")
    market = random.choice(markets)
    index = random.randrange(2)
    outcome = market.outcomes[index]
    middle = outcome.price or Decimal("0.5")
    buys = random.random() < 0.6
    if not buys and random.random() < 0.25:
        return OrderIntent(market=market, outcome=outcome, side=OrderSide.SELL, size="all")
    ticks = Decimal(random.randrange(1, 12)) * market.tick
    crosses = random.random() < 0.6
    price = floor_to_tick(middle + (ticks if buys == crosses else -ticks), market.tick)
    dollars = Decimal(random.randrange(200, 1500)) / 100
    size = max((dollars / price).quantize(_CENT_SHARES), market.min_size)
    return OrderIntent(
        market=market,
        outcome=outcome,
        side=OrderSide.BUY if buys else OrderSide.SELL,
        size=size,
        price=price,
        time_in_force=TimeInForce.GTC,
        post_only=not crosses and random.random() < 0.3,
    )
