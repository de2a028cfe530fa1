"""The CLOB's public routes as request specifications."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Literal

from ..identifiers import ConditionId, TokenId
from ..models import OrderBook, OrderSide
from .request import BOOK_TTL_S, METADATA_TTL_S, RequestSpec, params_of, path_of
from .wire.fields import member, number_at
from .wire.market_data import (
    ClobMarket,
    LastTradePrice,
    ListedMarket,
    ListingPage,
    parse_base_fee,
    parse_book,
    parse_books,
    parse_clob_market,
    parse_last_trade_price,
    parse_last_trade_prices,
    parse_listed_market,
    parse_listing_page,
    parse_token_numbers,
    parse_token_prices,
)

Listing = Literal["markets", "simplified-markets", "sampling-markets", "sampling-simplified-markets"]

TOKENS_PER_BATCH = 500


def server_time_spec() -> RequestSpec[int]:
    return RequestSpec(service="clob", method="GET", path="/time", parse=lambda payload, _: int(payload))


def version_spec() -> RequestSpec[int]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/version",
        parse=lambda payload, _: int(number_at(payload, "version")),
        cache_ttl_s=METADATA_TTL_S,
    )


def book_spec(token_id: TokenId) -> RequestSpec[OrderBook | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/book",
        params=params_of({"token_id": token_id}),
        parse=parse_book,
        cache_ttl_s=BOOK_TTL_S,
        on_missing=(None,),
    )


def books_spec(token_ids: Sequence[TokenId]) -> RequestSpec[dict[TokenId, OrderBook]]:
    return RequestSpec(
        service="clob",
        method="POST",
        path="/books",
        body=[{"token_id": token_id} for token_id in token_ids],
        parse=parse_books,
        cache_ttl_s=BOOK_TTL_S,
    )


def quote_spec(path: str, token_id: TokenId, *, key: str, side: OrderSide | None = None) -> RequestSpec[Decimal | None]:
    """`/price`, `/midpoint` and `/spread`, whose answer is one number under `key`."""
    return RequestSpec(
        service="clob",
        method="GET",
        path=path,
        params=params_of({"token_id": token_id, "side": side}),
        parse=lambda payload, _: number_at(payload, key),
        cache_ttl_s=BOOK_TTL_S,
        on_missing=(None,),
    )


def quotes_spec(path: str, token_ids: Sequence[TokenId]) -> RequestSpec[dict[TokenId, Decimal]]:
    """`/midpoints` and `/spreads`."""
    return RequestSpec(
        service="clob",
        method="POST",
        path=path,
        body=[{"token_id": token_id} for token_id in token_ids],
        parse=parse_token_numbers,
        cache_ttl_s=BOOK_TTL_S,
    )


def prices_spec(token_ids: Sequence[TokenId], side: OrderSide) -> RequestSpec[dict[TokenId, dict[OrderSide, Decimal]]]:
    """The side goes with every token: without it the venue silently answers for SELL."""
    return RequestSpec(
        service="clob",
        method="POST",
        path="/prices",
        body=[{"token_id": token_id, "side": side.value} for token_id in token_ids],
        parse=parse_token_prices,
        cache_ttl_s=BOOK_TTL_S,
    )


def last_trade_price_spec(token_id: TokenId) -> RequestSpec[LastTradePrice | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/last-trade-price",
        params=params_of({"token_id": token_id}),
        parse=parse_last_trade_price,
        cache_ttl_s=BOOK_TTL_S,
        on_missing=(None,),
    )


def last_trade_prices_spec(token_ids: Sequence[TokenId]) -> RequestSpec[dict[TokenId, LastTradePrice]]:
    return RequestSpec(
        service="clob",
        method="POST",
        path="/last-trades-prices",
        body=[{"token_id": token_id} for token_id in token_ids],
        parse=parse_last_trade_prices,
        cache_ttl_s=BOOK_TTL_S,
    )


def tick_size_spec(token_id: TokenId) -> RequestSpec[Decimal | None]:
    """Kept no longer than a book: the tick changes while a market trades."""
    return RequestSpec(
        service="clob",
        method="GET",
        path="/tick-size",
        params=params_of({"token_id": token_id}),
        parse=lambda payload, _: number_at(payload, "minimum_tick_size"),
        cache_ttl_s=BOOK_TTL_S,
        on_missing=(None,),
    )


def neg_risk_spec(token_id: TokenId) -> RequestSpec[bool | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/neg-risk",
        params=params_of({"token_id": token_id}),
        parse=lambda payload, _: bool(member(payload, "neg_risk")),
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def base_fee_spec(token_id: TokenId) -> RequestSpec[int | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/fee-rate",
        params=params_of({"token_id": token_id}),
        parse=parse_base_fee,
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def clob_market_spec(condition_id: ConditionId) -> RequestSpec[ClobMarket | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path=path_of("clob-markets", condition_id),
        parse=partial(parse_clob_market, condition_id=condition_id),
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def market_by_token_spec(token_id: TokenId) -> RequestSpec[ConditionId | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path=path_of("markets-by-token", token_id),
        parse=lambda payload, _: ConditionId(str(member(payload, "condition_id"))),
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def listed_market_spec(condition_id: ConditionId) -> RequestSpec[ListedMarket | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path=path_of("markets", condition_id),
        parse=parse_listed_market,
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def listing_spec(listing: Listing, cursor: str | None) -> RequestSpec[ListingPage]:
    return RequestSpec(
        service="clob",
        method="GET",
        path=f"/{listing}",
        params=params_of({"next_cursor": cursor}),
        parse=parse_listing_page,
        cache_ttl_s=METADATA_TTL_S,
    )
