"""Which means judges an item, in which order, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.models import NewsItem
from polydesk.core.news.stance import NewsJudge, NewsReadings, Question

if TYPE_CHECKING:
    from tests.core.conftest import MakeMarket


class Workers:
    """Answers the stance task with what a test wants, and remembers what it was asked."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def submit(self, task: str, payload: Mapping[str, Any], **options: Any) -> Mapping[str, Any]:
        self.asked.append((task, payload))
        return self.answer


def answer(*judged: tuple[float, float | None], basis: str = "inference") -> dict[str, Any]:
    weights = {"label": "negative", "negative": 0.7, "neutral": 0.2, "positive": 0.1}
    return {
        "items": [{"stance": stance, "relatedness": related, "sentiment": weights} for stance, related in judged],
        "basis": basis,
        "engine": "onnxruntime",
        "model": "small",
        "measured": {"direction": 0.8, "pairs": 60, "on": "a test"},
        "sentiment_by": {"engine": "onnxruntime", "model": "mood"},
    }


async def read(make_market: MakeMarket, workers: Workers, *items: NewsItem, question: str) -> NewsReadings:
    market = make_market(question=question, event_title="", tags=())
    judge = NewsJudge(workers, inference_model="m")  # type: ignore[arg-type]  # the part of an executor that is used
    return await judge.read(items, market, market.outcomes[0])


RATES = "Will the Fed decrease interest rates by 25 bps after the June meeting?"
PRICES = "Will inflation exceed 4% in March?"


async def test_all_items_go_to_the_workers_in_one_call(make_market: MakeMarket) -> None:
    workers = Workers(answer((0.9, 0.95), (-0.4, 0.8)))
    readings = await read(
        make_market, workers, NewsItem("Fed cuts rates"), NewsItem("Fed holds", text="No cut."), question=RATES
    )
    ((task, payload),) = workers.asked
    assert task == "stance"
    assert [item["text"] for item in payload["items"]] == ["Fed cuts rates", "Fed holds. No cut."]
    assert payload["items"][0]["statement"] == readings.statement.text
    assert payload["items"][0]["target"] == "the Fed"
    assert [reading.stance.label for reading in readings.readings] == ["supports", "opposes"]
    assert readings.readings[0].sentiment is not None
    assert readings.readings[0].sentiment.score == pytest.approx(-0.6)


async def test_many_outcomes_are_one_call_and_each_gets_its_own_items(make_market: MakeMarket) -> None:
    workers = Workers(answer((0.9, 0.8), (-0.8, 0.9), (0.7, 0.9)))
    judge = NewsJudge(workers, inference_model="m")  # type: ignore[arg-type]  # the part of an executor that is used
    cut, rain = (
        make_market(question=each) for each in ("Will the Fed cut rates in June?", "Will it rain in Rome on Friday?")
    )
    first = (NewsItem("The Fed will cut rates in June"), NewsItem("No cut of rates in June, says the Fed"))
    asked = [
        Question(first, cut, cut.outcomes[0]),
        Question((), rain, rain.outcomes[0]),
        Question((NewsItem("Rain in Rome on Friday"),), rain, rain.outcomes[0]),
    ]
    fed, nothing, wet = await judge.read_many(asked)
    ((_, payload),) = workers.asked
    assert len(payload["items"]) == 3
    assert {reading.item.title: reading.stance.score for reading in fed.readings} == {
        first[0].title: 0.9,
        first[1].title: -0.8,
    }
    assert nothing.readings == ()
    assert wet.readings[0].stance.score == 0.7


async def test_an_unrelated_item_has_no_stance_whatever_the_contrast(make_market: MakeMarket) -> None:
    readings = await read(make_market, Workers(answer((0.9, 0.2))), NewsItem("Cup final"), question=RATES)
    (reading,) = readings.readings
    assert (reading.stance.label, reading.stance.moves, reading.stance.relatedness) == ("neutral", False, 0.2)


async def test_figures_decide_before_a_model_and_the_caller_before_figures(make_market: MakeMarket) -> None:
    workers = Workers(answer((0.9, 0.9), (0.9, 0.9), (0.9, 0.9)))
    title = "Annual inflation comes in at 3.1%"
    readings = await read(
        make_market,
        workers,
        NewsItem(title),
        NewsItem(title, stance="supports", strength=Decimal("0.2")),
        NewsItem("Inflation surges"),
        question=PRICES,
    )
    by_basis = {reading.stance.basis: reading.stance for reading in readings.readings}
    assert by_basis["figures"].score == -1
    assert by_basis["figures"].moves
    assert by_basis["caller"].score == 0.2
    assert by_basis["inference"].score == 0.9


async def test_a_figure_about_something_else_decides_nothing(make_market: MakeMarket) -> None:
    readings = await read(
        make_market, Workers(answer((0.0, 0.1))), NewsItem("Turnout at 3.1% in March"), question=PRICES
    )
    assert readings.readings[0].stance.basis == "inference"


async def test_sentiment_in_the_place_of_stance_never_moves_a_value(make_market: MakeMarket) -> None:
    readings = await read(
        make_market, Workers(answer((0.9, None), basis="sentiment")), NewsItem("Fed hailed"), question=RATES
    )
    (reading,) = readings.readings
    assert (reading.stance.basis, reading.stance.label, reading.stance.moves) == ("sentiment", "supports", False)


async def test_without_items_nobody_is_asked(make_market: MakeMarket) -> None:
    workers = Workers({})
    readings = await read(make_market, workers, question=RATES)
    assert (readings.readings, workers.asked, readings.problem) == ((), [], None)
