"""Nothing a strategy is given tells what comes later: the same past with other futures looks the same to it.

A spy reads everything that there is to read at each look. The futures differ in prices, in who wins, in what the
catalogue says of it, in news and in reference prices.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from polydesk.core.backtest.bars import BarAssumptions
from polydesk.core.backtest.fidelity import faithful
from polydesk.core.backtest.reference_prices import RecordedReference
from polydesk.core.backtest.run import Run, run_strategy
from polydesk.core.backtest.surroundings import replay_surroundings
from polydesk.core.exchange.replay.payloads import Recorded, take
from polydesk.core.exchange.replay.recording import Recording, recording_of
from polydesk.core.models import Market, NewsItem, PricePoint, TradingSignal
from polydesk.core.news.news_file import ReplaySource
from polydesk.core.strategies.decision import Decision
from polydesk.core.strategies.declaration import Declaration, Need
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Surroundings
from polydesk.server.replay_desk import TOKEN_PREFIX, replay_desk

D = Decimal
START = datetime(2026, 3, 1, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
SECOND = timedelta(seconds=1)
THE_PRESENT_MS = 5_000
"""Up to here all futures have the same past."""

RAIN, SNOW = "0x" + "aa" * 32, "0x" + "bb" * 32


def book(market: str, token: str, after_ms: int, bid: str, ask: str) -> dict[str, Any]:
    return {
        "market": market,
        "asset_id": token,
        "timestamp": str(START_MS + after_ms),
        "bids": [{"price": bid, "size": "100"}],
        "asks": [{"price": ask, "size": "100"}],
    }


def catalogue(*, winner: int, price: str, late: str) -> dict[str, Any]:
    """The event as it was recorded after its markets had ended."""
    return {
        "id": "9",
        "slug": "weather",
        "title": "Weather",
        "closed": True,
        "volume": float(late),
        "eventMetadata": {"finalPrice": late},
        "markets": [
            {
                "id": str(number),
                "conditionId": condition_id,
                "slug": f"weather-{number}",
                "question": f"Question {number}?",
                "description": "Rules.",
                "outcomes": '["Yes", "No"]',
                "clobTokenIds": json.dumps([f"{number}1", f"{number}2"]),
                "outcomePrices": json.dumps(["1", "0"] if winner == 0 else ["0", "1"]),
                "closed": True,
                "negRisk": True,
                "acceptingOrders": False,
                "umaResolutionStatus": "resolved",
                "umaResolutionStatuses": f'["proposed{winner}"]',
                "closedTime": f"2026-03-01 00:0{winner + 1}:00+00",
                "lastTradePrice": float(price),
                "bestBid": float(price),
                "oneDayPriceChange": float(price),
                "volume": late,
                "volume24hr": float(late),
                "volumeNum": float(late),
                "liquidityNum": float(late),
                "updatedAt": f"2026-03-01T00:0{winner + 1}:00Z",
            }
            for number, condition_id in ((1, RAIN), (2, SNOW))
        ],
    }


def future(*, winner: int, price: str, late: str, snow_begins_ms: int) -> Recording:
    found = Recorded()
    take(catalogue(winner=winner, price=price, late=late), found)
    for after_ms in range(0, THE_PRESENT_MS + 1, 1000):
        take(book(RAIN, "11", after_ms, "0.40", "0.44"), found)
    for after_ms in range(THE_PRESENT_MS + 1000, 12_000, 1000):
        take(book(RAIN, "11", after_ms, price, str(D(price) + D("0.02"))), found)
    take(book(SNOW, "21", snow_begins_ms, price, str(D(price) + D("0.02"))), found)
    return recording_of(found)


class Spy(PolymarketStrategy):
    """Reads all there is at each look, and does nothing."""

    declaration: ClassVar[Declaration] = Declaration(name="spy", summary="Reads.", needs=frozenset({Need.BOOKS}))

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings.execution)
        self._given = surroundings
        self.saw: list[tuple[datetime, str]] = []

    async def analyze_market(self, market: Market) -> TradingSignal:
        raise NotImplementedError

    async def decide(self, markets: Sequence[Market]) -> Decision:
        given = self._given
        assert given.news is not None
        assert given.reference is not None
        seen: list[object] = [
            markets,
            await given.news.latest(),
            await given.reference.prices("RAIN"),
            await given.account.holdings(),
        ]
        for market in markets:
            seen += [dataclasses.asdict(each) for each in await given.siblings(market)]
            seen += [dataclasses.asdict(each) for each in await given.event_markets(market)]
            for outcome in market.outcomes:
                seen += [await given.quotes.book(outcome.token_id), await given.quotes.history(outcome.token_id)]
        self.saw.append((given.clock.now(), repr(seen)))
        return Decision()


async def what_is_seen(recording: Recording, *, late: str) -> list[tuple[datetime, str]]:
    """What the spy saw up to the present, and how often it looked in all."""
    present = START + timedelta(milliseconds=THE_PRESENT_MS)
    async with replay_desk(recording, starting_balance=D(1000), seed=1) as (replay, desk, execution):
        items = [
            NewsItem(title="Clouds", source="a", url="https://a.example/1", published=START, first_seen=START + SECOND),
            NewsItem(
                title=f"It is {late}",
                source="a",
                url="https://a.example/2",
                published=START,  # dated earlier than it could be read
                first_seen=present + SECOND,
            ),
        ]
        prices = [PricePoint(START, D(1)), PricePoint(present + SECOND, D(late))]
        spy = Spy(
            replay_surroundings(
                replay,
                desk,
                execution,
                prefix=TOKEN_PREFIX,
                seed=1,
                news=ReplaySource("news", lambda: items, replay.clock),
                reference=RecordedReference({"RAIN": prices}, replay.clock),
            )
        )
        await run_strategy(spy, replay, Run(D(1000)), every=SECOND)
    return spy.saw


FUTURES = {
    "it rains": ({"winner": 0, "price": "0.90", "late": "777", "snow_begins_ms": 8_000}),
    "it stays dry": ({"winner": 1, "price": "0.05", "late": "5", "snow_begins_ms": 7_000}),
}


async def test_the_same_past_looks_the_same_whatever_comes() -> None:
    seen = [await what_is_seen(future(**each), late=each["late"]) for each in FUTURES.values()]  # type: ignore[arg-type]
    present = START + timedelta(milliseconds=THE_PRESENT_MS)
    pasts = [[look for look in looks if look[0] <= present] for looks in seen]
    assert pasts[0] == pasts[1]
    assert len(pasts[0]) == 6
    assert "Clouds" in pasts[0][-1][1]
    # The spy does see: what comes later it sees later.
    assert seen[0][6:] != seen[1][6:]
    assert any("It is 777" in told for at, told in seen[0] if at > present)


@pytest.mark.parametrize("word", ["'resolved'", "proposed", "finalPrice", "777", "Question 2", "closed=True"])
async def test_words_of_the_end_are_not_seen_before_it(word: str) -> None:
    given = FUTURES["it rains"]
    looks = await what_is_seen(future(**given), late="777")  # type: ignore[arg-type]
    present = START + timedelta(milliseconds=THE_PRESENT_MS)
    assert not [at for at, told in looks if at <= present and word in told]


async def test_a_recording_of_trades_alone_shows_no_more() -> None:
    found = Recorded()
    take(catalogue(winner=0, price="0.90", late="777"), found)
    for after_ms in (0, 1000):
        take(
            {
                "event_type": "last_trade_price",
                "market": RAIN,
                "asset_id": "11",
                "timestamp": str(START_MS + after_ms),
                "side": "BUY",
                "price": "0.42",
                "size": "10",
            },
            found,
        )
    recording, fidelity, _ = faithful(recording_of(found), BarAssumptions())
    looks = await what_is_seen(recording, late="777")
    assert fidelity == "trades"
    assert looks
    assert not [at for at, told in looks if "'resolved'" in told or "777" in told]
