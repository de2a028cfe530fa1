"""The bundled catalogue: what belongs together joins, and the builder still makes the same file."""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from polydesk.core.exchange.catalogue import Catalogue, RecordedMarket, load_catalogue
from polydesk.core.money import FeeSchedule, on_tick

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_catalogue", _ROOT / "tools" / "build_catalogue.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def open_markets(catalogue: Catalogue) -> list[RecordedMarket]:
    return [market for market in catalogue.markets if not market.gamma["closed"]]


def test_it_starts_when_the_last_fed_book_changed(catalogue: Catalogue) -> None:
    assert catalogue.starts_at == datetime.fromisoformat("2026-05-17T06:06:13.345Z")


def test_every_market_belongs_to_an_event_that_is_listed_without_its_markets(catalogue: Catalogue) -> None:
    ids = [event["id"] for event in catalogue.events]
    assert len(set(ids)) == len(ids)
    assert {market.event_id for market in catalogue.markets} == set(ids)
    assert all("markets" not in event for event in catalogue.events)


def test_catalogue_object_and_compact_object_name_the_same_tokens(catalogue: Catalogue) -> None:
    seen: set[str] = set()
    for market in catalogue.markets:
        tokens = json.loads(market.gamma["clobTokenIds"])
        assert market.clob["c"] == market.gamma["conditionId"]
        assert [entry["t"] for entry in market.clob["t"]] == tokens
        assert [entry["o"] for entry in market.clob["t"]] == json.loads(market.gamma["outcomes"])
        assert all(0 < int(token) < 2**256 for token in tokens)
        seen.update(tokens)
    assert len(seen) == 2 * len(catalogue.markets)


def test_open_books_are_best_first_uncrossed_and_on_tick(catalogue: Catalogue) -> None:
    assert len(open_markets(catalogue)) == 8
    for market in open_markets(catalogue):
        bids, asks = [p for p, _ in market.bids], [p for p, _ in market.asks]
        assert bids == sorted(set(bids), reverse=True) and asks == sorted(set(asks))
        assert bids[0] < asks[0]
        tick = Decimal(str(market.clob["mts"]))
        assert all(on_tick(price, tick) for price in bids + asks)
        assert all(size > 0 for _, size in market.bids + market.asks)
        assert Decimal(str(market.gamma["bestBid"])) == bids[0]
        assert Decimal(str(market.gamma["bestAsk"])) == asks[0]


def test_midpoints_of_the_open_fed_event_sum_to_about_one(catalogue: Catalogue) -> None:
    fed = [market for market in open_markets(catalogue) if market.gamma["negRisk"]]
    assert len(fed) == 5
    assert sum((m.bids[0][0] + m.asks[0][0]) / 2 for m in fed) == Decimal("1.0015")


def test_closed_markets_have_no_book_and_one_winner(catalogue: Catalogue) -> None:
    closed = [market for market in catalogue.markets if market.gamma["closed"]]
    assert len(closed) == 4
    assert all(market.bids == market.asks == () and not market.clob["ao"] for market in closed)
    assert [json.loads(market.gamma["outcomePrices"])[0] for market in closed].count("1") == 1


def test_histories_are_ordered_inside_the_unit_interval_and_never_run_ahead(catalogue: Catalogue) -> None:
    now = int(catalogue.starts_at.timestamp())
    for market in catalogue.markets:
        moments = [moment for moment, _ in market.history]
        assert moments == sorted(set(moments)) and moments[-1] <= now
        assert all(0 < price < 1 for _, price in market.history)
    for market in open_markets(catalogue):
        assert market.history[-1] == (now, (market.bids[0][0] + market.asks[0][0]) / 2)


def test_open_markets_end_in_the_sandbox_s_future(catalogue: Catalogue) -> None:
    assert all(datetime.fromisoformat(m.gamma["endDate"]) > catalogue.starts_at for m in open_markets(catalogue))


def test_bitcoin_markets_charge_crypto_fees(catalogue: Catalogue) -> None:
    bitcoin = [market for market in catalogue.markets if market.gamma["slug"].startswith("btc-updown-15m")]
    assert len(bitcoin) == 3
    for market in bitcoin:
        schedule = market.gamma["feeSchedule"]
        fees = FeeSchedule(rate=Decimal(str(schedule["rate"])), exponent=schedule["exponent"])
        assert fees.taker_fee(Decimal(100), Decimal("0.5")) == Decimal("1.75")
        assert market.clob["fd"] == {"r": 0.07, "e": 1, "to": True}
        assert "nr" not in market.clob


def test_headlines_are_official_and_older_than_the_sandbox(catalogue: Catalogue) -> None:
    assert len(catalogue.headlines) == 4
    for headline in catalogue.headlines:
        assert headline["url"].startswith("https://www.federalreserve.gov/newsevents/pressreleases/monetary")
        assert datetime.fromisoformat(headline["published"]) < catalogue.starts_at


def test_derived_compact_objects_agree_with_recorded_ones(catalogue: Catalogue, builder: ModuleType) -> None:
    not_in_the_catalogue_object = {"r", "cbos", "ibce"}
    for market in open_markets(catalogue):
        if market.gamma["negRisk"]:
            recorded = {k: v for k, v in market.clob.items() if k not in not_in_the_catalogue_object}
            assert builder.compact_market(market.gamma) == recorded


def test_the_bundled_file_is_what_the_builder_makes(shared_data: Path, builder: ModuleType) -> None:
    pytest.importorskip("pyarrow")
    bundled = _ROOT / "core" / "exchange" / "recordings" / "catalogue.json"
    assert builder.render(builder.build(shared_data)) == bundled.read_text(encoding="utf-8")


def test_the_builder_refuses_a_crossed_book(builder: ModuleType) -> None:
    level = {"price": "0.5", "size": "10"}
    with pytest.raises(ValueError, match="crossed"):
        builder._best_first({"bids": [level], "asks": [level]})
