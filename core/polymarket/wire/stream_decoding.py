"""Whole frames of the two WebSocket channels, decoded: market frames at the pace they arrive in a busy hour.

Frames of the market channel are first read with typed structs and integers. Whatever does not fit those (numbers
where text is expected, old shapes, rare announcements, damage) is read again by the tolerant parsers, which also say
what is wrong. Importing this module loads msgspec.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from ...errors import UnexpectedPayload
from ...identifiers import ConditionId, TokenId
from ...models import OrderSide
from ...money import MICRO
from .fields import decode_json
from .stream_events import (
    BestBidAsk,
    BookSnapshot,
    LastTrade,
    LevelRow,
    MarketEvent,
    PriceChanges,
    moment_of,
    price_e4,
    size_micro,
)
from .stream_frames import parse_market_event

EventT = TypeVar("EventT")

_BOOK_KINDS = frozenset({"book", "price_change", "tick_size_change"})
_MILLISECONDS = range(10**12, 10**13)
"""September 2001 to 2286; any other time is left to the tolerant parsers."""

_PRICES_KEPT = 20_000
_SIZE_DECIMALS = 6
_SCALE = (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)
"""Millionths in the last digit of a number with so many decimals."""


@dataclass(slots=True)
class DecodedFrame(Generic[EventT]):
    """What one frame held. `failures` are what could not be read; `incomplete` says that a book may miss a change."""

    events: list[EventT]
    unknown: int = 0
    failures: tuple[UnexpectedPayload, ...] = ()
    incomplete: bool = False


def decode_frame(
    frame: str | bytes, parse: Callable[[Any], EventT | None], *, loses: Callable[[object], bool] = lambda _: True
) -> DecodedFrame[EventT]:
    """A frame is an object or an array of objects; `parse` gives None for a kind it does not know.

    `loses` says of an object that could not be read whether anything is missing without it.
    """
    decoded: DecodedFrame[EventT] = DecodedFrame([])
    try:
        content = decode_json(frame)
    except (UnexpectedPayload, RecursionError) as error:
        return DecodedFrame([], failures=(_unexpected(error),), incomplete=True)
    for item in content if isinstance(content, list) else (content,):
        try:
            event = parse(item)
        except (UnexpectedPayload, ArithmeticError, OSError) as error:
            decoded.failures += (_unexpected(error),)
            decoded.incomplete = decoded.incomplete or loses(item)
            continue
        if event is None:
            decoded.unknown += 1
        else:
            decoded.events.append(event)
    return decoded


def _unexpected(error: Exception) -> UnexpectedPayload:
    """Times beyond the calendar and nesting without end raise errors of their own."""
    return error if isinstance(error, UnexpectedPayload) else UnexpectedPayload(f"the frame: {error!r}")


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


class _Change(msgspec.Struct, gc=False):
    asset_id: TokenId
    price: str
    size: str
    side: OrderSide
    hash: str = ""
    best_bid: str = ""
    best_ask: str = ""


class _Item(msgspec.Struct, gc=False):
    """Every frequent kind in one struct, so that `event_type` may stand anywhere in the object."""

    event_type: str
    market: ConditionId
    timestamp: int
    asset_id: TokenId = TokenId("")
    hash: str = ""
    price_changes: list[_Change] | None = None
    bids: list[_Level] | None = None
    asks: list[_Level] | None = None
    tick_size: str = ""
    last_trade_price: str = ""
    price: str = ""
    size: str = ""
    side: OrderSide = OrderSide.BUY
    transaction_hash: str = ""
    best_bid: str = ""
    best_ask: str = ""


class _Unfit(Exception):
    """The frame needs the tolerant parsers."""


class _Prices(dict[str, int]):
    """Ten-thousandths of a dollar by their spelling. Prices repeat endlessly: ticks allow ten thousand of them."""

    def __missing__(self, text: str) -> int:
        if len(self) >= _PRICES_KEPT:
            self.clear()
        units = self[text] = price_e4(Decimal(text))
        return units


def _size_micro(text: str) -> int:
    """Millionths of a share. Raises ValueError for more than six decimals."""
    whole, _, part = text.partition(".")
    if len(part) <= _SIZE_DECIMALS and whole.isdecimal():
        if not part:
            return int(whole) * MICRO
        if part.isdecimal():
            return int(whole) * MICRO + int(part) * _SCALE[len(part)]
    return size_micro(Decimal(text))


_decoder = msgspec.json.Decoder(list[_Item] | _Item, strict=False)
_prices = _Prices()


def decode_market_frame(frame: str | bytes, received_at: datetime) -> DecodedFrame[MarketEvent]:
    """The events of one frame of the market channel, in their order."""
    try:
        content = _decoder.decode(frame)
        if isinstance(content, list):
            return DecodedFrame([_READERS[item.event_type](item) for item in content])
        return DecodedFrame([_READERS[content.event_type](content)])
    except (msgspec.DecodeError, _Unfit, ArithmeticError, ValueError, KeyError, RecursionError):
        return decode_frame(frame, lambda item: parse_market_event(item, received_at), loses=_changes_a_book)


def _changes_a_book(item: object) -> bool:
    return not isinstance(item, dict) or item.get("event_type") in _BOOK_KINDS


def _timestamp_ms(item: _Item) -> int:
    if item.timestamp not in _MILLISECONDS:
        raise _Unfit
    return item.timestamp


def _price_changes(item: _Item) -> PriceChanges:
    """This is the frame that arrives thousands of times a second. Both outcomes of a market are told one size."""
    if item.price_changes is None or item.timestamp not in _MILLISECONDS:
        raise _Unfit
    prices = _prices
    size_text, size = "0", 0
    rows: list[LevelRow] = []
    for row in item.price_changes:
        if row.size != size_text:
            size_text, size = row.size, _size_micro(row.size)
        best_bid, best_ask = row.best_bid, row.best_ask
        rows.append(
            (
                row.asset_id,
                row.side,
                prices[row.price],
                size,
                row.hash,
                prices[best_bid] if best_bid else None,
                prices[best_ask] if best_ask else None,
            )
        )
    return PriceChanges(item.market, item.timestamp, rows)


def _book(item: _Item) -> BookSnapshot:
    if not item.asset_id:
        raise _Unfit
    return BookSnapshot(
        token_id=item.asset_id,
        condition_id=item.market,
        bid_levels=tuple(sorted(_levels(item.bids), reverse=True)),
        ask_levels=tuple(sorted(_levels(item.asks))),
        timestamp_ms=_timestamp_ms(item),
        hash=item.hash,
        tick=Decimal(item.tick_size) if item.tick_size else None,
        last_trade_price=Decimal(item.last_trade_price) if item.last_trade_price else None,
    )


def _levels(levels: list[_Level] | None) -> list[tuple[int, int]]:
    return [(_prices[level.price], _size_micro(level.size)) for level in levels or ()]


def _last_trade(item: _Item) -> LastTrade:
    if not item.asset_id:
        raise _Unfit
    return LastTrade(
        token_id=item.asset_id,
        condition_id=item.market,
        side=item.side,
        price=Decimal(item.price),
        size=Decimal(item.size),
        timestamp=moment_of(_timestamp_ms(item)),
        transaction_hash=item.transaction_hash,
    )


def _best_bid_ask(item: _Item) -> BestBidAsk:
    """An empty side is sent as a bid of 0 or an ask of 1, which are not prices."""
    if not (item.asset_id and item.best_bid and item.best_ask):
        raise _Unfit
    best_bid, best_ask = Decimal(item.best_bid), Decimal(item.best_ask)
    return BestBidAsk(
        token_id=item.asset_id,
        condition_id=item.market,
        best_bid=best_bid or None,
        best_ask=None if best_ask == 1 else best_ask,
        timestamp=moment_of(_timestamp_ms(item)),
    )


_READERS: dict[str, Callable[[_Item], MarketEvent]] = {
    "book": _book,
    "price_change": _price_changes,
    "last_trade_price": _last_trade,
    "best_bid_ask": _best_bid_ask,
}
