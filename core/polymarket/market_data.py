"""The CLOB's public half: books, quotes, price history and what orders must respect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from ..identifiers import ConditionId, TokenId
from ..models import OrderBook, OrderSide, PriceHistory
from . import market_data_requests as requests
from .client import PolymarketClient
from .request import RequestSpec
from .wire.market_data import ClobMarket, LastTradePrice, ListedMarket, ListingPage

T = TypeVar("T")


class MarketDataClient(PolymarketClient):
    """Market data of the order book service. Needs no key.

    Books and quotes may come from a cache of ten seconds, metadata of five minutes, history of an hour, unless
    `fresh`.
    """

    async def server_time(self) -> int:
        """The venue's clock in unix seconds."""
        return await self._transport.call(requests.server_time_spec())

    async def version(self) -> int:
        """The version of order signatures that the venue accepts."""
        return await self._transport.call(requests.version_spec())

    async def book(self, token_id: TokenId, *, fresh: bool = False) -> OrderBook | None:
        """The book of a token; None when there is none, as for unknown tokens and closed markets."""
        return await self._transport.call(requests.book_spec(token_id), fresh=fresh)

    async def books(self, token_ids: Sequence[TokenId], *, fresh: bool = False) -> dict[TokenId, OrderBook]:
        """Books by token; tokens without one are missing."""
        return await self._in_batches(token_ids, lambda batch: requests.books_spec(batch), fresh=fresh)

    async def price(self, token_id: TokenId, side: OrderSide, *, fresh: bool = False) -> Decimal | None:
        """The best price resting on a side: BUY the best bid, SELL the best ask."""
        return await self._transport.call(requests.quote_spec("/price", token_id, key="price", side=side), fresh=fresh)

    async def prices(
        self, token_ids: Sequence[TokenId], side: OrderSide, *, fresh: bool = False
    ) -> dict[TokenId, Decimal]:
        """The best price resting on one side of several books."""
        found = await self._in_batches(token_ids, lambda batch: requests.prices_spec(batch, side), fresh=fresh)
        return {token_id: by_side[side] for token_id, by_side in found.items() if side in by_side}

    async def midpoint(self, token_id: TokenId, *, fresh: bool = False) -> Decimal | None:
        return await self._transport.call(requests.quote_spec("/midpoint", token_id, key="mid"), fresh=fresh)

    async def midpoints(self, token_ids: Sequence[TokenId], *, fresh: bool = False) -> dict[TokenId, Decimal]:
        return await self._in_batches(token_ids, lambda batch: requests.quotes_spec("/midpoints", batch), fresh=fresh)

    async def spread(self, token_id: TokenId, *, fresh: bool = False) -> Decimal | None:
        return await self._transport.call(requests.quote_spec("/spread", token_id, key="spread"), fresh=fresh)

    async def spreads(self, token_ids: Sequence[TokenId], *, fresh: bool = False) -> dict[TokenId, Decimal]:
        return await self._in_batches(token_ids, lambda batch: requests.quotes_spec("/spreads", batch), fresh=fresh)

    async def last_trade_price(self, token_id: TokenId, *, fresh: bool = False) -> LastTradePrice | None:
        return await self._transport.call(requests.last_trade_price_spec(token_id), fresh=fresh)

    async def last_trade_prices(
        self, token_ids: Sequence[TokenId], *, fresh: bool = False
    ) -> dict[TokenId, LastTradePrice]:
        """Last prices by token; tokens that never traded are missing."""
        return await self._in_batches(token_ids, lambda batch: requests.last_trade_prices_spec(batch), fresh=fresh)

    async def tick_size(self, token_id: TokenId, *, fresh: bool = False) -> Decimal | None:
        return await self._transport.call(requests.tick_size_spec(token_id), fresh=fresh)

    async def neg_risk(self, token_id: TokenId) -> bool | None:
        return await self._transport.call(requests.neg_risk_spec(token_id))

    async def price_history(
        self,
        token_id: TokenId,
        *,
        interval: requests.Interval | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        fidelity_min: int | None = None,
    ) -> PriceHistory:
        """Midpoints over time: an `interval` back from now (1m is a month), or a window of at most 15 days.

        `fidelity_min` is the bucket in minutes. An unknown token has no points. Raises InputRejected for a window
        the venue would refuse.
        """
        return await self._transport.call(
            requests.price_history_spec(token_id, interval=interval, start=start, end=end, fidelity_min=fidelity_min)
        )

    async def clob_market(self, condition_id: ConditionId, *, fresh: bool = False) -> ClobMarket | None:
        """What orders on a market must respect: tick, minimum, fees, neg risk."""
        return await self._transport.call(requests.clob_market_spec(condition_id), fresh=fresh)

    async def market_by_token(self, token_id: TokenId) -> ConditionId | None:
        return await self._transport.call(requests.market_by_token_spec(token_id))

    async def listed_market(self, condition_id: ConditionId, *, fresh: bool = False) -> ListedMarket | None:
        """The CLOB's own record of a market, closed ones and their winner included."""
        return await self._transport.call(requests.listed_market_spec(condition_id), fresh=fresh)

    async def listing(self, listing: requests.Listing, *, cursor: str | None = None) -> ListingPage:
        """A page of one of the CLOB's listings, closed markets included."""
        return await self._transport.call(requests.listing_spec(listing, cursor))

    async def _in_batches(
        self,
        token_ids: Sequence[TokenId],
        spec_of: Callable[[list[TokenId]], RequestSpec[dict[TokenId, T]]],
        *,
        fresh: bool,
    ) -> dict[TokenId, T]:
        """One mapping from as many requests as the venue's limit makes necessary."""
        found: dict[TokenId, T] = {}
        remaining = list(dict.fromkeys(token_ids))
        while remaining:
            batch, remaining = remaining[: requests.TOKENS_PER_BATCH], remaining[requests.TOKENS_PER_BATCH :]
            found.update(await self._transport.call(spec_of(batch), fresh=fresh))
        return found
