"""What a run earns and may lose, held against the ledger of the exchange that it trades on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from polydesk.core.clock import SystemClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.seeding import house_account, house_order
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.models import Market, OrderSide, OrderStatus, TradingSignal
from polydesk.core.money import MICRO
from polydesk.core.settings import load_settings
from polydesk.core.strategies.decision import Decision
from polydesk.core.strategies.declaration import Declaration, Need, Parameters
from polydesk.core.strategies.signals import nothing, selling, taking
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Surroundings
from polydesk.core.trading import strategy_runs
from polydesk.core.trading.consent import Consent
from polydesk.core.trading.intent import OrderIntent
from polydesk.core.trading.run_book import RunStatus
from polydesk.core.trading.strategy_plan import StrategyPlan
from polydesk.core.trading.strategy_runs import StrategyProgress
from polydesk.handlers.context import Desk
from polydesk.server.application import Application
from tests.support.live_desk import LIVE_LIMITS
from tests.support.processes import FED, KEY, WAIT_S

D = Decimal


class Turner(PolymarketStrategy):
    """Buys odd sizes at any price it is offered, and sells what has settled of them again."""

    declaration: ClassVar[Declaration] = Declaration(
        name="turner", summary="Turns over.", needs=frozenset({Need.BOOKS}), every=timedelta(seconds=1)
    )
    sells: ClassVar[bool] = True
    sells_all: ClassVar[bool] = False

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around.execution)
        self._around = around

    @classmethod
    def of(cls, surroundings: Surroundings, parameters: Parameters) -> Turner:
        return cls(surroundings)

    async def analyze_market(self, market: Market) -> TradingSignal:
        now, outcome = self._around.clock.now(), market.outcomes[0]
        book = await self._around.quotes.book(outcome.token_id)
        if book is None or book.best_ask is None:
            return nothing(market, outcome, "no book", now=now)
        held = (await self._around.account.holdings()).of(outcome.token_id)
        if self.sells_all:
            return selling(market, outcome, book, shares=D(20), reason="", now=now)
        if self.sells and held.sellable >= 10:
            return selling(market, outcome, book, shares=held.sellable / 2, reason="", now=now)
        price = book.best_ask.price
        return taking(market, outcome, shares=D("7.31"), price=price, limit=price, edge=D(0), reason="", now=now)

    async def decide(self, markets: Sequence[Market]) -> Decision:
        return Decision(signals=[await self.analyze_market(market) for market in markets])


@dataclass(frozen=True)
class Trading:
    """A live desk and the exchange it trades on."""

    desk: Desk
    exchange: Exchange

    async def begin(self, **bounds: Any) -> str:
        market = (await self.desk.directory.find(FED)).market
        given: dict[str, Any] = {"max_loss_usd": D(50), "max_exposure_usd": D(100)} | bounds
        plan = StrategyPlan(
            strategy="turner",
            markets=(market.condition_id,),
            parameters={},
            until=self.desk.clock.now() + timedelta(hours=1),
            every_s=0.1,
            **given,
        )
        run, _ = self.desk.strategies.start(plan, questions=(), host_can_ask=True, agreed_by_user=True)
        return run.run_id

    async def listing(self) -> Listing:
        return self.exchange.markets.by_condition[(await self.desk.directory.find(FED)).market.condition_id]

    async def until(self, run_id: str, holds: Callable[[StrategyProgress], bool]) -> StrategyProgress:
        async with asyncio.timeout(WAIT_S):
            while True:
                progress = await self.desk.strategies.progress(self.desk.slices.book.get(run_id))
                if holds(progress):
                    return progress
                await asyncio.sleep(0.02)

    def worth(self, prices: dict[str, Decimal]) -> Decimal:
        """Cash and shares of the desk's account, by the exchange's own ledger, in dollars."""
        account = self.exchange.ledger.accounts[str(self.desk.account)]
        shares = sum(prices.get(token, D(0)) * held.size for token, held in account.positions.items())
        return (account.cash + shares) / D(1_000_000)


@asynccontextmanager
async def trading(folder: Path, rules: ExchangeSettings) -> AsyncIterator[Trading]:
    exchange = Exchange(load_catalogue(), rules, SystemClock())
    async with AsyncExitStack() as opened:
        venue = await opened.enter_async_context(ExchangeServer(exchange))
        application = Application(
            load_settings(
                mode="live",
                api_url=venue.clob_url,
                gamma_url=venue.gamma_url,
                data_url=venue.data_url,
                ws_url=venue.ws_url,
                compute="inline",
                private_key=KEY,
                confirmation="elicit",
                max_orders_per_minute=10_000,
                state_dir=str(folder),
                **LIVE_LIMITS,
            )
        )
        opened.push_async_callback(application.aclose)
        yield Trading(await application.desk(), exchange)


@pytest.fixture(autouse=True)
def turner(monkeypatch: pytest.MonkeyPatch) -> type[Turner]:
    monkeypatch.setattr(strategy_runs, "strategy_class", lambda _: Turner)
    monkeypatch.setattr(Turner, "sells", True)
    monkeypatch.setattr(Turner, "sells_all", False)
    return Turner


async def test_the_profit_of_a_whole_run_is_the_change_of_the_exchanges_ledger(tmp_path: Path) -> None:
    """To the millionth of a dollar, over purchases, sales, fees, and trades that failed to settle."""
    rules = ExchangeSettings(
        simulated_traders=False,
        mined_after_s=0.05,
        confirmed_after_s=0.05,
        settlement_retry_probability=0.2,
        settlement_failure_probability=0.5,
        retried_after_s=0.05,
    )
    async with trading(tmp_path, rules) as ours:
        await ours.desk.trading.positions()  # the account exists
        before = ours.worth({})
        run_id = await ours.begin()
        await ours.until(run_id, lambda run: run.profit.sold_usd > 0 and run.profit.fills >= 12)
        await ours.desk.strategies.stop(run_id, "enough")
        trades = ours.exchange.registry.trades
        await ours.until(run_id, lambda _: all(each.status in ("CONFIRMED", "FAILED") for each in trades.values()))
        profit = (await ours.desk.strategies.progress(ours.desk.slices.book.get(run_id))).profit
        listing = await ours.listing()
        bid, ask = listing.book.best_for(0)
        assert bid is not None
        assert ask is not None
        middle = D(bid + ask) / 2 / 10_000
        after = ours.worth({listing.tokens[0]: middle})
        assert profit.total == after - before
        assert profit.total == profit.prices + profit.spread + profit.fees
        assert profit.spread < 0


async def test_a_run_ends_when_what_it_holds_has_lost_as_much_as_was_agreed(
    tmp_path: Path, turner: type[Turner]
) -> None:
    turner.sells = False
    async with trading(
        tmp_path, ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    ) as ours:
        run_id = await ours.begin(max_loss_usd=D("0.5"))
        await ours.until(run_id, lambda run: run.profit.fills >= 3)
        assert ours.desk.slices.book.get(run_id).status is RunStatus.RUNNING
        sweep(ours.exchange, await ours.listing())
        ended = await ours.until(run_id, lambda run: run.run.status is not RunStatus.RUNNING)
        assert ended.run.status is RunStatus.STOPPED
        assert "it has lost" in ended.run.cause
        assert ended.profit.total <= D("-0.5")
        # What was agreed ended it, and not a price that nobody could buy at.
        assert "run_loss" not in ended.notes.refused


async def test_a_strategy_sells_none_of_the_shares_that_a_person_bought(tmp_path: Path, turner: type[Turner]) -> None:
    rules = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    async with trading(tmp_path, rules) as ours:
        market = (await ours.desk.directory.find(FED)).market
        bought = OrderIntent(market=market, outcome=market.outcomes[0], side=OrderSide.BUY, size=D(50))
        draft = await ours.desk.trading.preview(bought)
        agreed = Consent(host_can_ask=True, agreed_by_user=True)
        await ours.desk.trading.place(bought, draft_id=draft.draft_id, consent=agreed)
        turner.sells_all = True
        run_id = await ours.begin()
        tried = await ours.until(run_id, lambda run: run.notes.refused.get("risk_run_holdings", 0) >= 3)
        await ours.desk.strategies.stop(run_id, "enough")
        assert (tried.orders[0].status, tried.profit.fills) == (OrderStatus.REFUSED, 0)
        account = ours.exchange.ledger.accounts[str(ours.desk.account)]
        assert account.positions[(await ours.listing()).tokens[0]].size == 50 * MICRO


def sweep(exchange: Exchange, listing: Listing) -> None:
    """Somebody sells the market down to a tenth of its price, and offers more there."""
    bid, _ = listing.book.best_for(0)
    assert bid is not None
    seller = house_account(exchange, "seller")
    price = bid // 10 // listing.tick * listing.tick
    order = house_order(
        exchange, seller, listing, is_bid=False, book_price=price, size=1_000_000 * MICRO, mirrored=False
    )
    exchange.trading.enter(order)
