"""`polydesk backtest` on planted news: it earns where news comes before the price, and does nothing where none is."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from polydesk.server.cli import main

START = datetime(2026, 5, 1, tzinfo=UTC)
QUESTION = "Will the price of Bitcoin be above $100,000 on May 3?"
HEADLINES = (
    "Bitcoin climbs to $104,000 as buyers return",
    "BTC price reaches $105,200, a new record",
    "Rally takes Bitcoin past $103,500 in heavy trading",
    "Bitcoin trades at $106,000 after inflows",
)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Two days of hourly prices: flat at 0.40, then from hour 30 on 0.80, and it comes true."""
    lines = ["t,market_id,question,price,yes_won"]
    for hour in range(48):
        at = int((START + timedelta(hours=hour)).timestamp())
        lines.append(f'{at},7,"{QUESTION}",{0.40 if hour < 30 else 0.80},1')
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(lines))
    return path


def news(folder: Path, *, hour: float, titles: tuple[str, ...] = HEADLINES) -> Path:
    path = folder / "news.jsonl"
    rows = [
        {
            "title": title,
            "source": "Reuters",
            "url": f"https://news.example/{number}",
            "published": (START - timedelta(days=3)).isoformat(),
            "first_seen": (START + timedelta(hours=hour)).isoformat(),
        }
        for number, title in enumerate(titles)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["backtest", "--strategy", "news_sentiment", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_news_before_the_price_earns(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    result = run(capsys, "--data", str(recorded), "--news", str(news(tmp_path, hour=9.5)), "--fee-rate", "0.05")
    assert result["fidelity"] == "bars"
    assert result["orders"] >= 1
    bought = result["fills"][0]
    # Known since half past nine, whatever date it claims: the next look is at ten.
    assert bought["at"] == (START + timedelta(hours=10)).isoformat()
    assert (bought["outcome"], bought["price"]) == ("Yes", 0.41)
    assert result["profit"]["total"] > 0
    assert result["profit"]["total"] == pytest.approx(sum(result["by_market"].values()))
    assert result["brier"] < result["market_brier"]


def test_news_after_the_price_or_none_about_the_market_does_nothing(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    unrelated = news(tmp_path, hour=5, titles=("A recipe for tomato soup", "Ten walks around Rome"))
    result = run(capsys, "--data", str(recorded), "--news", str(unrelated))
    assert (result["orders"], result["profit"]["total"]) == (0, 0)
    assert result["no_signal_because"] == {"no recent news is about this market": 48}
    assert main(["backtest", "--strategy", "news_sentiment", "--data", str(recorded), "--news", str(unrelated)]) == 0
    assert "No signal, 48 times because no recent news is about this market." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--strategy", "astrology"), "no strategy 'astrology'"),
        (("--strategy", "news_sentiment"), "needs news"),
        (("--strategy", "news_sentiment", "--params", "luck=1"), "has no parameter luck"),
        (("--strategy", "news_sentiment", "--params", "most_items"), "not a parameter"),
        (("--strategy", "news_sentiment", "--params", "most_items=-1"), "most_items=-1 cannot be used: it is a whole"),
        (("--strategy", "news_sentiment", "--cash", "0"), "more than 0"),
        (("--strategy", "news_sentiment", "--every", "-1"), "some time apart"),
        (("--strategy", "news_sentiment", "--half-spread", "0.5"), "half a spread"),
        (("--strategy", "news_sentiment", "--depth", "0"), "the depth"),
        (("--strategy", "news_sentiment", "--fee-rate", "2"), "the fee rate"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(
    recorded: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    with_news = ("--news", str(news(tmp_path, hour=1))) if arguments[-1] in ("luck=1", "most_items=-1") else ()
    assert main(["backtest", "--data", str(recorded), *arguments, *with_news]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("amount", ["lots", "nan", "1e999"])
def test_an_amount_that_is_no_number_is_a_wrong_command_line(
    recorded: Path, capsys: pytest.CaptureFixture[str], amount: str
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["backtest", "--strategy", "news_sentiment", "--data", str(recorded), "--cash", amount])
    assert exit_.value.code == 2
    assert "--cash" in capsys.readouterr().err


def test_news_is_known_no_earlier_than_it_could_be_read_and_the_result_says_what_was_assumed(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    at = (START + timedelta(hours=9, minutes=58)).isoformat()
    rows: list[dict[str, str]] = [{"title": title, "source": "Reuters", "published": at} for title in HEADLINES]
    rows.append({"title": "Bitcoin above $107,000 at last", "source": "Reuters"})
    path = tmp_path / "dated.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    result = run(capsys, "--data", str(recorded), "--news", str(path))
    # Two minutes to ten is read at the look at eleven, and what has no date is not known from the beginning.
    assert result["fills"][0]["at"] == (START + timedelta(hours=11)).isoformat()
    assert [each.split(" items ")[0] for each in result["warnings"]] == ["4", "1"]
    assert main(["backtest", "--strategy", "news_sentiment", "--data", str(recorded), "--news", str(path)]) == 0
    assert "Warning: 4 items have only the date they claim" in capsys.readouterr().out


def test_a_run_on_days_that_the_weights_know_is_in_sample_and_has_no_sharpe_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    results = {}
    for year in (2026, 2031):
        lines = ["t,market_id,question,price,yes_won"]
        for day in range(14):
            at = int(datetime(year, 5, 1 + day, tzinfo=UTC).timestamp())
            lines.append(f'{at},7,"{QUESTION}",{0.40 if day < 3 else 0.80 - day / 50},1')
        prices = tmp_path / f"{year}.csv"
        prices.write_text("\n".join(lines))
        seen = datetime(year, 5, 1, tzinfo=UTC).isoformat()
        rows = [{"title": title, "source": "Reuters", "first_seen": seen} for title in HEADLINES]
        items = tmp_path / f"{year}.jsonl"
        items.write_text("\n".join(json.dumps(row) for row in rows))
        told = ("--data", str(prices), "--news", str(items))
        results[year] = run(capsys, *told)
        assert main(["backtest", "--strategy", "news_sentiment", *told]) == 0
        text = capsys.readouterr().out
        assert ("withheld: in sample" in text) == (year == 2026)
    assert results[2026]["orders"] == results[2031]["orders"] > 0
    assert (results[2026]["in_sample"], results[2026]["sharpe"], results[2026]["sortino"]) == (True, None, None)
    assert any(each.endswith("(the same days)") for each in results[2026]["in_sample_with"])
    assert (results[2031]["in_sample"], results[2031]["in_sample_with"]) == (False, [])
    assert results[2031]["sharpe"] > 0


def test_a_report_is_written_where_it_is_asked_for(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    told = ("--strategy", "news_sentiment", "--data", str(recorded), "--news", str(news(tmp_path, hour=9.5)))
    assert main(["backtest", *told, "--report", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert QUESTION in page and "What was assumed" in page
    found = json.loads((tmp_path / "report" / "report.json").read_text())
    assert found["orders"] == len(found["fills"]) and found["no_skill"]["draws"] == 1000
    said = capsys.readouterr().err
    assert "report.html" in said and "No picture was written" in said
    (tmp_path / "file").write_text("")
    assert main(["backtest", *told, "--report", str(tmp_path / "file")]) == 2
    assert "No report can be written" in capsys.readouterr().err


def test_data_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--strategy", "news_sentiment", "--data", "/no/where.csv"]) == 2
    assert "/no/where.csv" in capsys.readouterr().err


def test_a_recording_of_the_world_cup_can_be_run(
    shared_data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    result = run(
        capsys,
        "--data",
        str(shared_data / "history/world_cup_2026/advance_and_outright.csv.gz"),
        "--news",
        str(shared_data / "news/rss_headlines_2026-06-27_2026-07-31.csv.gz"),
        "--every",
        "1440",
    )
    assert result["markets"] == 96
    assert "history/world_cup_2026 (the same file)" in result["in_sample_with"]
    assert result["profit"]["total"] == pytest.approx(sum(result["by_market"].values()))


def test_data_can_be_looked_at_before_anything_is_run(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", "--data", str(recorded), "--check-only"]) == 0
    text = capsys.readouterr().out
    assert "rows       48 of 48 used" in text
    assert "markets    1, outcomes known of 1" in text
    assert main(["backtest", "--data", str(recorded), "--check-only", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["fidelity"], told["first"]) == ("bars", START.isoformat())
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    assert main(["backtest", "--data", str(tmp_path / "bad.csv"), "--check-only"]) == 2
    assert main(["backtest", "--data", str(recorded)]) == 2
    assert "Name a strategy" in capsys.readouterr().err


def test_conditions_are_part_of_what_was_assumed(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYMARKET_COMPUTE", "inline")
    given = ["--data", str(recorded), "--news", str(news(tmp_path, hour=9.5))]
    result = run(capsys, *given, "--latency-ms", "250", "--settles-after", "2", "--settlement-failures", "1")
    assert result["assumption"].endswith(
        "orders and answers take 250 ms each, the markets' own delays, trades settle 2 s after the match, "
        "100 % of them never"
    )
    assert "for no more than is offered" in result["assumption"]
    assert (result["orders"], result["profit"]["total"]) == (0, 0.0)
    assert result["failed_settlements"] >= 1
    assert main(["backtest", "--strategy", "news_sentiment", *given, "--settlement-failures", "2"]) != 0
    assert "the share of failed settlements is from 0 to 1" in capsys.readouterr().err
