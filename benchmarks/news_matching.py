"""Matching 1,000 items of news to 10,000 open markets: by the index of names, and by shared words of every pair.

Questions and headlines are recorded ones where they lie beside the repository, else made from templates. Both ways take
texts apart once. Quality is measured by `polydesk evaluate matching`; its figures on the labelled files are shown too.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.models import Market, NewsItem
from polydesk.core.news.market_index import MarketIndex
from polydesk.core.news.vocabulary import tokens_of
from polydesk.core.polymarket.wire.catalogue import parse_market
from polydesk.server.matching_evaluation import evaluate_matching, read_pairs

from .labelled_texts import ROOT
from .registry import Result

_DATA = ROOT.parent / "shared" / "data"
_QUESTIONS = _DATA / "history" / "resolved_markets_2022_2026_metadata.csv.gz"
_HEADLINES = _DATA / "news" / "rss_headlines_2026-06-27_2026-07-31.csv.gz"
_LABELLED = {
    "headlines and markets": _DATA / "news" / "headline_market_labels.csv",
    "contracts of two venues": _DATA / "crossvenue" / "polymarket_kalshi_pairs_labelled_2026-07.csv.gz",
    "contracts, by hand": _DATA / "crossvenue" / "matching_benchmark_handlabelled.json",
}
_MARKETS, _ITEMS, _NAIVE_ITEMS = 10_000, 1_000, 50
_ROUNDS = 3
_MOST = 20
_NAMES = ("Iran", "Israel", "China", "Spain", "Ukraine", "Bitcoin", "Ethereum", "Trump", "the Fed", "Elena Rybakina")
_ASKED = (
    "Will {name} win the {year} FIFA World Cup?",
    "Will {name} be above ${figure:,} on July {day}?",
    "Will {name} agree to a ceasefire by July {day}, {year}?",
    "Will {name} increase interest rates after the July {year} meeting?",
    "{name} out as leader by December {day}, {year}?",
)
_TOLD = ("{name} holds talks on rates", "{name} strikes back after attack", "{name} falls below ${figure:,}")


def run() -> Result:
    recorded = _QUESTIONS.exists() and _HEADLINES.exists()
    markets = _markets(_column(_QUESTIONS, "question") if recorded else _made(_ASKED))
    titles = _column(_HEADLINES, "title") if recorded else _made(_TOLD)
    items = [NewsItem(title) for title in titles[:_ITEMS]]
    started = time.perf_counter()
    index = MarketIndex(markets)
    indexed = time.perf_counter() - started
    ours: list[float] = []
    naive: list[float] = []
    found = 0
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        found = sum(bool(index.matches(item, most=_MOST)) for item in items)
        ours.append((time.perf_counter() - started) / len(items))
        naive.append(_by_shared_words(markets, items[:_NAIVE_ITEMS]))
    measured = {
        "items matched per second": 1 / min(ours),
        f"{_ITEMS:,} items against {_MARKETS:,} markets, s": min(ours) * _ITEMS,
        "indexing the markets, once, s": indexed,
        "every pair by shared words, items per second": 1 / min(naive),
        "items about any market": found,
    }
    for name, path in _LABELLED.items():
        if path.exists():
            scores = evaluate_matching(read_pairs(path))
            for way in ("matching", "two_shared_words"):
                for figure in ("precision", "recall", "f1"):
                    for end in ("value", "low", "high"):
                        measured[f"{name}: {way}, {figure}, {end}"] = scores[way][figure][end]
    return Result(
        about=f"{_ITEMS:,} {'recorded' if recorded else 'made'} headlines, one core, the fastest of {_ROUNDS} rounds",
        ratios={"time per item: every pair by shared words / the index": min(naive) / min(ours)},
        measured=measured,
    )


def _by_shared_words(markets: Sequence[Market], items: Sequence[NewsItem]) -> float:
    """Seconds an item takes when it is held against every market, whose words are known beforehand."""
    words = [frozenset(token.stem for token in tokens_of(market.question)) for market in markets]
    started = time.perf_counter()
    for item in items:
        told = frozenset(token.stem for token in tokens_of(item.title))
        ranked = sorted(((len(told & asked), number) for number, asked in enumerate(words)), reverse=True)
        del ranked[_MOST:]
    return (time.perf_counter() - started) / len(items)


def _markets(questions: Sequence[str]) -> list[Market]:
    """One recorded market, under each of the questions."""
    recorded = next(each for each in load_catalogue().markets if not each.gamma.get("closed"))
    market = parse_market(dict(recorded.gamma), datetime(2026, 7, 1, tzinfo=UTC))
    chosen = itertools.islice(itertools.cycle(dict.fromkeys(questions)), _MARKETS)
    return [replace(market, question=question, group_title="", event_title="") for question in chosen]


def _column(path: Path, name: str) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file) if row[name]]


def _made(templates: Sequence[str]) -> list[str]:
    return [
        template.format(name=name, year=year, day=day, figure=1000 * day)
        for template, name, year, day in itertools.product(templates, _NAMES, (2026, 2027, 2028, 2029), range(1, 31))
    ]
