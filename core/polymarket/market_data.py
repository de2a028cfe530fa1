"""The CLOB's public half: books, quotes, listings and what orders must respect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from ..identifiers import ConditionId, TokenId
from ..models import OrderBook, OrderSide
from ..money import FeeSchedule
from . import market_data_requests as requests
from .paging import Page, all_items
from .price_history import PriceHistoryClient
from .request import RequestSpec
from .wire.market_data import ClobMarket, LastTradePrice, ListedMarket, ListingPage

T = TypeVar("T")


class MarketDataClient(PriceHistoryClient):
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

    async def clob_market(self, condition_id: ConditionId, *, fresh: bool = False) -> ClobMarket | None:
        """What orders on a market must respect: tick, minimum, fees, neg risk."""
        return await self._transport.call(requests.clob_market_spec(condition_id), fresh=fresh)

    async def fees(self, condition_id: ConditionId) -> FeeSchedule | None:
        """What the market charges takers; None for an unknown market."""
        market = await self.clob_market(condition_id)
        return None if market is None else market.fees

    async def base_fee(self, token_id: TokenId) -> int | None:
        """The legacy base fee in basis points. It is not what is charged: see `fees`."""
        return await self._transport.call(requests.base_fee_spec(token_id))

    async def market_by_token(self, token_id: TokenId) -> ConditionId | None:
        return await self._transport.call(requests.market_by_token_spec(token_id))

    async def listed_market(self, condition_id: ConditionId, *, fresh: bool = False) -> ListedMarket | None:
        """The CLOB's own record of a market, closed ones and their winner included."""
        return await self._transport.call(requests.listed_market_spec(condition_id), fresh=fresh)

    async def listing(self, listing: requests.Listing, *, cursor: str | None = None) -> ListingPage:
        """A page of one of the CLOB's listings, closed markets included."""
        return await self._transport.call(requests.listing_spec(listing, cursor))

    def iterate_listing(self, listing: requests.Listing) -> AsyncIterator[ListedMarket]:
        """Every market of a listing to its end, fetching each page of up to 1000 when it is reached."""

        async def page(cursor: str | None) -> Page[ListedMarket]:
            return await self.listing(listing, cursor=cursor)

        return all_items(page)

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
