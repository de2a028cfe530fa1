"""The CLOB's public routes as request specifications."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from ..clock import unix_ms
from ..errors import InputRejected
from ..identifiers import ConditionId, TokenId
from ..models import OrderBook, OrderSide, PriceHistory
from .request import BOOK_TTL_S, HISTORY_TTL_S, METADATA_TTL_S, RequestSpec, params_of, path_of
from .wire.fields import member, number_at
from .wire.market_data import (
    ClobMarket,
    LastTradePrice,
    ListedMarket,
    ListingPage,
    parse_book,
    parse_books,
    parse_clob_market,
    parse_last_trade_price,
    parse_last_trade_prices,
    parse_listed_market,
    parse_listing_page,
    parse_price_history,
    parse_token_numbers,
    parse_token_prices,
)

Interval = Literal["1h", "6h", "1d", "1w", "1m", "max", "all"]
Listing = Literal["markets", "simplified-markets", "sampling-markets", "sampling-simplified-markets"]

TOKENS_PER_BATCH = 500

_LONGEST_WINDOW = timedelta(days=15)
_FINEST_FIDELITY_MIN = {"1w": 5, "1m": 10, "max": 10, "all": 10}
"""The finest buckets, in minutes, that the venue gives for an interval; 1m is a month."""


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


def price_history_spec(
    token_id: TokenId,
    *,
    interval: Interval | None,
    start: datetime | None,
    end: datetime | None,
    fidelity_min: int | None,
) -> RequestSpec[PriceHistory]:
    """Raises InputRejected for a window that the venue would refuse.

    The venue appends a point stamped now even to windows in the past; points outside the window are dropped.
    """
    if (interval is None) == (start is None):
        raise InputRejected("a price history needs an interval or a start, not both", code="window")
    if end is not None and start is None:
        raise InputRejected("an end needs a start", code="window")
    if start is not None and end is not None and not timedelta(0) < end - start <= _LONGEST_WINDOW:
        raise InputRejected(
            f"a window of {end - start} is not between 0 and 15 days", code="window", fix="ask for shorter windows"
        )

    def parse(payload: Any, fetched_at: datetime) -> PriceHistory:
        history = parse_price_history(payload, fetched_at, token_id=token_id)
        if start is None:
            return history
        points = tuple(point for point in history.points if start <= point.at and (end is None or point.at <= end))
        return PriceHistory(token_id, points, fetched_at)

    return RequestSpec(
        service="clob",
        method="GET",
        path="/prices-history",
        params=params_of(
            {
                "market": token_id,
                "interval": interval,
                "startTs": None if start is None else unix_ms(start) // 1000,
                "endTs": None if end is None else unix_ms(end) // 1000,
                "fidelity": fidelity_min or _FINEST_FIDELITY_MIN.get(interval or ""),
            }
        ),
        parse=parse,
        cache_ttl_s=HISTORY_TTL_S,
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
