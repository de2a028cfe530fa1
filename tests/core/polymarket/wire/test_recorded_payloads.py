"""Every recorded payload of the routes we use can be read; one test per file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import Event, Market, OrderBook
from polydesk.core.money import FeeSchedule, from_micro
from polydesk.core.polymarket.rejections import order_error
from polydesk.core.polymarket.wire import (
    catalogue,
    data_api,
    data_api_v1,
    data_statistics,
    market_data,
    orders,
    price_series,
    trades,
)
from polydesk.core.polymarket.wire.account import parse_account_balance, parse_token_balance
from polydesk.core.polymarket.wire.fields import decode_json, number_at
from polydesk.core.polymarket.wire.stream_frames import parse_market_event, parse_user_event
from polydesk.core.polymarket.wire_check import check_file
from polydesk.core.polymarket.wire_kinds import KINDS

NOW = datetime(2026, 11, 1, tzinfo=UTC)

Reader = Callable[[Any], object]


def _each(read: Callable[[Any, datetime], object]) -> Reader:
    """Reads a list of payloads, or the one payload that is not in a list."""
    return lambda payload: [read(item, NOW) for item in (payload if isinstance(payload, list) else [payload])]


def _one(read: Callable[[Any, datetime], object]) -> Reader:
    return lambda payload: [read(payload, NOW)]


def _price_history_of_both_outcomes(payload: Any) -> list[object]:
    return [
        market_data.parse_price_history({"history": row[outcome]}, NOW, token_id=TokenId("1"))
        for row in payload
        for outcome in ("up", "down")
    ]


def _resolved_with_metadata(payload: Any) -> list[object]:
    return [catalogue.parse_market(row["raw"], NOW) for row in payload]


def _values(payload: Any) -> list[object]:
    """Two answers in one file."""
    interest = data_statistics.parse_open_interest({"data": payload["oi"]}, NOW)
    assert interest[ConditionId(data_statistics.GLOBAL)] > 0
    return [data_api.parse_value({"data": payload["value"]}, NOW), interest]


def _rows(read: Callable[[Any, datetime], tuple[object, ...]]) -> Reader:
    return lambda payload: list(read(payload, NOW))


def _page(read: Callable[[Any, datetime], data_api.DataPage[Any]]) -> Reader:
    return lambda payload: list(read(payload, NOW).items)


def _number(key: str) -> Reader:
    return lambda payload: [number_at(payload, key)]


def _refusals(payload: Any) -> list[object]:
    """Bodies of refusals, quoted ones without a body left out."""
    bodies = payload if isinstance(payload, list) else [payload]
    texts = [(body or {}).get("error") or (body or {}).get("errorMsg") for body in bodies]
    return [order_error(text) for text in texts if text]


def _charged_as_recorded(fill: Any) -> Decimal:
    """A fill on chain: what was charged is what the schedule says. The collateral is the smaller amount."""
    shares = from_micro(max(int(fill["maker_amount_filled"]), int(fill["taker_amount_filled"])))
    fee = FeeSchedule(rate=Decimal(fill["fee_rate"])).taker_fee(shares, Decimal(fill["price"]))
    assert fee == from_micro(int(fill["fee"]))
    return fee


_market = _each(catalogue.parse_market)
_event = _each(catalogue.parse_event)
_listed = _each(market_data.parse_listed_market)
_book = _each(market_data.parse_book)
_frame = _each(parse_market_event)
_user_frame = _each(partial(parse_user_event, owners={"0xa3d82ed56f4c68d2328fb8c29e568ba2caf7d7c8"}))
_clob_market = _each(partial(market_data.parse_clob_market, condition_id=ConditionId("")))
_history = _one(partial(market_data.parse_price_history, token_id=TokenId("1")))
_trade = _one(partial(trades.parse_trade, owners=()))
_trades = _one(partial(trades.parse_trade_page, owners=()))
_order = _one(orders.parse_open_order)
_cancel = _one(orders.parse_cancel)
_placed = _one(orders.parse_placement)

READERS: dict[str, Reader] = {
    "gamma/event_negrisk_fed_decision_june_2026-05-17.json": _event,
    "gamma/events_2026-03-11.json": _event,
    "gamma/events_date_ladder_kraken_ipo_2026-07-25.json": _event,
    "gamma/market_2026-03-11.json": _market,
    "gamma/market_btc_updown_5m_twap_2026-08-22.json": _market,
    "gamma/market_closed_accepting_false_2026-03-20.json": _market,
    "gamma/market_closed_nonbinary_legacy_2024.json": _market,
    "gamma/market_newsom_2028_negrisk_politics_fees_2026-06-14.json": _market,
    "gamma/market_resolved_nhl_sports_fee_2026-07-10.json": _market,
    "gamma/market_search_btc5m_2026-03-22.json": _market,
    "gamma/market_sports_moneyline_2026-04-06.json": _market,
    "gamma/markets_feefree_and_fed_july_2026-07-25.json": _market,
    "gamma/markets_general_fees_2026-06-21.json": _market,
    "gamma/markets_legacy_2020_amm_refetched_2026-02-14.json": _market,
    "gamma/btc_updown_5m_markets_resolved_2026-07-24_am.jsonl.gz": _resolved_with_metadata,
    "gamma/public_search_btc5m_trimmed_2026-03-22.json": _one(catalogue.parse_search_page),
    "gamma/public_search_fed_2026-05-17.json": _one(catalogue.parse_search_page),
    "gamma/tags_2026-03-09.json": _one(catalogue.parse_tags),
    "clob/book_2026-07-25.json": _book,
    "clob/book_btc5m_2026-03-22.json": _book,
    "clob/book_empty_asks_2026-08-03.json": _book,
    "clob/books_fed_june_10tokens_2026-05-17.json": _book,
    "clob/clob_markets_compact_v2_fed_june_2026-05-17.json": _clob_market,
    "clob/last_trade_price_2026-03-22.json": _one(market_data.parse_last_trade_price),
    "clob/market_closed_accepting_false.json": _listed,
    "clob/markets_btc_updown_15m_closed_2026-01_a.json.gz": _listed,
    "clob/markets_google_search_2025_closed.json.gz": _listed,
    "clob/markets_page_100_2024.json": _one(market_data.parse_listing_page),
    "clob/price_history_2026-03-22.json": _history,
    "clob/prices_history_btc_updown_15m_2026-01.jsonl.gz": _price_history_of_both_outcomes,
    "clob_auth_shapes_synthetic_values/data_trades_page_docs_2026.json": _trades,
    "clob_auth_shapes_synthetic_values/http_balance_allowance_collateral.json": _one(
        partial(parse_account_balance, spenders=())
    ),
    "clob_auth_shapes_synthetic_values/http_balance_allowance_no_allowance.json": _one(parse_token_balance),
    "clob_auth_shapes_synthetic_values/http_batch_cancel_response.json": _cancel,
    "clob_auth_shapes_synthetic_values/http_cancel_response_failed.json": _cancel,
    "clob_auth_shapes_synthetic_values/http_cancel_response_ok.json": _cancel,
    "clob_auth_shapes_synthetic_values/http_open_order.json": _order,
    "clob_auth_shapes_synthetic_values/http_open_order_sell_fok.json": _order,
    "clob_auth_shapes_synthetic_values/http_open_orders_page.json": _one(orders.parse_open_order_page),
    "clob_auth_shapes_synthetic_values/http_order_response_failed.json": _placed,
    "clob_auth_shapes_synthetic_values/http_order_response_ok.json": _placed,
    "clob_auth_shapes_synthetic_values/http_trade_report.json": _trade,
    "clob_auth_shapes_synthetic_values/http_trades_page.json": _trades,
    "clob_auth_shapes_synthetic_values/market_sanitized_2026-08-08_nautilus.json": _listed,
    "clob_auth_shapes_synthetic_values/post_order_response_async_exec_nautilus.json": _placed,
    "clob_auth_shapes_synthetic_values/post_order_response_matched_docs_2026.json": _placed,
    "clob_auth_shapes_synthetic_values/post_order_response_matched_real_2025-12.json": _placed,
    "clob_auth_shapes_synthetic_values/post_orders_batch_response_nautilus.json": _one(orders.parse_placements),
    "clob/midpoint_2026-03-22.json": _number("mid"),
    "clob/taker_fee_vectors_onchain_2026-09.json": _each(lambda fill, _: _charged_as_recorded(fill)),
    "clob_auth_shapes_synthetic_values/clob_fee_rate_response_nonzero.json": _one(market_data.parse_base_fee),
    "clob_auth_shapes_synthetic_values/clob_fee_rate_response_zero.json": _one(market_data.parse_base_fee),
    "clob_auth_shapes_synthetic_values/http_order_response_error_500.json": _refusals,
    "clob_auth_shapes_synthetic_values/http_signed_order.json": _one(KINDS["signed_order"].read),
    "data_api_v1/closed_position_2025-12.json": _rows(data_api_v1.parse_positions_v1),
    "data_api_v1/trades_3500_a.json.gz": _rows(data_api_v1.parse_trades_v1),
    "data_api_v1/trades_btc5m_2026-03-22.json": _rows(data_api_v1.parse_trades_v1),
    "data_api_v2/activity_envelope_2026-09-14_polyoxide.json": _page(data_api.parse_activity),
    "data_api_v2/prices_history_envelope_2026-09-13_polyoxide.json": _page(price_series.parse_data_price_history),
    "data_api_v2/resolutions_rows_2026-09-08_pysdk.json": lambda payload: list(
        data_statistics.parse_resolutions({"data": payload}, NOW)
    ),
    "errors/clob_order_errors.json": lambda payload: _refusals([entry["body"] for entry in payload["errors"]]),
    "data_api_v2/positions_envelope_2026-10-07_polyoxide.json": _one(data_api.parse_positions),
    "data_api_v2/trades_envelope_2026-09-14_polyoxide.json": _one(data_api.parse_public_trades),
    "data_api_v2/value_oi_2026-09-08_pysdk.json": _values,
    "ws_market/book_nautilus_2024_2025.json": _frame,
    "ws_market/book_snapshot_2026-08-13.json": _book,
    "ws_market/capture_2026-09-27.ndjson": lambda payload: [event for frame in payload for event in _frame_of(frame)],
    "ws_market/last_trade_price_nautilus_2024_2025.json": _frame,
    "ws_market/price_change_nautilus_2024_2025.json": _frame,
    "ws_market/price_change_v2_nautilus_2024_2025.json": _frame,
    "ws_market/tick_size_change_nautilus_2024_2025.json": _frame,
    "ws_market/ws_market_best_bid_ask_msg.json": _frame,
    "ws_market/ws_market_new_market_msg.json": _frame,
    "ws_market/ws_market_resolved_msg.json": _frame,
    "ws_market/ws_market_tick_size_msg.json": _frame,
    "ws_user/order_cancel_nautilus_2024_2025.json": _user_frame,
    "ws_user/order_fok_killed_2026-08-08.json": _user_frame,
    "ws_user/order_placement_nautilus_2024_2025.json": _user_frame,
    "ws_user/trades_nautilus_2024_2025.json": _each(partial(trades.parse_trade, owners=())),
    "ws_user/user_trade1_nautilus_2024_2025.json": _user_frame,
    "ws_user/user_trade3_nautilus_2024_2025.json": _user_frame,
    "ws_user/ws_user_order_fok_killed_synthetic_values.json": _user_frame,
    "ws_user/ws_user_order_matched_synthetic_values.json": _user_frame,
    "ws_user/ws_user_order_update_synthetic_values.json": _user_frame,
    "ws_user/ws_user_order_venue_cancel_synthetic_values.json": _user_frame,
    "ws_user/ws_user_trade_synthetic_values.json": _user_frame,
}


def _frame_of(frame: Any) -> list[object]:
    return [parse_market_event(item, NOW) for item in (frame if isinstance(frame, list) else [frame])]


def _load(path: Path) -> Any:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if ".jsonl" in path.name or path.suffix == ".ndjson":
        return [decode_json(line) for line in text.splitlines() if line.strip()]
    return decode_json(text)


@pytest.mark.parametrize("name", READERS)
def test_the_recording_can_be_read(name: str, shared_data: Path) -> None:
    results = READERS[name](_load(shared_data / "wire" / name))
    assert isinstance(results, list)
    assert results
    assert all(result is not None for result in results)
    for result in results:
        _check(result)


def _check(result: object) -> None:
    """What holds for every recording of a kind."""
    if isinstance(result, OrderBook):
        assert [level.price for level in result.bids] == sorted((level.price for level in result.bids), reverse=True)
        assert [level.price for level in result.asks] == sorted(level.price for level in result.asks)
        if result.best_bid and result.best_ask:
            assert result.best_bid.price < result.best_ask.price
    elif isinstance(result, Market):
        assert result.question
        assert len(result.outcomes) == 2
        assert all(outcome.price is None or 0 <= outcome.price <= 1 for outcome in result.outcomes)
    elif isinstance(result, Event):
        assert result.title
        assert result.markets
        assert {market.event_slug for market in result.markets} == {result.slug}


def test_every_recording_is_read(shared_data: Path) -> None:
    """But for the lists of types, which are no payloads."""
    wire = shared_data / "wire"
    found = {
        str(path.relative_to(wire))
        for path in wire.rglob("*")
        if path.is_file() and not path.relative_to(wire).parts[0].startswith("shapes_")
    }
    assert found == READERS.keys()


ARRANGED_BY_THEIR_AUTHORS = {
    "clob/prices_history_btc_updown_15m_2026-01.jsonl.gz",
    "clob/taker_fee_vectors_onchain_2026-09.json",
    "data_api_v2/value_oi_2026-09-08_pysdk.json",
    "errors/clob_order_errors.json",
}
"""Files that hold what was on the wire in an arrangement that never was."""


@pytest.mark.parametrize("name", sorted(READERS.keys() - ARRANGED_BY_THEIR_AUTHORS))
def test_the_wire_check_recognises_the_recording(name: str, shared_data: Path) -> None:
    report = check_file(shared_data / "wire" / name)
    assert report.failures == ()
    assert report.objects > 0
    assert len(report.kinds) == 1


def test_quoted_order_errors_have_codes(shared_data: Path) -> None:
    quoted = json.loads((shared_data / "wire/errors/clob_order_errors.json").read_text())["errors"]
    codes = {}
    for entry in quoted:
        text = (entry["body"] or {}).get("error") or (entry["body"] or {}).get("errorMsg")
        if text and "Internal" not in text:
            codes[text] = getattr(order_error(text), "code", None)
    assert len(codes) >= 8
    assert "rejected" not in codes.values()


def test_prices_keep_every_digit_of_the_wire(shared_data: Path) -> None:
    market = catalogue.parse_market(_load(shared_data / "wire/gamma/market_2026-03-11.json"), NOW)
    assert market.volume == Decimal("9.999997")
    assert market.liquidity == Decimal("20328.3747")
