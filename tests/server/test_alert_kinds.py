"""Every kind of alert fires once through its real delivery: a real desk, an exchange and a receiver over sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from polydesk.core.alerts.rules import AlertKind
from polydesk.core.exchange.faults import RateLimited, TradingMode
from polydesk.core.identifiers import ConditionId
from polydesk.core.models import Market, TradingSignal
from polydesk.core.portfolio.equity_history import EquityWatch
from polydesk.core.strategies.decision import Decision
from polydesk.core.strategies.declaration import Declaration, Need, Parameters
from polydesk.core.strategies.signals import nothing, taking
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Surroundings
from polydesk.core.trading import strategy_runs
from polydesk.core.trading.strategy_plan import StrategyPlan
from polydesk.handlers.context import Desk
from tests.support.alerting import Alerting, alerting
from tests.support.exchanges import somebody_buys
from tests.support.processes import FED, WAIT_S, answer_of, error_of

D = Decimal
BTC = ("btc-updown-15m-1790592300", "btc-updown-15m-1790593200", "btc-updown-15m-1790594100")


def condition_of(ours: Alerting, slug: str) -> ConditionId:
    return next(
        ConditionId(each.condition_id) for each in ours.exchange.markets.listings if each.recorded.gamma["slug"] == slug
    )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.05)


async def has_fallen(equity: EquityWatch) -> bool:
    return (await equity.sample()).equity < 99_500


async def has_filled(desk: Desk, run_id: str, times: int) -> bool:
    return (await desk.strategies.progress(desk.slices.book.get(run_id))).profit.fills >= times


async def is_known_as_lost(desk: Desk) -> bool:
    (run,) = await desk.alerts.sources.runs()
    return run.profit < -249


async def is_whole(desk: Desk) -> bool:
    return not desk.alerts.sources.stream().stale


async def test_price_crosses(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        made = await ours.arm("price_crosses", market=FED, outcome="Yes", threshold=0.981, direction="above")
        assert made["reaches_you"] == "only_while_desk_runs"
        await somebody_buys(ours.venue, FED, outcome=0, dollars="17000")
        told = await ours.told("price_crosses")
    assert (told["facts"]["market"], told["facts"]["outcome"], told["facts"]["direction"]) == (FED, "Yes", "above")


async def test_price_moves_within_a_time(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await ours.arm("price_crosses", market=FED, outcome="Yes", threshold=0.0005, direction="above", within=5)
        await somebody_buys(ours.venue, FED, outcome=0, dollars="17000")
        told = await ours.told("price_crosses")
    assert told["facts"]["moved"] == "0.0005"


async def test_spread(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await ours.arm("spread", market=FED, threshold=0.002)
        await somebody_buys(ours.venue, FED, outcome=0, dollars="17000")
        told = await ours.told("spread")
    assert told["facts"]["spread"] == "0.002"


async def test_volume(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await ours.arm("volume", market=FED, threshold=10_000, within=600)
        await somebody_buys(ours.venue, FED, outcome=0, dollars="17000")
        await ours.look()
        told = await ours.told("volume")
    assert float(told["facts"]["traded_usd"]) > 16_000


async def test_imbalance(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await ours.arm("imbalance", market=FED, threshold=0.5, direction="below")
        told = await ours.told("imbalance")
    assert float(told["facts"]["imbalance"]) < -0.5


async def test_new_market(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await ours.arm("new_market", query="moon landing")
        recorded = next(each for each in ours.exchange.markets.listings if each.recorded.gamma["slug"] == FED).recorded
        for number, question in enumerate(("Will the Moon be a landing site by July?", "Will it rain on Mars?")):
            tokens = json.dumps([str(10**60 + 2 * number), str(10**60 + 2 * number + 1)])
            changed = {
                "id": str(990_000 + number),
                "slug": f"new-{number}",
                "question": question,
                "conditionId": "0x" + f"{number + 7:064x}",
                "clobTokenIds": tokens,
            }
            ours.exchange.markets.add_listing(
                dataclasses.replace(recorded, gamma={**recorded.gamma, **changed}, bids=(), asks=())
            )
        await ours.look()
        told = await ours.told("new_market")
    assert told["facts"]["market"] == "new-0"


async def test_order(tmp_path: Path) -> None:
    async with alerting(tmp_path, alert_defaults="none") as ours:
        await ours.arm("order", query="filled", market=FED)
        placed = await answer_of(ours.client, "place_order", market_id=FED, outcome="Yes", size=10)
        told = await ours.told("order")
    assert (told["facts"]["what"], told["facts"]["attempt_id"]) == ("filled", placed["attempt_id"])


@pytest.mark.parametrize("step", ["proposed", "disputed", "final"])
async def test_resolution(tmp_path: Path, step: str) -> None:
    async with alerting(tmp_path) as ours:
        condition = condition_of(ours, FED)
        if step == "disputed":
            ours.resolutions.propose(condition, 0)
        await ours.arm("resolution", market=FED, query=step)
        match step:
            case "proposed":
                ours.resolutions.propose(condition, 0)
            case "disputed":
                ours.resolutions.dispute(condition)
            case _:
                ours.resolutions.settle(condition, 0)
        await ours.look()
        told = await ours.told("resolution")
    assert told["facts"]["step"] == step
    assert told["facts"].get("winner") == ("Yes" if step == "final" else None)


async def test_resolution_of_what_is_held(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await answer_of(ours.client, "place_order", market_id=FED, outcome="Yes", size=10)
        await until(lambda: ours.holds(FED))
        await ours.arm("resolution")
        ours.resolutions.settle(condition_of(ours, FED), 1)
        await ours.look()
        told = await ours.told("resolution")
    assert (told["facts"]["step"], told["facts"]["winner"]) == ("final", "No")


async def test_drawdown(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        desk = await ours.desk()
        equity = EquityWatch(desk.portfolio, desk.equity, desk.clock)
        await equity.sample()
        await ours.arm("drawdown", threshold=0.5, within=3600)
        await answer_of(ours.client, "place_order", market_id=FED, outcome="Yes", size=1000)
        ours.resolutions.settle(condition_of(ours, FED), 1)
        await until(lambda: has_fallen(equity))
        await ours.look()
        told = await ours.told("drawdown")
    assert 0.9 < float(told["facts"]["drawdown_percent"]) < 1.1


async def test_exposure(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await ours.arm("exposure", threshold=90)
        await answer_of(
            ours.client, "place_order", market_id=FED, outcome="Yes", size=100, price=0.95, time_in_force="GTC"
        )
        await ours.look()
        told = await ours.told("exposure")
    assert told["facts"]["exposure_usd"] == "95.24"  # with the fee, as the gate counts it


class Favourites(PolymarketStrategy):
    """Buys the first outcome of each market once."""

    declaration: ClassVar[Declaration] = Declaration(
        name="favourites", summary="Buys once.", needs=frozenset({Need.BOOKS}), every=timedelta(seconds=1)
    )

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.execution)
        self._around = around

    @classmethod
    def of(cls, surroundings: Surroundings, parameters: Parameters) -> Favourites:
        return cls(surroundings)

    async def analyze_market(self, market: Market) -> TradingSignal:
        now, outcome = self._around.clock.now(), market.outcomes[0]
        book = await self._around.quotes.book(outcome.token_id)
        held = (await self._around.account.holdings()).of(outcome.token_id)
        if book is None or book.best_ask is None or held.shares:
            return nothing(market, outcome, "held", now=now)
        price = book.best_ask.price
        return taking(
            market,
            outcome,
            shares=D(150) if price > D("0.9") else D(50),
            price=price,
            limit=price,
            edge=D(0),
            reason="",
            now=now,
        )

    async def decide(self, markets: Sequence[Market]) -> Decision:
        return Decision(signals=[await self.analyze_market(market) for market in markets])


@pytest.mark.takeover
async def test_strategy_degradation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It buys shares at two thirds and more and loses all of them, which fair bets do less than once in a hundred."""
    monkeypatch.setattr(strategy_runs, "strategy_class", lambda _: Favourites)
    async with alerting(tmp_path) as ours:
        desk = await ours.desk()
        conditions = tuple(condition_of(ours, slug) for slug in (*BTC, FED))
        plan = StrategyPlan(
            strategy="favourites",
            markets=conditions,
            parameters={},
            max_loss_usd=D(1000),
            max_exposure_usd=D(1000),
            until=desk.clock.now() + timedelta(hours=1),
            every_s=0.5,
        )
        run, _ = desk.strategies.start(plan, questions=(), host_can_ask=True, agreed_by_user=True)
        await until(lambda: has_filled(desk, run.run_id, 4))
        await ours.look()
        assert [each for each in ours.receiver.documents if each["kind"] == "strategy_degradation"] == []
        for condition in conditions:
            ours.resolutions.settle(condition, 1)
        await until(lambda: is_known_as_lost(desk))  # its books are a few seconds old at most
        await ours.look()
        told = await ours.told("strategy_degradation")
    assert told["facts"]["run_id"] == run.run_id
    assert told["facts"]["profit_usd"] < told["facts"]["bound_usd"] < told["facts"]["expected_usd"]


async def test_rate_limit(tmp_path: Path) -> None:
    async with alerting(tmp_path, faults=[RateLimited(kind="rate_limited", route="/gamma*", count=1)]) as ours:
        await answer_of(ours.client, "get_status")
        told = await ours.told("rate_limit")
    assert told["facts"]["turned_away"] == 1


async def test_stale_stream(tmp_path: Path) -> None:
    async with alerting(tmp_path, alert_defaults="dead_letter") as ours:
        await ours.arm("stale_stream", for_s=1)
        await answer_of(ours.client, "get_order_book", market_id=FED, outcome="Yes")
        desk = await ours.desk()
        await until(lambda: is_whole(desk))
        await ours.serving.aclose()
        told = await ours.told("stale_stream")
    assert told["facts"] == {"stale": 1, "followed": 1}


async def test_dead_letter_and_failed_order_by_default(tmp_path: Path) -> None:
    fault = TradingMode.model_validate({"kind": "cancel_only", "count": None})
    async with alerting(tmp_path, faults=[fault]) as ours:
        await error_of(ours.client, "place_order", market_id=FED, outcome="Yes", size=10)
        letter, order = await ours.told("dead_letter"), await ours.told("order")
    assert letter["facts"]["attempt_id"] == order["facts"]["attempt_id"]
    assert order["facts"]["what"] == "failed"
    assert letter["rule_id"] == "default_dead_letter"


async def test_system_health(tmp_path: Path) -> None:
    async with alerting(tmp_path) as ours:
        await answer_of(ours.client, "halt_trading", reason="enough for today")
        told = await ours.told("system_health")
    assert told["facts"]["what"] == "halted"
    assert "enough for today" in told["text"]


def test_every_kind_is_tested_here() -> None:
    named = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    tested = {each.value for each in AlertKind if any(name.startswith(each.value) for name in named)}
    assert tested == {each.value for each in AlertKind}
