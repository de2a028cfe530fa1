"""Tables of prices in the layouts that people have, and what is wrong with those that cannot be read."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from polydesk.core.backtest.bars import BarAssumptions, bar_recording
from polydesk.core.backtest.price_series import read_price_series, span
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.replay.moments import BookMoment, ResolutionMoment

D = Decimal
TEAMS = """ts_utc,market,team,price,bid,ask,last_trade,volume,liquidity,closed,yes_won
2026-06-12T11:00:00+00:00,outright,Spain,0.1695,0.169,0.17,0.17,1,1,False,1
2026-06-13T11:00:00+00:00,outright,Spain,0.18,0.179,0.181,0.18,1,1,False,1
2026-07-19T22:00:00+00:00,outright,Spain,1.0,,,1.0,1,1,True,1
2026-06-12T11:00:00+00:00,outright,Fiji,0.0005,,0.001,0.001,1,1,False,0
"""


def test_rows_by_team_are_a_market_each_and_closed_rows_are_no_prices(tmp_path: Path) -> None:
    path = tmp_path / "cup.csv.gz"
    path.write_bytes(gzip.compress(TEAMS.encode()))
    spain, fiji = read_price_series(path)
    assert spain.question == "Will Spain win the 2026 FIFA World Cup?"
    assert [row.price for row in spain.rows] == [D("0.1695"), D("0.18")]
    assert (spain.rows[0].bid, spain.rows[0].ask) == (D("0.169"), D("0.17"))
    assert (spain.first_won, fiji.first_won) == (True, False)
    assert span([spain, fiji]) == (datetime(2026, 6, 12, 11, tzinfo=UTC), datetime(2026, 6, 13, 11, tzinfo=UTC))


def test_a_folder_has_markets_and_prices(tmp_path: Path) -> None:
    (tmp_path / "markets.csv").write_text(
        "market_id,question,end_date,yes_won_inferred\n7,Will it rain?,2026-03-18T00:00:00Z,\n8,Will it snow?,,1\n"
    )
    (tmp_path / "prices.csv").write_text(
        "market_id,token_index,t,price\n7,0,1770732017,0.25\n7,1,1770732017,0.75\n7,0,1770728417,0.2\n8,0,1770732017,0.9\n"
    )
    rain, snow = read_price_series(tmp_path)
    assert (rain.question, rain.first_won, rain.ends_at) == ("Will it rain?", None, datetime(2026, 3, 18, tzinfo=UTC))
    assert [(row.at_ms, row.price) for row in rain.rows] == [(1770728417000, D("0.2")), (1770732017000, D("0.25"))]
    assert snow.first_won is True


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.csv", "t,market,price\n", "holds no prices"),
        ("words.csv", "t,market,price\n1770732017,m,cheap\n", "cannot be read"),
        ("both.csv", "t,market,price,yes_won\n1770732017,m,0.5,1\n1770732018,m,0.5,0\n", "both that it came true"),
        ("percent.csv", "t,market,price\n1770732017,m,45\n", "between 0 and 1"),
        ("numbers.csv", "t,market,price\n1770732017,m,nan\n", "holds no prices"),
        ("candles.csv", "t,market,open,close\n1770732017,m,0.4,0.5\n", "holds no prices"),
        ("time.csv", "t,market,price\nyesterday,m,0.5\n", "cannot be read"),
        ("prices.csv", "title,price\na,0.5,more,cells\n", "it has title, price"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        read_price_series(tmp_path / name)


def test_a_folder_without_its_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a table `prices` and a table `markets`"):
        read_price_series(tmp_path)


def test_quotes_are_the_book_and_prices_alone_stand_amid_the_stated_spread(tmp_path: Path) -> None:
    (tmp_path / "cup.csv").write_text(TEAMS)
    quoted = bar_recording(read_price_series(tmp_path / "cup.csv"), BarAssumptions(depth_usd=D(17)))
    first = next(each for each in quoted.moments if isinstance(each, BookMoment) and each.bids)
    assert (first.bids, first.asks) == ({1690: 100_590_000}, {1700: 100_000_000})
    one_sided = next(each for each in quoted.moments if isinstance(each, BookMoment) and not each.bids)
    assert one_sided.asks == {10: 17_000_000_000}
    (tmp_path / "mid.csv").write_text("t,market,price\n1770732017,rain,0.255\n1770732018,rain,0.9995\n")
    cup, mid = read_price_series(tmp_path / "cup.csv"), read_price_series(tmp_path / "mid.csv")
    assert "bars: recorded quotes, 500" in BarAssumptions().told(cup)
    assert "bars: half a spread of 0.01 dollars, 500" in BarAssumptions().told(mid)
    assert "recorded quotes, and half a spread of 0.01 dollars where there are none" in BarAssumptions().told(cup + mid)
    bare = bar_recording(read_price_series(tmp_path / "mid.csv"), BarAssumptions(half_spread=D("0.02")))
    books = [(set(each.bids), set(each.asks)) for each in bare.moments if isinstance(each, BookMoment)]
    assert books == [({2350}, {2750}), ({9790}, set())]
    assert not any(isinstance(each, ResolutionMoment) for each in bare.moments)
