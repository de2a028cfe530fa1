"""The real venue's public trades of a market over a stretch of time, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ..clock import unix_ms
from ..exchange.listing import Listing
from ..exchange.mirrored_book import RealTrade
from ..exchange.units import UNIT
from ..identifiers import ConditionId, TokenId
from ..models import OrderSide
from ..money import MICRO
from ..polymarket.paging import Page, all_items
from ..polymarket.wire.data_api import PublicTrade
from .public_venue import PublicVenue

_PAGE = 500


@dataclass(frozen=True, slots=True)
class TapeRow:
    """One public trade and what tells it from others."""

    key: tuple[str, ...]
    trade: RealTrade


async def read_tape(real: PublicVenue, listing: Listing, *, after_ms: int, until_ms: int) -> list[TapeRow]:
    """All trades later than `after_ms` and not later than `until_ms`, from all pages, as takers made them.

    The tape tells whole seconds: a trade in the very second of `after_ms` counts as seen before. Raises
    PolymarketAPIError where the tape cannot be read to its end.
    """
    rows = []
    after_s, until_s = after_ms // 1000, until_ms // 1000

    async def page(cursor: str | None) -> Page[PublicTrade]:
        return await real.data.trades(
            condition_id=ConditionId(listing.condition_id),
            taker_only=True,
            start=after_s,
            end=until_s,
            limit=_PAGE,
            cursor=cursor,
            fresh=True,
        )

    async for row in all_items(page):
        trade = real_trade(
            listing,
            row.token_id,
            row.side,
            row.price,
            row.size,
            at=row.timestamp,
            transaction_hash=row.transaction_hash,
        )
        if trade is not None and after_s < trade.at_ms // 1000 <= until_s:
            rows.append(TapeRow(_key(row), trade))
    return sorted(rows, key=lambda row: row.trade.at_ms)


def real_trade(
    listing: Listing,
    token_id: TokenId,
    side: OrderSide,
    price: Decimal,
    size: Decimal,
    *,
    at: datetime,
    transaction_hash: str,
) -> RealTrade | None:
    """A trade in the exchange's units; None for one of another market.

    A trade at several prices is told with their average. It is rounded towards the price that it began at, so that no
    resting order seems to be reached that was not.
    """
    if token_id not in listing.tokens:
        return None
    rounding = ROUND_CEILING if side is OrderSide.SELL else ROUND_FLOOR
    return RealTrade(
        outcome=listing.outcome_of(token_id),
        side=side.value,
        price=int((price * UNIT).to_integral_value(rounding)),
        shares=int(size * MICRO),
        at_ms=unix_ms(at.astimezone(UTC)),
        transaction_hash=transaction_hash,
    )


def _key(row: PublicTrade) -> tuple[str, ...]:
    return (row.transaction_hash, row.user, row.token_id, row.side.value, str(row.price), str(row.size))
