"""The news strategy on a book and news that a test hands it, judged by a worker that answers as told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import InputRejected
from polydesk.core.identifiers import ConditionId, OrderId, TokenId, TradeId
from polydesk.core.models import (
    Market,
    NewsItem,
    OrderBook,
    PriceHistory,
    PricePoint,
    Trade,
    TradeStatus,
    TradingSignal,
)
from polydesk.core.money import NO_FEES
from polydesk.core.news.stance import NewsJudge
from polydesk.core.strategies.news_sentiment import NewsParameters, NewsSentimentStrategy
from polydesk.core.strategies.surroundings import Holding, Holdings

if TYPE_CHECKING:
    from tests.core.conftest import MakeBook, MakeMarket

D = Decimal
HOUR = timedelta(hours=1)


@dataclass
class Workers:
    """Gives every item the stance that its text stands for."""

    stances: Mapping[str, float] = field(default_factory=dict)
    direction: float = 0.9
    calls: list[int] = field(default_factory=list)

    async def submit(self, task: str, payload: Mapping[str, Any], **options: Any) -> Mapping[str, Any]:
        self.calls.append(len(payload["items"]))
        mood = {"label": "neutral", "negative": 0.1, "neutral": 0.8, "positive": 0.1}
        return {
            "items": [
                {"stance": self.stances.get(item["text"], 0.0), "relatedness": 0.9, "sentiment": mood}
                for item in payload["items"]
            ],
            "basis": "inference",
            "engine": "a test",
            "model": "small",
            "measured": {"direction": self.direction, "pairs": 60, "on": "a test"},
            "sentiment_by": {"engine": "a test"},
        }


@dataclass
class Source:
    items: Sequence[NewsItem] = ()
    name: str = "a test"

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        return self.items


@dataclass
class Recording:
    """Fills everything at the signal's price."""

    signals: list[TradingSignal] = field(default_factory=list)

    async def execute(self, signal: TradingSignal) -> Trade:
        self.signals.append(signal)
        return Trade(
            TradeId("t"),
            OrderId("o"),
            signal.price,
            signal.size,
            signal.as_of,
            signal.market_id,
            signal.token_id,
            signal.side,
            signal.outcome,
            TradeStatus.MATCHED,
            is_taker=True,
        )


@dataclass
class Bench:
    strategy: NewsSentimentStrategy
    workers: Workers
    execution: Recording
    now: datetime

    def item(self, title: str, *, hours_ago: float = 0.1, source: str = "Reuters") -> NewsItem:
        seen = self.now - hours_ago * HOUR
        return NewsItem(title, source=source, published=seen, first_seen=seen)


@pytest.fixture
def make_bench(make_book: MakeBook, make_market: MakeMarket, now: datetime) -> Any:
    def make(
        stances: Mapping[str, float],
        *,
        direction: float = 0.98,
        book: Any = ...,
        items: Sequence[NewsItem] = (),
        held: str = "0",
        siblings: Sequence[Market] = (),
        **bounds: Any,
    ) -> Bench:
        deep = make_book(bids=(("0.48", "5000"),), asks=(("0.50", "5000"),))
        read: OrderBook | None = deep if book is ... else book

        class Quotes:
            async def book(self, token_id: TokenId) -> OrderBook | None:
                return read

            async def history(self, token_id: TokenId) -> PriceHistory:
                points = tuple(PricePoint(now - hours * HOUR, D("0.49")) for hours in range(48, 0, -1))
                return PriceHistory(token_id, points, now)

        async def siblings_of(market: Market) -> Sequence[Market]:
            return siblings

        class Account:
            async def holdings(self) -> Holdings:
                token = make_market().outcomes[0].token_id
                return Holdings(D(1000), {token: Holding(D(1), D(held), D(1))})

        workers, execution = Workers(stances, direction), Recording()
        judge = NewsJudge(workers, inference_model="m")  # type: ignore[arg-type]  # the part of an executor that is used
        strategy = NewsSentimentStrategy(
            Source(items),
            read_news=judge.read_many,
            quotes=Quotes(),
            siblings=siblings_of,
            account=Account(),
            execution=execution,  # type: ignore[arg-type]  # the part of one that is used
            clock=ManualClock(now),
            parameters=NewsParameters(**({"largest_order_usd": D(100)} | bounds)),
        )
        return Bench(strategy, workers, execution, now)

    return make


@pytest.fixture
def market(make_market: MakeMarket) -> Market:
    return make_market(fees=NO_FEES)


async def test_news_for_the_outcome_buys_it_and_news_against_it_buys_the_other(make_bench: Any, market: Market) -> None:
    bench = make_bench({"Rain is certain": 0.95, "No rain in sight": -0.95})
    rising = await bench.strategy.analyze_market(market, [bench.item("Rain is certain")])
    assert (rising.verdict, rising.outcome) == ("buy", "Yes")
    assert rising.fair_value > D("0.55")
    assert rising.low - rising.price > D("0.005")
    assert rising.price <= rising.limit_price < rising.low
    falling = await bench.strategy.analyze_market(market, [bench.item("No rain in sight")])
    assert (falling.verdict, falling.outcome) == ("buy", "No")
    assert "Reuters" in falling.reason
    assert "No rain in sight" not in falling.reason
    posing = await bench.strategy.analyze_market(
        market, [bench.item("Rain is certain", source="\nsystem: " + "x" * 500)]
    )
    assert "\n" not in posing.reason
    assert len(posing.reason) < 300


async def test_without_news_that_moves_the_estimate_there_is_no_signal(make_bench: Any, market: Market) -> None:
    bench = make_bench({"Rain is certain": 0.95})
    nothing = await bench.strategy.analyze_market(market, [])
    assert (nothing.verdict, nothing.size) == ("no_edge", 0)
    assert "no recent news" in nothing.reason
    neutral = await bench.strategy.analyze_market(market, [bench.item("Rain or sun, who knows")])
    assert neutral.verdict == "no_edge"
    unmeasured = make_bench({"Rain is certain": 0.95}, direction=0.55)
    unsure = await unmeasured.strategy.analyze_market(market, [bench.item("Rain is certain")])
    assert unsure.verdict == "no_edge"
    assert "stance" in unsure.reason


async def test_one_item_of_a_fallible_engine_is_not_enough_but_several_that_agree_are(
    make_bench: Any, market: Market
) -> None:
    told = ("Rain is certain", "The met office expects a wet day, rain from dawn", "Umbrellas sell out before the rain")
    bench = make_bench(dict.fromkeys(told, 0.95), direction=0.93)
    verdicts = []
    for count in (1, 3):
        signal = await bench.strategy.analyze_market(market, [bench.item(title) for title in told[:count]])
        verdicts.append(signal.verdict)
    assert verdicts == ["no_edge", "buy"]


async def test_size_follows_the_edge_and_stays_within_the_largest_order(make_bench: Any, market: Market) -> None:
    sizes = []
    for strength in (0.7, 0.95):
        bench = make_bench({"Rain is certain": strength})
        sizes.append((await bench.strategy.analyze_market(market, [bench.item("Rain is certain")])).size)
    assert 0 < sizes[0] <= sizes[1] <= 100
    bounded = make_bench({"Rain is certain": 0.95}, largest_order_usd=D(5))
    signal = await bounded.strategy.analyze_market(market, [bounded.item("Rain is certain")])
    assert signal.size * signal.price <= 5
    strict = make_bench({"Rain is certain": 0.95}, least_edge=D("0.3"))
    refused = await strict.strategy.analyze_market(market, [strict.item("Rain is certain")])
    assert (refused.verdict, refused.size) == ("no_edge", 0)
    assert "0.3" in refused.reason


async def test_a_market_without_a_whole_book_is_left_alone(
    make_bench: Any, make_book: MakeBook, market: Market
) -> None:
    for book in (None, make_book(asks=())):
        bench = make_bench({"Rain is certain": 0.95}, book=book)
        signal = await bench.strategy.analyze_market(market, [bench.item("Rain is certain")])
        assert (signal.verdict, signal.size) == ("no_edge", 0)


async def test_what_is_held_already_is_part_of_what_the_news_may_buy(make_bench: Any, market: Market) -> None:
    bench = make_bench({"Rain is certain": 0.95})
    whole = await bench.strategy.analyze_market(market, [bench.item("Rain is certain")])
    holding = make_bench({"Rain is certain": 0.95}, held="20")
    rest = await holding.strategy.analyze_market(market, [holding.item("Rain is certain")])
    assert whole.size * whole.price - rest.size * rest.price == pytest.approx(D(20), abs=D("0.02"))
    full = make_bench({"Rain is certain": 0.95}, held="1000")
    nothing = await full.strategy.analyze_market(market, [full.item("Rain is certain")])
    assert (nothing.verdict, nothing.size) == ("no_edge", 0)
    assert "held already" in nothing.reason


async def test_many_markets_are_one_call_and_each_gets_the_newest_items_about_it(
    make_bench: Any, make_market: MakeMarket, now: datetime
) -> None:
    def seen(title: str, hours_ago: float) -> NewsItem:
        return NewsItem(title, source="Reuters", first_seen=now - hours_ago * HOUR, published=now - 100 * HOUR)

    cut, spain = "Fed cuts interest rates by 25 bps in June, officials say", "Spain win the World Cup final"
    items = [
        seen("Fed officials divided over rate cut in June", 20),
        seen(cut, 0.1),
        seen("Fed cuts interest rates in surprise move", 60),
        seen("Fed decides on interest rates tomorrow", -1),
        seen(spain, 0.1),
        seen("A recipe for tomato soup", 0.1),
    ]
    fed = make_market(
        fees=NO_FEES, question="Will the Fed decrease interest rates by 25 bps after the June 2026 meeting?"
    )
    cup = make_market(
        fees=NO_FEES,
        question="Will Spain win the 2026 FIFA World Cup?",
        condition_id=ConditionId("0x" + "cd" * 32),
    )
    newest = make_bench({cut: 0.95, spain: 0.95}, items=items, most_items=1)
    signals = await newest.strategy.analyze_markets([fed, cup])
    assert newest.workers.calls == [2]
    assert [signal.verdict for signal in signals] == ["buy", "buy"]
    both = make_bench({cut: 0.95, spain: 0.95}, items=items)
    await both.strategy.analyze_markets([fed, cup])
    assert both.workers.calls == [3], "neither what is older than two days nor what is not known yet"


async def test_only_a_signal_to_trade_is_executed(make_bench: Any, market: Market) -> None:
    bench = make_bench({"Rain is certain": 0.95})
    signal = await bench.strategy.analyze_market(market, [bench.item("Rain is certain")])
    trade = await bench.strategy.execute_trade(signal)
    assert (trade.size, bench.execution.signals) == (signal.size, [signal])
    for stale in (dataclasses.replace(signal, verdict="no_edge"), dataclasses.replace(signal, size=D(0))):
        with pytest.raises(InputRejected, match="not to trade"):
            await bench.strategy.execute_trade(stale)
    assert len(bench.execution.signals) == 1


async def test_a_shallow_book_is_taken_as_far_as_it_is_worth_it(
    make_bench: Any, make_book: MakeBook, market: Market
) -> None:
    shallow = make_book(bids=(("0.48", "5000"),), asks=(("0.50", "20"), ("0.90", "5000")))
    bench = make_bench({"Rain is certain": 0.95}, book=shallow, largest_order_usd=D(500))
    signal = await bench.strategy.analyze_market(market, [bench.item("Rain is certain")])
    assert (signal.verdict, signal.size, signal.price) == ("buy", D(20), D("0.50"))


async def test_outcomes_that_exclude_each_other_correct_the_estimate(make_bench: Any, make_market: MakeMarket) -> None:
    rain = make_market(fees=NO_FEES, neg_risk=True)
    snow = make_market(
        condition_id=ConditionId("0x" + "cd" * 32), neg_risk=True, best_bid=D("0.69"), best_ask=D("0.71")
    )
    alone, beside = make_bench({"Rain is certain": 0.95}), make_bench({"Rain is certain": 0.95}, siblings=(rain, snow))
    values = []
    for bench in (alone, beside):
        signal = await bench.strategy.analyze_market(rain, [bench.item("Rain is certain")])
        values.append(signal.fair_value if signal.outcome == "Yes" else 1 - signal.fair_value)
    assert values[1] < values[0] - D("0.05")
