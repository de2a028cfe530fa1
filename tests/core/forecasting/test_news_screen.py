"""Recent news finds the markets it is about, and names those whose value it moves beyond the costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import VenueUnavailable
from polydesk.core.forecasting.news_screen import NewsScreen
from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import Market, NewsItem, OrderBook, PriceHistory, PricePoint
from polydesk.core.news.relevance import Relevance
from polydesk.core.news.stance import NewsReading, NewsReadings, NewsStance, Question
from polydesk.core.news.statements import Statement

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

TITLE = "Fed cuts interest rates by 25 basis points in June"


class QuotesOfATest:
    def __init__(self, book: OrderBook | None, now: datetime) -> None:
        self.asked: list[TokenId] = []
        self._book = book
        self._now = now

    async def book(self, token_id: TokenId) -> OrderBook | None:
        self.asked.append(token_id)
        return self._book

    async def history(self, token_id: TokenId) -> PriceHistory:
        points = tuple(PricePoint(self._now - timedelta(hours=hours), Decimal("0.49")) for hours in (72, 48, 24, 1))
        return PriceHistory(token_id, points, self._now)


def judged_as(score: float, questions: list[Question]) -> object:
    async def read_many(asked: Sequence[Question]) -> list[NewsReadings]:
        questions.extend(asked)
        stance = NewsStance(score, "caller", "caller")
        return [
            NewsReadings(
                tuple(NewsReading(item, Relevance(1.0, ()), stance, None) for item in each.items),
                Statement("S", "not S", "s", "will"),
                None,
            )
            for each in asked
        ]

    return read_many


@pytest.fixture
def fed(make_market: MakeMarket) -> Market:
    return make_market(question="Will the Fed cut interest rates in June 2026?")


@pytest.mark.parametrize(("score", "found"), [(1.0, 1), (-1.0, 1), (0.0, 0)])
async def test_a_market_that_news_moves_beyond_its_costs_is_found(
    fed: Market, make_market: MakeMarket, make_book: MakeBook, now: datetime, score: float, found: int
) -> None:
    rain = make_market(question="Will it rain in Paris on Sunday?", condition_id=ConditionId("0x" + "cd" * 32))
    questions: list[Question] = []
    quotes = QuotesOfATest(make_book(), now)
    screen = NewsScreen(
        lambda since, until, most: [NewsItem(TITLE, first_seen=now)],
        judged_as(score, questions),  # type: ignore[arg-type]
        quotes,
        ManualClock(now),
    )
    hits, requests = await screen([fed, rain], events={}, budget=10)
    assert [question.market for question in questions] == [fed]
    assert len(hits) == found
    assert requests == 2 * bool(score)
    if hits:
        side = "Yes" if score > 0 else "No"
        assert hits[0].market is fed
        assert hits[0].why.startswith(f"{side} 0.")
        assert f"1 item of news ({0.5 * score:+.2f} log-odds)" in hits[0].why


async def test_without_news_budget_or_book_nothing_is_found(fed: Market, make_book: MakeBook, now: datetime) -> None:
    async def hits(items: list[NewsItem], book: OrderBook | None, budget: int) -> tuple[int, int]:
        screen = NewsScreen(
            lambda since, until, most: items,
            judged_as(1.0, []),  # type: ignore[arg-type]
            QuotesOfATest(book, now),
            ManualClock(now),
        )
        found, requests = await screen([fed], events={}, budget=budget)
        return len(found), requests

    item = NewsItem(TITLE, first_seen=now)
    assert await hits([item], make_book(), 10) == (1, 2)
    assert await hits([], make_book(), 10) == (0, 0)
    assert await hits([item], make_book(), 1) == (0, 0)
    assert await hits([item], None, 10) == (0, 2)
    assert await hits([item], make_book(asks=()), 10) == (0, 2)
    old = dataclasses.replace(item, first_seen=now - timedelta(days=5))
    assert await hits([old], make_book(), 10) == (0, 2)


async def test_outcomes_that_exclude_each_other_correct_what_news_makes_of_one(
    make_market: MakeMarket, make_book: MakeBook, now: datetime
) -> None:
    fed = make_market(question="Will the Fed cut interest rates in June 2026?", neg_risk=True)
    other = make_market(
        question="Will the Fed raise interest rates in June 2026?",
        condition_id=ConditionId("0x" + "cd" * 32),
        neg_risk=True,
        best_bid=Decimal("0.69"),
        best_ask=Decimal("0.71"),
    )
    values = []
    for events in ({}, {"weather": (fed, other)}):
        screen = NewsScreen(
            lambda since, until, most: [NewsItem(TITLE, first_seen=now)],
            judged_as(1.0, []),  # type: ignore[arg-type]
            QuotesOfATest(make_book(bids=(("0.48", "5000"),), asks=(("0.50", "5000"),)), now),
            ManualClock(now),
        )
        (hit,), _ = await screen([fed], events=events, budget=10)
        side, value = hit.why.split()[:2]
        assert side == "Yes"
        values.append(float(value))
    assert values[1] < values[0] - 0.03


async def test_a_market_that_cannot_be_read_takes_nothing_from_the_others(
    fed: Market, make_market: MakeMarket, make_book: MakeBook, now: datetime
) -> None:
    class Broken(QuotesOfATest):
        async def book(self, token_id: TokenId) -> OrderBook | None:
            if token_id == "3" * 70:
                raise VenueUnavailable("the book does not answer")
            return await super().book(token_id)

    yes, no = fed.outcomes
    silent = dataclasses.replace(
        fed,
        condition_id=ConditionId("0x" + "cd" * 32),
        outcomes=(dataclasses.replace(yes, token_id=TokenId("3" * 70)), no),
    )
    screen = NewsScreen(
        lambda since, until, most: [NewsItem(TITLE, first_seen=now)],
        judged_as(1.0, []),  # type: ignore[arg-type]
        Broken(make_book(), now),
        ManualClock(now),
    )
    hits, requests = await screen([silent, fed], events={}, budget=10)
    assert ([hit.market for hit in hits], requests) == ([fed], 4)
