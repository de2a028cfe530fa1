"""Prices over time: histories of several tokens, candles, and the Data API's own series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import AliasChoices, Field

from ...errors import UnexpectedPayload
from ...identifiers import TokenId
from ...models import Candle, PriceHistory, PricePoint
from .data_api import DataPage, next_data_cursor
from .fields import Moment, OptionalNumber, Shape, items_of, member, read_list, read_shape
from .market_data import parse_price_history


class CandleShape(Shape):
    """Names in either spelling: no source shows an answer, so every likely one is read."""

    at: Moment = Field(validation_alias=AliasChoices("t", "timestamp", "time"))
    open: Decimal = Field(validation_alias=AliasChoices("o", "open"))
    high: Decimal = Field(validation_alias=AliasChoices("h", "high"))
    low: Decimal = Field(validation_alias=AliasChoices("l", "low"))
    close: Decimal = Field(validation_alias=AliasChoices("c", "close"))
    volume: OptionalNumber = Field(default=None, validation_alias=AliasChoices("v", "volume"))


class DataPricePointShape(Shape):
    timestamp: Moment
    price: Decimal


_CANDLE_KEYS = ("t", "o", "h", "l", "c", "v")
_CANDLE_LISTS = ("data", "history", "candles", "ohlc")


def parse_candles(payload: Any, _: datetime) -> tuple[Candle, ...]:
    """Candles oldest first, from a bare list or one under a key, each an object or a row of numbers in that order."""
    rows, where = payload, ""
    if isinstance(payload, dict):
        where = next((key for key in _CANDLE_LISTS if key in payload), "data")
        rows = member(payload, where)
    candles = [_candle(row, at) for row, at in items_of(rows, at=where)]
    return tuple(sorted(candles, key=lambda candle: candle.at))


def parse_price_histories(
    payload: Any, fetched_at: datetime, *, token_ids: Sequence[TokenId]
) -> dict[TokenId, PriceHistory]:
    """`{"history": {token: points}}`; a token without points has an empty history."""
    by_token = member(payload, "history")
    if not isinstance(by_token, Mapping):
        raise UnexpectedPayload("history: expected an object keyed by token", path="history")
    return {token_id: _history_of(by_token.get(token_id), fetched_at, token_id) for token_id in token_ids}


def parse_data_price_history(payload: Any, _: datetime) -> DataPage[PricePoint]:
    shapes = read_list(DataPricePointShape, member(payload, "data"), at="data")
    points = tuple(PricePoint(shape.timestamp, shape.price) for shape in shapes if shape.timestamp is not None)
    return DataPage(points, next_data_cursor(payload))


def _history_of(points: Any, fetched_at: datetime, token_id: TokenId) -> PriceHistory:
    try:
        return parse_price_history({"history": points}, fetched_at, token_id=token_id)
    except UnexpectedPayload as error:
        tail = error.path.removeprefix("history").lstrip(".")
        raise UnexpectedPayload(error.message, path=".".join(filter(None, ("history", token_id, tail)))) from error


def _candle(row: object, where: str) -> Candle:
    if isinstance(row, list):
        row = dict(zip(_CANDLE_KEYS, row, strict=False))
    shape = read_shape(CandleShape, row, at=where)
    if shape.at is None:
        raise UnexpectedPayload(f"{where}: a candle without a time", path=where)
    return Candle(shape.at, shape.open, shape.high, shape.low, shape.close, shape.volume)
