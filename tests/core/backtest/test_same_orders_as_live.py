"""The same strategy over the same events, through sockets and in a replay: every order, fill and fee is the same.

The one way is that of a live desk: the client speaks to a server on a port of this machine, which the recording drives.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from polydesk.core.backtest.conditions import INSTANT
from polydesk.core.backtest.replay import CHAIN_ID
from polydesk.core.backtest.run import Run, run_strategy
from polydesk.core.backtest.windows import between, span_of
from polydesk.core.clock import Clock, ReplayClock
from polydesk.core.exchange.replay.player import Player
from polydesk.core.exchange.replay.recording import Recording, read_recording
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import ConditionId, TokenId
from polydesk.core.models import Market, OrderBook, OrderSide, Trade, TradingSignal
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.data_api import DataClient
from polydesk.core.polymarket.environments import environment_at
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport
from polydesk.core.risk.limits import RiskLimits
from polydesk.core.storage.database import Database
from polydesk.core.storage.processes import ProcessMark
from polydesk.core.strategies.decision import Decision, Quote, TargetQuotes
from polydesk.core.strategies.declaration import Declaration, Need
from polydesk.core.strategies.look import look
from polydesk.core.strategies.strategy import PolymarketStrategy
from polydesk.core.strategies.surroundings import Execution
from polydesk.core.trading.consent import NoConsent
from polydesk.core.trading.desk import TradingDesk
from polydesk.core.trading.strategy_execution import DeskExecution
from polydesk.core.venues.polymarket import PolymarketVenue
from polydesk.server.order_desk import order_desk
from polydesk.server.replay_desk import TOKEN_PREFIX, replay_desk

D = Decimal
CASH = D(1000)
EVERY = timedelta(seconds=2)
COMPACT_FEES = {"fd": {"r": 0.07, "e": 1, "to": True}}
FEES = {"feesEnabled": True, "feeSchedule": {"rate": 0.07, "exponent": 1, "takerOnly": True}}

ReadBook = Callable[[TokenId], Awaitable[OrderBook | None]]
Make = Callable[[Execution, ReadBook, Clock], PolymarketStrategy]
Told = tuple[list[tuple[object, ...]], list[tuple[object, ...]], Decimal]


class Taker(PolymarketStrategy):
    """Buys and sells with the heavier side of the book, in sizes that walk through levels."""

    declaration: ClassVar[Declaration] = Declaration(
        name="taker", summary="Follows weight.", needs=frozenset({Need.BOOKS})
    )

    def __init__(self, execution: Execution, read_book: ReadBook, clock: Clock) -> None:
        super().__init__(execution)
        self._book = read_book
        self._clock = clock
        self._held = D(0)

    async def analyze_market(self, market: Market) -> TradingSignal:
        token = market.outcomes[0].token_id
        book = await self._book(token)
        bid = book.best_bid if book is not None else None
        ask = book.best_ask if book is not None else None
        if bid is None or ask is None:
            return self._signal(market, OrderSide.BUY, D(0), D(0))
        if self._held and ask.size > bid.size:
            return self._signal(market, OrderSide.SELL, max(bid.price - D("0.03"), D("0.01")), self._held)
        size = D(60) if bid.size > ask.size else D(0)
        return self._signal(market, OrderSide.BUY, min(ask.price + D("0.02"), D("0.99")), size)

    async def execute_trade(self, signal: TradingSignal) -> Trade:
        trade = await super().execute_trade(signal)
        self._held += trade.size if signal.side is OrderSide.BUY else -trade.size
        return trade

    def _signal(self, market: Market, side: OrderSide, price: Decimal, size: Decimal) -> TradingSignal:
        return TradingSignal(
            market_id=market.condition_id,
            token_id=market.outcomes[0].token_id,
            outcome=market.outcomes[0].label,
            side=side,
            verdict="no_edge" if not size else "buy" if side is OrderSide.BUY else "sell",
            fair_value=price,
            low=price,
            high=price,
            price=price,
            limit_price=price,
            edge=D(0),
            size=size,
            reason="weight",
            as_of=self._clock.now(),
        )


class Maker(Taker):
    """Rests a bid for each outcome a cent below the best one, and follows it."""

    async def decide(self, markets: Sequence[Market]) -> Decision:
        return Decision(quotes=[each for market in markets if (each := await self._targets(market)) is not None])

    async def _targets(self, market: Market) -> TargetQuotes | None:
        quotes = []
        for outcome in market.outcomes:
            book = await self._book(outcome.token_id)
            if book is not None and book.best_bid is not None and book.best_bid.price > D("0.05"):
                price = book.best_bid.price - D("0.01")
                quotes.append(Quote(outcome.token_id, outcome.label, OrderSide.BUY, price, D(20)))
        return TargetQuotes(market.condition_id, tuple(quotes), None, "beside the best", self._clock.now())


@pytest.fixture(scope="module", params=[25, pytest.param(None, marks=pytest.mark.takeover)], ids=["25 s", "everything"])
def events(request: pytest.FixtureRequest) -> Recording:
    """From 0.78 to 0.38 in 71 seconds, with a taker's fee, or the first of them."""
    recording = read_recording([Path(__file__).parents[2] / "recordings" / "btc_updown_15m" / "books.parquet"])
    markets = tuple(
        dataclasses.replace(each, gamma={**each.gamma, **FEES}, clob={**each.clob, **COMPACT_FEES})
        for each in recording.catalogue.markets
    )
    whole = dataclasses.replace(recording, catalogue=dataclasses.replace(recording.catalogue, markets=markets))
    first_ms, _ = span_of(whole)
    return whole if request.param is None else between(whole, first_ms, first_ms + 1000 * request.param)


async def in_a_replay(recording: Recording, make: Make) -> Told:
    async with replay_desk(recording, starting_balance=CASH, seed=5) as (replay, desk, execution):
        await run_strategy(make(execution, replay.present.book, replay.clock), replay, Run(CASH), every=EVERY)
        return await told(desk, replay.venue, Decimal(replay.account.cash))


async def through_sockets(recording: Recording, make: Make, folder: Path) -> Told:
    clock = ReplayClock(recording.catalogue.starts_at)
    rules = INSTANT.exchange_settings(chain_id=CHAIN_ID, seed=5, starting_balance=CASH)
    exchange = Exchange(recording.catalogue, rules, clock)
    player = Player(exchange, recording)
    async with AsyncExitStack() as opened:
        server = await opened.enter_async_context(ExchangeServer(exchange))
        environment = environment_at(
            "sockets",
            clob_url=server.clob_url,
            gamma_url=server.gamma_url,
            data_url=server.data_url,
            ws_url=server.ws_url,
            chain_id=CHAIN_ID,
        )
        transport = Transport(environment, clock=clock, random=random.Random(2))
        opened.push_async_callback(transport.aclose)
        clob = CLOBClient(transport, signer=Signer(f"{7:064x}"))
        await clob.credentials()
        venue = PolymarketVenue(clob, DataClient(transport), clock)
        markets = {market.condition_id: market async for market in GammaClient(transport).iterate_markets()}
        database = Database.in_memory()
        opened.callback(database.close)
        desk = _desk(venue, clock, folder, database)
        execution = DeskExecution(desk, _finder(markets), clock, prefix=TOKEN_PREFIX)
        strategy = make(execution, venue.book, clock)
        moment = clock.now()
        while True:
            _go_to(moment, clock, exchange, player)
            listings = exchange.markets.by_condition
            open_markets = [each for each in markets.values() if not listings[each.condition_id].closed]
            if open_markets:
                await look(strategy, open_markets)
            if player.next_ms is None:
                break
            moment = max(datetime.fromtimestamp(player.next_ms / 1000, UTC), moment + EVERY)
        _go_to(moment + INSTANT.all_settled_after, clock, exchange, player)
        return await told(desk, venue, Decimal(exchange.ledger.accounts[venue.account].cash))


def _go_to(moment: datetime, clock: ReplayClock, exchange: Exchange, player: Player) -> None:
    """Let everything happen up to a moment, each thing at its own time."""
    until_ms = int(moment.timestamp() * 1000)
    while due := [at for at in (player.next_ms, exchange.agenda.next_ms) if at is not None and at <= until_ms]:
        clock.leap(datetime.fromtimestamp(min(due) / 1000, UTC))
        exchange.agenda.run_due()
        player.play_until(min(due))
    clock.leap(moment)


def _finder(markets: dict[ConditionId, Market]) -> Callable[[ConditionId], Awaitable[Market]]:
    async def find(condition_id: ConditionId) -> Market:
        return markets[condition_id]

    return find


def _desk(venue: PolymarketVenue, clock: Clock, folder: Path, database: Database) -> TradingDesk:
    numbers = itertools.count(1)
    return order_desk(
        database,
        venue,
        clock,
        account=venue.account,
        folder=folder,
        process=ProcessMark(None),
        limits=RiskLimits(max_order_usd=CASH, max_open_orders=1000),
        consent=NoConsent(),
        new_id=lambda letter: f"{letter}{next(numbers)}",
        new_code=lambda: f"c{next(numbers)}",
        lifted_by="nobody",
    ).desk


async def told(desk: TradingDesk, venue: PolymarketVenue, cash: Decimal) -> Told:
    """The journal's orders with what became of them, the venue's fills as the client reads them, and the cash."""
    await desk.refresh()
    orders: list[tuple[object, ...]] = [
        (
            record.client_token,
            record.intent.side,
            record.intent.price,
            record.intent.size,
            record.intent.time_in_force,
            record.intent.post_only,
            record.status,
            record.plan and dataclasses.astuple(record.plan.ticket),
            record.result and (record.result.making, record.result.taking),
            record.refusal,
            record.created_at,
        )
        for record in desk.journal.of_tokens(f"{TOKEN_PREFIX}/")
    ]
    tokens = {record.order_id: record.client_token for record in desk.journal.of_tokens(f"{TOKEN_PREFIX}/")}
    fills: list[tuple[object, ...]] = [
        (
            tokens[fill.order_id],
            fill.side,
            fill.price,
            fill.size,
            fill.fee,
            desk.fee_of(fill),
            fill.is_taker,
            fill.timestamp,
            fill.status,
        )
        for fill in await venue.trades()
    ]
    return orders, fills, cash


@pytest.mark.parametrize("make", [Taker, Maker])
async def test_orders_fills_and_fees_are_the_same_through_sockets_and_in_a_replay(
    events: Recording, make: Make, tmp_path: Path
) -> None:
    replayed = await in_a_replay(events, make)
    live = await through_sockets(events, make, tmp_path)
    assert replayed == live
    orders, fills, _ = replayed
    assert len(orders) >= 5
    assert fills
    if make is Taker:
        assert {side for _, side, *_ in fills} == {OrderSide.BUY, OrderSide.SELL}
        assert all(fee for *_, fee, _, _, _ in fills)
