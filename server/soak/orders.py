"""The orders of a soak: the same seed and number make the same order, in whichever process."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from ...core.models import Market, OrderSide, TimeInForce
from ...core.money import floor_to_tick
from ...core.trading.intent import OrderIntent

_CENT_SHARES = Decimal("0.01")
_CROSSES = 0.75
"""Share of orders priced to trade at once; the others are made to rest, some of them post-only."""


def token_of(seed: int, number: int) -> str:
    """The client token of an order: what makes its repetition harmless."""
    return f"soak-{seed}-{number}"


def order_of(seed: int, number: int, markets: Sequence[Market]) -> OrderIntent:
    """Order `number`: every even one buys, and the odd one after it sells what one shortly before may have bought.

    Sizes are whole cents of a share, so that every amount is exact in millionths.
    """
    if number % 2 == 0:
        return _purchase(seed, number, markets)
    random = Random(f"sale {seed} {number}")
    bought = _purchase(seed, max(number - 1 - 2 * random.randrange(3, 15), 0), markets)
    if random.random() < 0.1:
        return OrderIntent(market=bought.market, outcome=bought.outcome, side=OrderSide.SELL, size="all")
    return _limit(random, bought.market, bought.market.outcomes.index(bought.outcome), OrderSide.SELL, bought.size)


def _purchase(seed: int, number: int, markets: Sequence[Market]) -> OrderIntent:
    random = Random(f"{seed} {number}")
    market = random.choice(markets)
    return _limit(random, market, random.randrange(2), OrderSide.BUY, None)


def _limit(random: Random, market: Market, index: int, side: OrderSide, size: object) -> OrderIntent:
    outcome = market.outcomes[index]
    crosses = random.random() < _CROSSES
    ticks = Decimal(random.randrange(1, 12)) * market.tick
    up = (side is OrderSide.BUY) == crosses
    price = floor_to_tick((outcome.price or Decimal("0.5")) + (ticks if up else -ticks), market.tick)
    dollars = Decimal(random.randrange(200, 1500)) / 100
    shares = size if isinstance(size, Decimal) else max((dollars / price).quantize(_CENT_SHARES), market.min_size)
    return OrderIntent(
        market=market,
        outcome=outcome,
        side=side,
        size=shares,
        price=price,
        time_in_force=TimeInForce.GTC,
        post_only=not crosses and random.random() < 0.3,
    )
