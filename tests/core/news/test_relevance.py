"""Relevance follows shared words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polydesk.core.models import NewsItem
from polydesk.core.news.relevance import relevance

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket

QUESTION = "Will the Fed decrease interest rates by 25 bps after the June 2026 meeting?"


def test_an_item_on_the_subject_scores_above_one_beside_it(make_market: MakeMarket) -> None:
    market = make_market(question=QUESTION, event_title="Fed Decision in June?", tags=())
    scores = [
        relevance(NewsItem(title), market).score
        for title in (
            "Fed cuts rates by 25 basis points in June",
            "Federal Reserve publishes minutes",
            "Local team wins the cup",
        )
    ]
    assert scores[0] > scores[1] > scores[2] == 0


def test_abbreviations_meet_the_words_they_stand_for(make_market: MakeMarket) -> None:
    market = make_market(question=QUESTION, event_title="", tags=())
    shared = relevance(NewsItem("Federal Reserve cut"), market).shared
    assert {"federal", "reserve", "decrease"} <= set(shared)


def test_an_empty_item_has_nothing_to_do_with_anything(make_market: MakeMarket) -> None:
    assert relevance(NewsItem(""), make_market(question=QUESTION)).score == 0
