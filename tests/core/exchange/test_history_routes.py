"""Candles of the midpoint, and what the route refuses."""

from __future__ import annotations

import httpx2
import pytest

BUSY_YES, BUSY_NO = "131", "132"
START = 1778997600  # 2026-05-17 06:00 UTC, when the small exchange opens


async def candles(http: httpx2.AsyncClient, **query: str) -> list[dict[str, float]]:
    answer = await http.get("/clob/ohlc", params=query)
    assert answer.status_code == 200
    rows: list[dict[str, float]] = answer.json()["data"]
    return rows


async def test_candles_carry_the_price_forward_and_show_where_it_moved(http: httpx2.AsyncClient) -> None:
    rows = await candles(http, asset_id=BUSY_YES, startTs=str(START - 2 * 3600), fidelity="1h")
    assert rows == [
        {"t": START - 7200, "o": 0.4, "h": 0.4, "l": 0.4, "c": 0.4},
        {"t": START - 3600, "o": 0.4, "h": 0.45, "l": 0.4, "c": 0.45},
        {"t": START, "o": 0.45, "h": 0.5, "l": 0.45, "c": 0.5},
    ]


async def test_candles_of_the_other_outcome_are_mirrored(http: httpx2.AsyncClient) -> None:
    (row,) = await candles(http, asset_id=BUSY_NO, startTs=str(START - 3600), fidelity="1h", limit="1")
    assert row == {"t": START - 3600, "o": 0.6, "h": 0.6, "l": 0.55, "c": 0.55}


async def test_candles_begin_with_the_first_price(http: httpx2.AsyncClient) -> None:
    rows = await candles(http, asset_id=BUSY_YES, startTs="0", fidelity="1d")
    assert rows[0]["t"] == (START - 86_400) // 86_400 * 86_400
    assert await candles(http, asset_id="1", startTs="0", fidelity="1d") == []
    assert await candles(http, asset_id="311", startTs="0", fidelity="1d") == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"asset_id": BUSY_YES}, "startTs is required"),
        ({"startTs": "0"}, "asset_id is required"),
        ({"asset_id": BUSY_YES, "startTs": "0", "fidelity": "2h"}, "invalid fidelity: 2h"),
        ({"asset_id": BUSY_YES, "startTs": "0", "limit": "1001"}, "limit cannot exceed 1000"),
        ({"asset_id": BUSY_YES, "startTs": "noon"}, "startTs and limit must be numbers"),
    ],
)
async def test_what_the_venue_refuses_is_refused(http: httpx2.AsyncClient, query: dict[str, str], text: str) -> None:
    answer = await http.get("/clob/ohlc", params=query)
    assert (answer.status_code, answer.json()) == (400, {"error": text})
