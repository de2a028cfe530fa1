"""A folder of recorded payloads as a catalogue that stands still until somebody trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from ...errors import ConfigurationError
from ...money import from_micro
from ..catalogue import CATALOGUE_FILE, Catalogue, parse_catalogue
from ..units import UNIT, price_decimal
from .files import Unreadable
from .moments import BookMoment
from .recording import read_recording

_Levels = tuple[tuple[Decimal, Decimal], ...]


def load_folder(folder: Path) -> Catalogue:
    """The markets of a folder with the latest book of each that was recorded whole.

    A `catalogue.json` in the bundled form is the whole catalogue; otherwise every payload of the folder is read.
    Raises ConfigurationError that names the file, the line and the reason.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: there is no such folder")
    whole = folder / CATALOGUE_FILE
    if whole.is_file():
        try:
            return parse_catalogue(whole.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise Unreadable(whole, f"not a catalogue: {error!r}") from error
    recording = read_recording([folder])
    books: dict[str, BookMoment] = {}
    for moment in recording.moments:
        if isinstance(moment, BookMoment) and moment.token_id in recording.source_tokens:
            books[moment.condition_id] = moment
    markets = []
    for market in recording.catalogue.markets:
        book = books.get(str(market.gamma["conditionId"]))
        if book is not None and not market.gamma.get("closed"):
            is_first = book.token_id == market.clob["t"][0]["t"]
            bids, asks = (book.bids, book.asks) if is_first else (_mirrored(book.asks), _mirrored(book.bids))
            market = replace(market, bids=_levels(bids, best_is_high=True), asks=_levels(asks, best_is_high=False))
        markets.append(market)
    return replace(recording.catalogue, markets=tuple(markets))


def _mirrored(levels: Mapping[int, int]) -> dict[int, int]:
    return {UNIT - price: size for price, size in levels.items()}


def _levels(levels: Mapping[int, int], *, best_is_high: bool) -> _Levels:
    ordered = sorted(levels.items(), reverse=best_is_high)
    return tuple((price_decimal(price), from_micro(size)) for price, size in ordered)
