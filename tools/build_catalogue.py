"""Builds core/exchange/recordings/catalogue.json from the recordings in ../shared/data.

Run it from the repository root: `python tools/build_catalogue.py [DATA_FOLDER]`. It needs pyarrow. Only sources
whose licence allows copying are read; NOTICE names them. The result is the same for the same recordings.

Recorded as they are: the two Federal Reserve events, their markets, order books and compact market objects, and
the order books, names, ids and times of the Bitcoin markets. Derived, because the sources do not hold it:

* Price history of the Fed markets: the object's midpoint, and that midpoint less its one-day, one-week and
  one-month change. A change that the object leaves out gives no point. A month counts as thirty days. In the
  resolved markets the changes stopped with trading, so they count back from the closing time.
* Bitcoin markets: token ids, question ids and Gamma ids were not recorded. Token and question ids are SHA-256
  hashes of the condition id; the Gamma ids are the unix time at which the market's window begins. Volume is 0
  and liquidity is the collateral behind the recorded levels. Their fees are those of the venue's crypto schedule.
  The books were recorded after the sandbox's first moment, so their history is moved back by whole seconds until
  it ends there; the end date stays as recorded.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_TARGET = _ROOT / "core" / "exchange" / "recordings" / "catalogue.json"

_CHANGES = (("oneMonthPriceChange", 30), ("oneWeekPriceChange", 7), ("oneDayPriceChange", 1))
_CRYPTO_FEES = {"exponent": 1, "rate": 0.07, "takerOnly": True, "rebateRate": 0.2}
_BITCOIN_MARKETS = 3
_MID_WINDOW_MS = 450_000
_MAX_DISTANCE_MS = 150_000
_HISTORY_STEP_MS = 10_000
_HEADLINES = (
    "monetary20260128a.htm",
    "monetary20260128b.htm",
    "monetary20260218a.htm",
    "monetary20260224a.htm",
)

Json = dict[str, Any]
Level = tuple[Decimal, Decimal]


def build(data: Path) -> Json:
    """The catalogue document. Raises ValueError where recordings that should belong together do not."""
    books = {book["asset_id"]: book for book in _read(data, "wire/clob/books_fed_june_10tokens_2026-05-17.json")}
    starts_at = max(_from_ms(int(book["timestamp"])) for book in books.values())

    open_event = _read(data, "wire/gamma/event_negrisk_fed_decision_june_2026-05-17.json")
    compact = {item["c"]: item for item in _read(data, "wire/clob/clob_markets_compact_v2_fed_june_2026-05-17.json")}
    events = [_without_markets(open_event)]
    markets = [_open_fed_market(gamma, open_event["id"], compact, books, starts_at) for gamma in open_event["markets"]]

    found = _read(data, "wire/gamma/public_search_fed_2026-05-17.json")["events"]
    answered_at = max(datetime.fromisoformat(event["updatedAt"]) for event in found)
    for event in found:
        if event["closed"]:
            events.append(_without_markets(event))
            markets += [_closed_fed_market(gamma, event["id"], answered_at) for gamma in event["markets"]]

    for event, market in _bitcoin_markets(data / "l2" / "btc_updown_15m_2026-09-28", starts_at):
        events.append(event)
        markets.append(market)

    _check_unique(markets)
    headlines = _fed_headlines(data / "news" / "central_bank_releases_to_2026-03-06.csv.gz")
    return {"starts_at": _iso(starts_at), "events": events, "markets": markets, "headlines": headlines}


def compact_market(gamma: Mapping[str, Any]) -> Json:
    """The order book service's compact object of a market, from its catalogue object."""
    tokens = json.loads(gamma["clobTokenIds"])
    compact: Json = {
        "t": [{"t": token, "o": label} for token, label in zip(tokens, json.loads(gamma["outcomes"]), strict=True)],
        "c": gamma["conditionId"],
        "mos": gamma["orderMinSize"],
        "mts": gamma["orderPriceMinTickSize"],
        "ao": gamma["acceptingOrders"],
        "aot": gamma["acceptingOrdersTimestamp"],
    }
    if gamma.get("negRisk"):
        compact["nr"] = True
    if "takerBaseFee" in gamma:
        compact |= {"mbf": gamma["makerBaseFee"], "tbf": gamma["takerBaseFee"]}
    if schedule := gamma.get("feeSchedule"):
        compact["fd"] = {"r": schedule["rate"], "e": schedule["exponent"], "to": schedule["takerOnly"]}
    return compact


def render(document: Mapping[str, Any]) -> str:
    """JSON with one line per event, market and headline, so that a change shows in a diff."""
    parts = [f'"starts_at": {json.dumps(document["starts_at"])}']
    for name in ("events", "markets", "headlines"):
        lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in document[name])
        parts.append(f'"{name}": [\n{lines}\n]')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _open_fed_market(
    gamma: Json, event_id: str, compact: Mapping[str, Json], books: Mapping[str, Json], starts_at: datetime
) -> Json:
    yes, no = (books[token] for token in json.loads(gamma["clobTokenIds"]))
    clob = compact[gamma["conditionId"]]
    bids, asks = _best_first(yes)
    if not yes["market"] == no["market"] == gamma["conditionId"]:
        raise ValueError(f"the books of {gamma['id']} belong to another market")
    if [entry["t"] for entry in clob["t"]] != [yes["asset_id"], no["asset_id"]]:
        raise ValueError(f"the compact object of {gamma['id']} names other tokens")
    if _best_first(no) != (_mirrored(asks), _mirrored(bids)):
        raise ValueError(f"the two books of {gamma['id']} do not mirror each other")
    midpoint = (bids[0][0] + asks[0][0]) / 2
    return {
        "gamma": gamma,
        "event_id": event_id,
        "clob": clob,
        "bids": _text_levels(bids),
        "asks": _text_levels(asks),
        "last_trade_price": yes["last_trade_price"],
        "history": _anchors(gamma, midpoint, starts_at),
        "recorded_at": _iso(_from_ms(int(yes["timestamp"]))),
    }


def _closed_fed_market(gamma: Json, event_id: str, recorded_at: datetime) -> Json:
    bid, ask = (Decimal(str(gamma.get(side, 0))) for side in ("bestBid", "bestAsk"))
    closed_at = datetime.fromisoformat(gamma["closedTime"])
    return {
        "gamma": gamma,
        "event_id": event_id,
        "clob": compact_market(gamma),
        "bids": [],
        "asks": [],
        "last_trade_price": None,
        "history": _anchors(gamma, (bid + ask) / 2, closed_at),
        "recorded_at": _iso(recorded_at),
    }


def _anchors(gamma: Mapping[str, Any], price: Decimal, at: datetime) -> list[list[Any]]:
    """The price at `at` and as far back as the object's own changes reach."""
    points = [
        (int((at - timedelta(days=days)).timestamp()), price - Decimal(str(gamma[name])))
        for name, days in _CHANGES
        if gamma.get(name) is not None
    ]
    points.append((int(at.timestamp()), price))
    if not all(0 < point < 1 for _, point in points):
        raise ValueError(f"the price changes of {gamma['id']} lead out of (0, 1)")
    return [[moment, _text(point)] for moment, point in points]


def _bitcoin_markets(folder: Path, starts_at: datetime) -> Iterable[tuple[Json, Json]]:
    """Event and market of the recorded windows that stood nearest to undecided at half time."""
    import pyarrow.parquet

    rows: dict[str, list[Json]] = {}
    table = pyarrow.parquet.read_table(folder / "books.parquet", filters=[("side", "=", "UP")])
    for row in sorted(table.to_pylist(), key=lambda row: row["ts"]):
        if row["bid_px"] and row["ask_px"]:
            rows.setdefault(row["market_id"], []).append(row)
    with gzip.open(folder / "markets.csv.gz", "rt", encoding="utf-8") as stream:
        listed = list(csv.DictReader(stream))

    candidates = []
    for market in listed:
        half_time = int(market["start_ts"]) + _MID_WINDOW_MS
        near = [
            (abs(row["ts"] - half_time), index)
            for index, row in enumerate(rows[market["market_id"]])
            if Decimal("0.3") <= _midpoint(row) <= Decimal("0.7") and abs(row["ts"] - half_time) <= _MAX_DISTANCE_MS
        ]
        if near:
            candidates.append((*min(near), market))
    chosen = sorted(candidates, key=lambda candidate: candidate[0])[:_BITCOIN_MARKETS]
    for _, index, market in sorted(chosen, key=lambda candidate: candidate[2]["start_ts"]):
        recorded = rows[market["market_id"]][: index + 1]
        yield _bitcoin_market(market, recorded, starts_at)


def _bitcoin_market(listed: Mapping[str, str], rows: Sequence[Json], starts_at: datetime) -> tuple[Json, Json]:
    snapshot = rows[-1]
    bids, asks = (_recorded_levels(snapshot, side) for side in ("bid", "ask"))
    _check_book(bids, asks)
    shift_s = int(starts_at.timestamp()) - snapshot["ts"] // 1000
    history = [[row["ts"] // 1000 + shift_s, _text(_midpoint(row))] for row in _every_step(rows)]
    opened = _iso(datetime.fromtimestamp(history[0][0], UTC))
    midpoint = _midpoint(snapshot)
    window_start, window_end = (_from_ms(int(listed[name])) for name in ("start_ts", "end_ts"))
    identity = str(int(window_start.timestamp()))
    liquidity = _text(_collateral(bids) + _collateral(_mirrored(asks)))
    gamma: Json = {
        "id": identity,
        "question": listed["question"],
        "conditionId": listed["market_id"],
        "slug": listed["slug"],
        "description": (
            'Resolves to "Up" if the Bitcoin price at the end of the fifteen minutes in the title is at or above '
            'its price at their beginning, else to "Down".'
        ),
        "outcomes": json.dumps([listed["outcome_up"], listed["outcome_down"]]),
        "outcomePrices": json.dumps([_text(midpoint), _text(1 - midpoint)]),
        "clobTokenIds": json.dumps([_derived_token(listed["market_id"], index) for index in (0, 1)]),
        "questionID": f"0x{_hash(listed['market_id'], 'question')}",
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "acceptingOrdersTimestamp": opened,
        "enableOrderBook": True,
        "negRisk": False,
        "startDate": opened,
        "eventStartTime": _iso(window_start),
        "endDate": _iso(window_end),
        "createdAt": opened,
        "updatedAt": _iso(starts_at),
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "bestBid": float(bids[0][0]),
        "bestAsk": float(asks[0][0]),
        "spread": float(asks[0][0] - bids[0][0]),
        "volume": "0",
        "volumeNum": 0,
        "volume24hr": 0,
        "liquidity": liquidity,
        "liquidityNum": float(liquidity),
        "makerBaseFee": 1000,
        "takerBaseFee": 1000,
        "feesEnabled": True,
        "feeType": "crypto_fees_v2",
        "feeSchedule": _CRYPTO_FEES,
        "umaResolutionStatuses": "[]",
    }
    event = {
        **{key: gamma[key] for key in ("id", "slug", "description", "startDate", "endDate", "createdAt", "updatedAt")},
        "ticker": listed["slug"],
        "title": listed["question"],
        **{key: gamma[key] for key in ("active", "closed", "archived", "enableOrderBook", "negRisk")},
        "liquidity": gamma["liquidityNum"],
        "volume": 0,
        "volume24hr": 0,
        "tags": [],
    }
    market = {
        "gamma": gamma,
        "event_id": identity,
        "clob": compact_market(gamma),
        "bids": _text_levels(bids),
        "asks": _text_levels(asks),
        "last_trade_price": None,
        "history": history,
        "recorded_at": _iso(_from_ms(snapshot["ts"])),
    }
    return event, market


def _every_step(rows: Sequence[Json]) -> list[Json]:
    """One row per history step, counted back from the last."""
    kept = [rows[-1]]
    for row in reversed(rows):
        if kept[-1]["ts"] - row["ts"] >= _HISTORY_STEP_MS:
            kept.append(row)
    return kept[::-1]


def _fed_headlines(path: Path) -> list[Json]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        releases = {row["url"].rsplit("/", 1)[-1]: row for row in csv.DictReader(stream)}
    return [
        {
            "title": releases[name]["title"],
            "source": "Federal Reserve Board",
            "url": releases[name]["url"],
            "published": _iso(datetime.fromisoformat(releases[name]["published_at"])),
        }
        for name in _HEADLINES
    ]


def _best_first(book: Mapping[str, Any]) -> tuple[list[Level], list[Level]]:
    """Bids and asks of a book as the venue sends it, worst level first."""
    bids, asks = (
        [(Decimal(level["price"]), Decimal(level["size"])) for level in reversed(book[side])]
        for side in ("bids", "asks")
    )
    _check_book(bids, asks)
    return bids, asks


def _check_book(bids: Sequence[Level], asks: Sequence[Level]) -> None:
    ordered = list(bids) == sorted(bids, reverse=True) and list(asks) == sorted(asks)
    if not ordered or not bids or not asks or bids[0][0] >= asks[0][0]:
        raise ValueError("a book is crossed, one-sided or out of order")


def _check_unique(markets: Sequence[Json]) -> None:
    tokens = [token for market in markets for token in json.loads(market["gamma"]["clobTokenIds"])]
    for ids in (tokens, [market["gamma"]["conditionId"] for market in markets]):
        if len(set(ids)) != len(ids):
            raise ValueError("two markets share an id")


def _collateral(levels: Iterable[Level]) -> Decimal:
    return sum((price * size for price, size in levels), Decimal(0))


def _mirrored(levels: Sequence[Level]) -> list[Level]:
    return [(1 - price, size) for price, size in levels]


def _recorded_levels(row: Mapping[str, Any], side: str) -> list[Level]:
    prices, sizes = row[f"{side}_px"], row[f"{side}_sz"]
    return [(Decimal(str(price)), Decimal(str(size))) for price, size in zip(prices, sizes, strict=True)]


def _midpoint(row: Mapping[str, Any]) -> Decimal:
    return (Decimal(str(row["bid_px"][0])) + Decimal(str(row["ask_px"][0]))) / 2


def _derived_token(condition_id: str, index: int) -> str:
    return str(int(_hash(condition_id, f"token {index}"), 16))


def _hash(condition_id: str, name: str) -> str:
    return hashlib.sha256(f"{condition_id} {name}".encode()).hexdigest()


def _without_markets(event: Mapping[str, Any]) -> Json:
    return {key: value for key, value in event.items() if key != "markets"}


def _text_levels(levels: Iterable[Level]) -> list[list[str]]:
    return [[_text(price), _text(size)] for price, size in levels]


def _text(value: Decimal) -> str:
    return format(value.normalize(), "f")


def _from_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read(data: Path, name: str) -> Any:
    return json.loads((data / name).read_text(encoding="utf-8"))


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT.parent / "shared" / "data"
    _TARGET.write_text(render(build(data)), encoding="utf-8")
    print(f"{_TARGET}: {_TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
