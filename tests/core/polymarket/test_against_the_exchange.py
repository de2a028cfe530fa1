"""The clients and the streams against the embedded exchange: two independent readings of one protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from polydesk.core.clock import SystemClock
from polydesk.core.errors import InputRejected, InsufficientBalance, OrderError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.models import Market, OrderSide, OrderTicket, TimeInForce, TradeStatus
from polydesk.core.polymarket.amounts import limit_amounts, market_buy_amounts
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.data_api import DataClient
from polydesk.core.polymarket.environments import Environment
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.rejections import CredentialsRefused
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.streams import MarketStream, UserStream
from polydesk.core.polymarket.transport import Transport
from polydesk.core.polymarket.wire.stream_events import BookSnapshot, OrderUpdate, PriceChanges, TradeUpdate
from tests.support.exchanges import environment_of

PUBLIC_TEST_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@pytest.fixture
async def environment() -> AsyncIterator[Environment]:
    settings = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    async with ExchangeServer(Exchange(load_catalogue(), settings, SystemClock())) as server:
        yield environment_of(server)


@pytest.fixture
async def shared(environment: Environment) -> AsyncIterator[Transport]:
    async with Transport(environment, clock=SystemClock(), random=Random(11)) as opened:
        yield opened


@pytest.fixture
def clob(shared: Transport) -> CLOBClient:
    return CLOBClient(shared, signer=Signer(PUBLIC_TEST_KEY))


async def a_market(shared: Transport, clob: CLOBClient) -> Market:
    """An open market with both sides of a book, and not a long shot."""
    for market in (await GammaClient(shared).markets(closed=False, limit=50)).markets:
        book = await clob.book(market.outcomes[0].token_id)
        if book and book.best_bid and book.best_ask and Decimal("0.2") < book.best_ask.price < Decimal("0.9"):
            return market
    raise AssertionError("the catalogue has no market with such a book")


def limit(market: Market, side: OrderSide, price: Decimal, size: str, *, post_only: bool = False) -> OrderTicket:
    amounts = limit_amounts(price=price, size_shares=Decimal(size), tick=market.tick)
    return OrderTicket(
        token_id=market.outcomes[0].token_id,
        condition_id=market.condition_id,
        side=side,
        price=price,
        shares=amounts.shares,
        dollars=amounts.dollars,
        time_in_force=TimeInForce.GTC,
        tick=market.tick,
        neg_risk=market.neg_risk,
        post_only=post_only,
    )


async def test_the_catalogue_is_found_by_every_key(shared: Transport, clob: CLOBClient) -> None:
    gamma = GammaClient(shared)
    market = await a_market(shared, clob)
    by_id, by_slug = await gamma.market(market.id), await gamma.market_by_slug(market.slug)
    assert by_id is not None
    assert by_slug is not None
    assert by_id.condition_id == by_slug.condition_id == market.condition_id
    assert (await gamma.markets(condition_ids=[market.condition_id])).markets[0].id == market.id
    assert (await gamma.markets(token_ids=[market.outcomes[1].token_id])).markets[0].id == market.id
    events = await gamma.events(limit=5)
    assert await gamma.event(events.events[0].id) is not None
    assert await gamma.event_by_slug(events.events[0].slug) is not None
    assert (await gamma.search(events.events[0].title)).events
    assert await gamma.tags()
    assert await gamma.market_by_slug("no-such-market") is None


async def test_market_data_agrees_with_itself(shared: Transport, clob: CLOBClient) -> None:
    market = await a_market(shared, clob)
    token = market.outcomes[0].token_id
    tokens = [outcome.token_id for outcome in market.outcomes]
    book = await clob.book(token)
    assert book is not None
    assert book.best_bid is not None
    assert book.best_ask is not None
    assert (await clob.books(tokens)).keys() == set(tokens)
    assert await clob.price(token, OrderSide.BUY) == book.best_bid.price
    assert await clob.price(token, OrderSide.SELL) == book.best_ask.price
    assert (await clob.prices(tokens, OrderSide.BUY))[token] == book.best_bid.price
    assert await clob.midpoint(token) == book.midpoint == (await clob.midpoints(tokens))[token]
    assert await clob.spread(token) == book.spread == (await clob.spreads(tokens))[token]
    assert await clob.tick_size(token) == book.tick
    assert await clob.neg_risk(token) is market.neg_risk
    assert await clob.market_by_token(token) == market.condition_id
    rules = await clob.clob_market(market.condition_id)
    assert rules is not None
    assert (rules.tick, rules.neg_risk, rules.fees.rate) == (book.tick, market.neg_risk, market.fees.rate)
    listed = await clob.listed_market(market.condition_id)
    assert listed is not None
    assert [row.token_id for row in listed.tokens] == tokens
    assert (await clob.listing("simplified-markets")).markets
    assert (await clob.listing("sampling-markets")).next_cursor is None
    assert await clob.version() == 2
    assert await clob.server_time() > 0
    assert (await clob.price_history(token, interval="1d")).token_id == token
    await clob.last_trade_price(token)
    await clob.last_trade_prices(tokens)


async def test_an_order_lives_and_is_cancelled(shared: Transport, clob: CLOBClient) -> None:
    market = await a_market(shared, clob)
    signed = clob.sign(limit(market, OrderSide.BUY, market.tick, "10", post_only=True))
    assert await clob.order(signed.order_id) is None
    placed = await clob.post_order(signed)
    assert (placed.order_id, placed.status) == (signed.order_id, "live")
    found = await clob.order(signed.order_id)
    assert found is not None
    assert (found.status, found.original_size, found.price) == ("LIVE", Decimal(10), market.tick)
    assert [order.id for order in await clob.open_orders(condition_id=market.condition_id)] == [signed.order_id]
    with pytest.raises(OrderError, match="no order is sent twice") as duplicate:
        await clob.post_order(signed)
    assert duplicate.value.code == "duplicate"
    with pytest.raises(OrderError, match="Duplicated") as duplicate:
        forgetful = CLOBClient(shared, signer=Signer(PUBLIC_TEST_KEY))  # as another process would be
        await forgetful.post_order(signed)
    assert duplicate.value.code == "duplicate"
    assert (await clob.cancel([signed.order_id])).canceled == (signed.order_id,)
    assert signed.order_id in (await clob.cancel([signed.order_id])).not_canceled
    assert await clob.open_orders() == ()
    assert (await clob.cancel_all()).canceled == ()
    assert (await clob.cancel_market(market.condition_id)).canceled == ()


async def test_a_signature_is_worth_nothing_in_another_environment(
    environment: Environment, shared: Transport, clob: CLOBClient
) -> None:
    market = await a_market(shared, clob)
    elsewhere = replace(environment, chain_id=31337)
    async with Transport(elsewhere, clock=SystemClock(), random=Random(11)) as transport:
        other = CLOBClient(transport, signer=Signer(PUBLIC_TEST_KEY))
        play_money = other.sign(limit(market, OrderSide.BUY, market.tick, "10"))
        with pytest.raises(CredentialsRefused):
            await other.create_or_derive_credentials()
    with pytest.raises(InputRejected, match="signed for chain 31337") as refusal:
        await clob.post_order(play_money)
    assert refusal.value.code == "signed_elsewhere"
    disguised = replace(play_money, chain_id=137)
    with pytest.raises(OrderError) as refused:
        await clob.post_order(disguised)
    assert refused.value.code in ("invalid_signature", "wrong_signer")
    assert await clob.open_orders() == ()


async def test_a_market_order_fills_and_shows_in_every_record(shared: Transport, clob: CLOBClient) -> None:
    market = await a_market(shared, clob)
    book = await clob.book(market.outcomes[0].token_id, fresh=True)
    assert book is not None
    assert book.best_ask is not None
    before = await clob.balance()
    amounts = market_buy_amounts(worst_price=book.best_ask.price, spend_dollars=Decimal(2), tick=market.tick)
    ticket = replace(
        limit(market, OrderSide.BUY, book.best_ask.price, "5"),
        shares=amounts.shares,
        dollars=amounts.dollars,
        time_in_force=TimeInForce.FAK,
    )
    signed = clob.sign(ticket)
    placed = await clob.post_order(signed)
    assert placed.status == "matched"
    assert placed.making > 0
    assert placed.taking >= amounts.shares
    fills = await clob.trades(condition_id=market.condition_id)
    assert {fill.order_id for fill in fills} == {signed.order_id}
    assert sum(fill.size for fill in fills) == placed.taking
    assert {fill.id for fill in fills} == set(placed.trade_ids)
    assert {fill.status for fill in fills} == {TradeStatus.CONFIRMED}
    assert await clob.token_balance(ticket.token_id) == placed.taking
    after = await clob.balance()
    assert after.collateral <= before.collateral - placed.making
    (position,) = await DataClient(shared).positions(clob.account)
    assert (position.token_id, position.size) == (ticket.token_id, placed.taking)
    assert await DataClient(shared).value(clob.account) > 0
    assert (await DataClient(shared).trades(user=clob.account)).items
    await clob.refresh_balance()


async def test_refusals_have_their_codes(shared: Transport, clob: CLOBClient) -> None:
    market = await a_market(shared, clob)
    book = await clob.book(market.outcomes[0].token_id)
    assert book is not None
    assert book.best_ask is not None
    with pytest.raises(InsufficientBalance):
        await clob.post_order(clob.sign(limit(market, OrderSide.BUY, book.best_ask.price, "1000000")))
    with pytest.raises(OrderError) as small:
        await clob.post_order(clob.sign(limit(market, OrderSide.BUY, market.tick, "1")))
    assert small.value.code in ("min_size", "min_notional")
    with pytest.raises(OrderError) as crossing:
        await clob.post_order(clob.sign(limit(market, OrderSide.BUY, book.best_ask.price, "10", post_only=True)))
    assert crossing.value.code == "post_only_would_cross"
    results = await clob.post_orders(
        [
            clob.sign(limit(market, OrderSide.BUY, market.tick, "10")),
            clob.sign(limit(market, OrderSide.SELL, book.best_ask.price, "10")),
        ]
    )
    assert [type(result).__name__ for result in results] == ["PlacementResult", "InsufficientBalance"]


async def test_both_streams_tell_what_happens(environment: Environment, shared: Transport, clob: CLOBClient) -> None:
    market = await a_market(shared, clob)
    token = market.outcomes[0].token_id
    credentials = await clob.credentials()
    clock = SystemClock()
    async with (
        MarketStream(environment, [token], clock=clock, random=Random(1)) as prices,
        UserStream(
            environment, lambda: credentials, addresses=[clob.account], clock=clock, random=Random(2)
        ) as account,
        asyncio.timeout(10),
    ):
        first = await anext(prices)
        assert isinstance(first, BookSnapshot)
        assert first.token_id == token
        await account.wait_connected()
        signed = clob.sign(limit(market, OrderSide.BUY, market.tick, "10"))
        await clob.post_order(signed)
        change = await anext(prices)
        while not isinstance(change, PriceChanges):
            change = await anext(prices)
        assert (token, OrderSide.BUY, market.tick) in {
            (level.token_id, level.side, level.price) for level in change.changes
        }
        placement = await anext(account)
        assert isinstance(placement, OrderUpdate)
        assert (placement.kind, placement.order.id) == ("PLACEMENT", signed.order_id)
        assert first.asks
        taker = clob.sign(limit(market, OrderSide.BUY, first.asks[0].price, "5"))
        await clob.post_order(taker)
        update = await anext(account)
        while not isinstance(update, TradeUpdate):
            update = await anext(account)
        assert {fill.order_id for fill in update.fills} == {taker.order_id}
        assert update.timestamp - clock.now() < timedelta(minutes=1)
