"""Recognises what a recorded payload is and takes from it what happened and what it says about markets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any, cast

from ...money import MICRO, to_micro
from ..book import Side
from ..units import UNIT, price_units
from .moments import BlindStretch, BookMoment, LevelMoment, Moment, ResolutionMoment, TickMoment, TradeMoment

_SECONDS_END = 10**11
"""Times below it are seconds, others milliseconds."""


class NotRecognised(ValueError):
    """A payload is none of those that can be replayed, or lacks a field."""


@dataclass(slots=True)
class Recorded:
    """All that was found. `gamma` and `clob` are objects of the two services by condition id, `events` by event id.

    `tokens` are those seen in a market, in the order they were first seen, `outcomes` the labels of some, `whole` the
    markets whose book the recorder knew at the end of the last of its files, `blind` what it told not to have seen.
    """

    moments: list[Moment] = field(default_factory=list)
    gamma: dict[str, dict[str, Any]] = field(default_factory=dict)
    clob: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    event_of: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    blind: list[BlindStretch] = field(default_factory=list)

    def see_token(self, condition_id: str, token_id: str) -> None:
        seen = self.tokens.setdefault(condition_id, [])
        if token_id not in seen:
            seen.append(token_id)


def take(payload: Any, into: Recorded) -> None:
    """Take everything from one payload. Raises NotRecognised with the reason."""
    try:
        _take(payload, into)
    except NotRecognised:
        raise
    except KeyError as error:
        raise NotRecognised(f"the field {error.args[0]!r} is missing") from error
    except (TypeError, ValueError, InvalidOperation, AttributeError) as error:
        raise NotRecognised(f"a field has an unexpected value: {error}") from error


def _take(payload: Any, into: Recorded) -> None:
    if isinstance(payload, list):
        for item in payload:
            _take(item, into)
        return
    if not isinstance(payload, dict):
        raise NotRecognised(f"expected an object or a list, found {type(payload).__name__}")
    for wrapper in ("raw", "events", "markets", "data"):
        inner = payload.get(wrapper)
        if "conditionId" not in payload and "title" not in payload and isinstance(inner, (list, dict)):
            _take(inner, into)
            return
    reader = _READERS.get(str(payload.get("event_type", "")))
    if reader is None:
        reader = next((read for fields, read in _SHAPES if all(name in payload for name in fields)), None)
    if reader is None:
        named = ", ".join(sorted(payload)[:6]) or "no fields"
        raise NotRecognised(f"neither a stream frame nor a payload of the three services: an object with {named}")
    reader(payload, into)


# -- stream frames and books -------------------------------------------------------------------------------------------


def _book(frame: Mapping[str, Any], into: Recorded) -> None:
    condition_id, token_id = str(frame["market"]), str(frame["asset_id"])
    into.see_token(condition_id, token_id)
    at_ms = _ms(frame["timestamp"])
    bids, asks = (_levels(frame[side]) for side in ("bids", "asks"))
    into.moments.append(BookMoment(at_ms, condition_id, token_id, bids, asks))
    terms = {"mts": frame.get("tick_size"), "mos": frame.get("min_order_size"), "nr": frame.get("neg_risk")}
    given = {name: value for name, value in terms.items() if value is not None}
    if given:
        into.clob[condition_id] = {**given, **into.clob.get(condition_id, {})}


def _price_change(frame: Mapping[str, Any], into: Recorded) -> None:
    """In its present form, and the two older ones: a list of changes of one token, and a single change."""
    condition_id = str(frame["market"])
    changes: Iterable[Mapping[str, Any]] = frame.get("price_changes") or frame.get("changes") or [frame]
    rows = []
    for change in changes:
        token_id = str(change.get("asset_id") or frame["asset_id"])
        into.see_token(condition_id, token_id)
        rows.append((token_id, _side(change["side"]), _price(change["price"]), _size(change["size"])))
    into.moments.append(LevelMoment(_ms(frame["timestamp"]), condition_id, tuple(rows)))


def _last_trade(frame: Mapping[str, Any], into: Recorded) -> None:
    _trade(frame, into, condition_id=frame["market"], token_id=frame["asset_id"])


def _trade(row: Mapping[str, Any], into: Recorded, *, condition_id: Any, token_id: Any) -> None:
    into.see_token(str(condition_id), str(token_id))
    into.moments.append(
        TradeMoment(
            _ms(row["timestamp"]),
            str(condition_id),
            str(token_id),
            _side(row["side"]),
            _traded_price(row["price"], _side(row["side"])),
            int(Decimal(str(row["size"])) * MICRO),
            str(row.get("transaction_hash") or row.get("transactionHash") or ""),
        )
    )


def _tick_change(frame: Mapping[str, Any], into: Recorded) -> None:
    into.moments.append(TickMoment(_ms(frame["timestamp"]), str(frame["market"]), _price(frame["new_tick_size"])))


def _announced(frame: Mapping[str, Any], into: Recorded) -> None:
    condition_id = str(frame["market"])
    outcomes = frame.get("outcomes") or []
    for index, token_id in enumerate(frame.get("assets_ids") or frame.get("asset_ids") or []):
        into.see_token(condition_id, str(token_id))
        if index < len(outcomes):
            into.outcomes[str(token_id)] = str(outcomes[index])


def _resolved(frame: Mapping[str, Any], into: Recorded) -> None:
    _announced(frame, into)
    winner = str(frame.get("winning_asset_id") or "") or None
    into.moments.append(ResolutionMoment(_ms(frame["timestamp"]), str(frame["market"]), winner))


def _nothing(_: Mapping[str, Any], __: Recorded) -> None:
    """The frame says nothing that the books do not."""


# -- payloads of the services ------------------------------------------------------------------------------------------


def _gamma_event(event: Mapping[str, Any], into: Recorded) -> None:
    head = {name: value for name, value in event.items() if name != "markets"}
    into.events[str(event["id"])] = head
    for market in event["markets"] or []:
        _gamma_market(market, into)
        into.event_of[str(market["conditionId"])] = str(event["id"])


def _gamma_market(market: Mapping[str, Any], into: Recorded) -> None:
    condition_id = str(market["conditionId"])
    kept = {name: value for name, value in market.items() if name != "events"}
    for name in ("outcomes", "outcomePrices", "clobTokenIds"):
        value = kept.get(name)
        if isinstance(value, list):
            kept[name] = json.dumps([str(each) for each in value])
    tokens = json.loads(kept["clobTokenIds"])
    if len(tokens) != 2 or len(json.loads(kept["outcomes"])) != 2:
        raise NotRecognised(f"market {market.get('slug')} has not two outcomes with a token each")
    into.gamma[condition_id] = kept
    for event in market.get("events") or []:
        head = {name: value for name, value in event.items() if name != "markets"}
        into.events.setdefault(str(event["id"]), head)
        into.event_of[condition_id] = str(event["id"])


def _compact_market(market: Mapping[str, Any], into: Recorded) -> None:
    condition_id = str(market["c"])
    into.clob[condition_id] = {**into.clob.get(condition_id, {}), **market}
    for token in market["t"]:
        _label(into, condition_id, str(token["t"]), token.get("o"))


def _listed_market(market: Mapping[str, Any], into: Recorded) -> None:
    """The long form of the order book service, whose tokens name the winner once there is one."""
    condition_id = str(market["condition_id"])
    for token in market["tokens"]:
        _label(into, condition_id, str(token["token_id"]), token.get("outcome"))
    terms = {"mts": market.get("minimum_tick_size"), "mos": market.get("minimum_order_size")}
    given = {name: value for name, value in terms.items() if value is not None}
    into.clob[condition_id] = {**given, "nr": bool(market.get("neg_risk")), **into.clob.get(condition_id, {})}


def _trade_row(row: Mapping[str, Any], into: Recorded) -> None:
    condition_id = row.get("condition_id") or row["conditionId"]
    token_id = row.get("token_id") or row["asset"]
    _trade(row, into, condition_id=condition_id, token_id=token_id)
    _label(into, str(condition_id), str(token_id), row.get("outcome"))


def _label(into: Recorded, condition_id: str, token_id: str, label: Any) -> None:
    into.see_token(condition_id, token_id)
    if label:
        into.outcomes[token_id] = str(label)


_READERS = {
    "book": _book,
    "price_change": _price_change,
    "last_trade_price": _last_trade,
    "tick_size_change": _tick_change,
    "best_bid_ask": _nothing,
    "new_market": _announced,
    "market_resolved": _resolved,
}
_SHAPES = (
    (("bids", "asks", "asset_id", "market"), _book),
    (("clobTokenIds", "conditionId"), _gamma_market),
    (("markets", "slug", "title"), _gamma_event),
    (("t", "c", "mts"), _compact_market),
    (("condition_id", "tokens"), _listed_market),
    (("side", "price", "size", "timestamp", "condition_id"), _trade_row),
    (("side", "price", "size", "timestamp", "conditionId"), _trade_row),
)


# -- fields ------------------------------------------------------------------------------------------------------------


def _levels(rows: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    levels = {_price(row["price"]): _size(row["size"]) for row in rows}
    return {price: size for price, size in levels.items() if size}


def _price(value: Any) -> int:
    return price_units(Decimal(str(value)))


def _traded_price(value: Any, side: Side) -> int:
    """A trade at several prices is told with their average, which is rounded towards the price it began at."""
    rounding = ROUND_CEILING if side == "SELL" else ROUND_FLOOR
    return int((Decimal(str(value)) * UNIT).to_integral_value(rounding))


def _size(value: Any) -> int:
    return to_micro(Decimal(str(value)))


def _side(value: Any) -> Side:
    if value not in ("BUY", "SELL"):
        raise NotRecognised(f"{value!r} is neither BUY nor SELL")
    return cast(Side, value)


def _ms(value: Any) -> int:
    at = int(value)
    return at * 1000 if at < _SECONDS_END else at
