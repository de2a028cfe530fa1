"""The CLOB's public data: books, quotes, price history and trading parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...errors import UnexpectedPayload
from ...identifiers import ConditionId, Slug, TokenId
from ...models import OrderBook, OrderSide, PriceHistory, PriceLevel, PricePoint
from ...money import NO_FEES, FeeSchedule
from .catalogue import DEFAULT_MIN_SIZE, DEFAULT_TICK
from .fields import (
    Flag,
    Moment,
    NumberOrZero,
    OptionalNumber,
    Shape,
    Text,
    TextList,
    items_of,
    member,
    number_at,
    read_list,
    read_shape,
)

END_CURSOR = "LTE="
"""What the CLOB sends as the next cursor of the last page; sending it back is an error."""


class LevelShape(Shape):
    price: Decimal
    size: Decimal


class BookShape(Shape):
    market: Text
    asset_id: Text
    timestamp: Moment = None
    hash: Text = ""
    bids: tuple[LevelShape, ...] | None = None
    asks: tuple[LevelShape, ...] | None = None
    min_order_size: OptionalNumber = None
    tick_size: OptionalNumber = None
    neg_risk: Flag = False
    last_trade_price: OptionalNumber = None

    def to_model(self, *, received_at: datetime) -> OrderBook:
        return OrderBook(
            market_id=ConditionId(self.market),
            token_id=TokenId(self.asset_id),
            bids=best_first(OrderSide.BUY, self.bids or ()),
            asks=best_first(OrderSide.SELL, self.asks or ()),
            timestamp=self.timestamp or received_at,
            received_at=received_at,
            tick=self.tick_size or DEFAULT_TICK,
            min_size=DEFAULT_MIN_SIZE if self.min_order_size is None else self.min_order_size,
            neg_risk=self.neg_risk,
            last_trade_price=self.last_trade_price,
            hash=self.hash,
        )


def best_first(side: OrderSide, levels: Iterable[LevelShape]) -> tuple[PriceLevel, ...]:
    """Levels of one side sorted best first; the wire sends them worst first and promises nothing. Empty ones go."""
    kept = (PriceLevel(level.price, level.size) for level in levels if level.size > 0)
    return tuple(sorted(kept, key=lambda level: level.price, reverse=side is OrderSide.BUY))


@dataclass(frozen=True, slots=True)
class LastTradePrice:
    """The price of the last trade. `side` is the taker's; None when the token never traded (price then 0.5)."""

    price: Decimal
    side: OrderSide | None


@dataclass(frozen=True, slots=True)
class ClobToken:
    """An outcome as the CLOB lists it. `price` and `winner` are absent from the compact form."""

    token_id: TokenId
    outcome: str
    price: Decimal | None = None
    winner: bool = False


@dataclass(frozen=True, slots=True)
class ClobMarket:
    """What an order must respect on one market. `taker_delay_s` holds marketable orders before they match.

    `holds_takers_briefly` says that a fast price market does so for a moment, whose length it does not tell.
    """

    condition_id: ConditionId
    tokens: tuple[ClobToken, ...]
    tick: Decimal
    min_size: Decimal
    neg_risk: bool
    fees: FeeSchedule
    accepting_orders: bool
    taker_delay_s: int
    holds_takers_briefly: bool


@dataclass(frozen=True, slots=True)
class ListedMarket:
    """A row of the CLOB's listings. The simplified listings carry neither question nor tick nor minimum."""

    condition_id: ConditionId
    question: str
    slug: Slug
    tokens: tuple[ClobToken, ...]
    active: bool
    closed: bool
    accepting_orders: bool
    neg_risk: bool
    tick: Decimal | None
    min_size: Decimal | None
    end_date: datetime | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListingPage:
    """Some listed markets. `next_cursor` is None on the last page."""

    markets: tuple[ListedMarket, ...]
    next_cursor: str | None

    @property
    def items(self) -> tuple[ListedMarket, ...]:
        return self.markets


class CompactTokenShape(Shape):
    t: Text
    o: Text = ""


class CompactFeeShape(Shape):
    r: NumberOrZero = Decimal(0)
    e: NumberOrZero = Decimal(1)
    to: bool = True


class ClobMarketShape(Shape):
    """One-letter keys, as sent: tokens, minimum order size, minimum tick size, fee details, neg risk ..."""

    c: Text = ""
    t: tuple[CompactTokenShape, ...]
    mts: Decimal
    mos: NumberOrZero = DEFAULT_MIN_SIZE
    nr: Flag = False
    fd: CompactFeeShape | None = None
    ao: bool = True
    sd: NumberOrZero = Decimal(0)
    itode: Flag = False

    def to_model(self, condition_id: ConditionId) -> ClobMarket:
        fees = NO_FEES if self.fd is None else FeeSchedule(self.fd.r, int(self.fd.e), self.fd.to)
        return ClobMarket(
            condition_id=ConditionId(self.c) if self.c else condition_id,
            tokens=tuple(ClobToken(TokenId(token.t), token.o) for token in self.t),
            tick=self.mts,
            min_size=self.mos,
            neg_risk=self.nr,
            fees=fees,
            accepting_orders=self.ao,
            taker_delay_s=int(self.sd),
            holds_takers_briefly=self.itode,
        )


class ListedTokenShape(Shape):
    token_id: Text
    outcome: Text = ""
    price: OptionalNumber = None
    winner: Flag = False


class ListedMarketShape(Shape):
    condition_id: Text
    question: Text = ""
    market_slug: Text = ""
    tokens: tuple[ListedTokenShape, ...] = ()
    active: Flag = False
    closed: Flag = False
    accepting_orders: Flag = False
    neg_risk: Flag = False
    minimum_tick_size: OptionalNumber = None
    minimum_order_size: OptionalNumber = None
    end_date_iso: Moment = None
    tags: TextList = ()

    def to_model(self) -> ListedMarket:
        tokens = (ClobToken(TokenId(token.token_id), token.outcome, token.price, token.winner) for token in self.tokens)
        return ListedMarket(
            condition_id=ConditionId(self.condition_id),
            question=self.question,
            slug=Slug(self.market_slug),
            tokens=tuple(tokens),
            active=self.active,
            closed=self.closed,
            accepting_orders=self.accepting_orders,
            neg_risk=self.neg_risk,
            tick=self.minimum_tick_size,
            min_size=self.minimum_order_size,
            end_date=self.end_date_iso,
            tags=self.tags,
        )


class PricePointShape(Shape):
    """A point in time and its price, as the CLOB abbreviates them."""

    t: Moment
    p: Decimal


def parse_book(payload: Any, received_at: datetime) -> OrderBook:
    return read_shape(BookShape, payload).to_model(received_at=received_at)


def parse_books(payload: Any, received_at: datetime) -> dict[TokenId, OrderBook]:
    books = (shape.to_model(received_at=received_at) for shape in read_list(BookShape, payload))
    return {book.token_id: book for book in books}


def parse_last_trade_price(payload: Any, _: datetime) -> LastTradePrice:
    return LastTradePrice(number_at(payload, "price"), _side_or_none(payload.get("side")))


def parse_last_trade_prices(payload: Any, moment: datetime) -> dict[TokenId, LastTradePrice]:
    """Tokens that never traded are missing from the answer."""
    return {
        TokenId(str(member(item, "token_id"))): parse_last_trade_price(item, moment) for item, _ in items_of(payload)
    }


def parse_base_fee(payload: Any, _: datetime) -> int:
    return int(number_at(payload, "base_fee"))


def parse_token_numbers(payload: Any, _: datetime) -> dict[TokenId, Decimal]:
    """`{token: number}`, as the batch forms of midpoint and spread answer."""
    if not isinstance(payload, dict):
        raise UnexpectedPayload("expected an object keyed by token")
    return {TokenId(token): number_at(payload, token) for token in payload}


def parse_token_prices(payload: Any, _: datetime) -> dict[TokenId, dict[OrderSide, Decimal]]:
    """`{token: {side: price}}`, as the batch form of price answers."""
    if not isinstance(payload, dict):
        raise UnexpectedPayload("expected an object keyed by token")
    return {
        TokenId(token): {OrderSide(side): number_at(prices, side) for side in prices if side in OrderSide.__members__}
        for token, prices in payload.items()
    }


def parse_clob_market(payload: Any, _: datetime, *, condition_id: ConditionId) -> ClobMarket:
    return read_shape(ClobMarketShape, payload).to_model(condition_id)


def parse_listed_market(payload: Any, _: datetime) -> ListedMarket:
    return read_shape(ListedMarketShape, payload).to_model()


def parse_listing_page(payload: Any, _: datetime) -> ListingPage:
    shapes = read_list(ListedMarketShape, member(payload, "data"), at="data")
    return ListingPage(tuple(shape.to_model() for shape in shapes), next_cursor(payload))


def parse_price_history(payload: Any, fetched_at: datetime, *, token_id: TokenId) -> PriceHistory:
    shapes = read_list(PricePointShape, member(payload, "history"), at="history")
    points = (PricePoint(shape.t, shape.p) for shape in shapes if shape.t is not None)
    return PriceHistory(token_id, tuple(sorted(points, key=lambda point: point.at)), fetched_at)


def next_cursor(payload: Any) -> str | None:
    """The cursor of the page after this one, None when this is the last."""
    cursor = payload.get("next_cursor") if isinstance(payload, dict) else None
    return cursor if cursor and cursor != END_CURSOR else None


def _side_or_none(side: object) -> OrderSide | None:
    return OrderSide(side) if isinstance(side, str) and side in OrderSide.__members__ else None
