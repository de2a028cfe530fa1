"""The simulated traders keep a market alive, near its recording, and the same again for the same seed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import Catalogue, load_catalogue
from polydesk.core.exchange.events import BookChanged, ExchangeEvent, OrderChanged, TradeChanged
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.traders import simulated_traders
from polydesk.core.exchange.venue import Exchange


async def lived(catalogue: Catalogue, *, seed: int, seconds: int) -> tuple[Exchange, list[str]]:
    """An exchange after some time with its traders, and the tape of all that happened."""
    clock = ManualClock(catalogue.starts_at)
    exchange = Exchange(catalogue, ExchangeSettings(seed=seed), clock)
    tape: list[str] = []

    def note(event: ExchangeEvent) -> None:
        match event:
            case BookChanged(listing, levels, trades):
                book = listing.book
                sizes = [(book.bids if bid else book.asks).size_at(price) for bid, price in levels]
                tape.append(f"{exchange.now_ms} book {listing.condition_id} {levels} {sizes} {len(trades)}")
                bid, ask = book.bids.best, book.asks.best
                assert bid is None or ask is None or bid < ask
            case OrderChanged(order, _, kind):
                tape.append(f"{exchange.now_ms} {kind} {order.id} {order.side} {order.price} {order.status}")
            case TradeChanged(trade):
                tape.append(f"{exchange.now_ms} {trade.id} {trade.status} {trade.shares} {trade.price} {trade.fee}")
            case _:
                tape.append(f"{exchange.now_ms} {event}")

    exchange.events.subscribe(note)
    tasks = [asyncio.create_task(trader.run()) for trader in simulated_traders(exchange)]
    tasks.append(asyncio.create_task(exchange.agenda.run()))
    await clock.advance(seconds)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return exchange, tape


async def test_the_same_seed_gives_the_same_tape(catalogue: Catalogue) -> None:
    _, first = await lived(catalogue, seed=7, seconds=300)
    _, again = await lived(catalogue, seed=7, seconds=300)
    _, other = await lived(catalogue, seed=8, seconds=300)
    assert len(first) > 300
    assert first == again
    assert first != other


async def test_prices_move_but_stay_near_the_recorded_ones() -> None:
    bundled = load_catalogue()
    exchange, _ = await lived(bundled, seed=1, seconds=900)
    moved = 0
    for listing in exchange.markets.listings:
        if listing.closed:
            continue
        recorded = listing.recorded
        before = (recorded.bids[0][0] + recorded.asks[0][0]) / 2
        now = listing.midpoint
        assert now is not None
        assert abs(now - before) <= 6 * max(listing.tick_decimal, Decimal("0.001"))
        moved += now != before or listing.volume > 0
    assert moved >= 5
    assert not exchange.ledger.discrepancies(
        {listing.condition_id: listing.tokens for listing in exchange.markets.listings}
    )


async def test_depth_that_was_taken_comes_back(catalogue: Catalogue) -> None:
    exchange, _ = await lived(catalogue, seed=3, seconds=1200)
    busy = exchange.markets.by_token["131"]
    bids = sum(level.size for level in busy.book.bids.best_first())
    asks = sum(level.size for level in busy.book.asks.best_first())
    assert min(bids, asks) > 1_000_000_000


async def test_they_act_a_few_times_a_second_and_forget_their_finished_orders(catalogue: Catalogue) -> None:
    exchange, tape = await lived(catalogue, seed=5, seconds=600)
    placements = sum(" PLACEMENT " in line for line in tape)
    assert 0.5 < placements / 600 < 5
    assert len(exchange.registry.orders) < 500
    assert len(exchange.registry.trades) < 20
