"""An account on the embedded exchange, over a socket: its books tie to the venue's balances, failures and all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.ledger import Account
from polydesk.core.exchange.position_operations import merge_positions, redeem_positions, split_position
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import ConditionId, Slug, TokenId
from polydesk.core.models import Market, OrderSide, OrderTicket, TimeInForce, Trade
from polydesk.core.polymarket.amounts import limit_amounts, market_buy_amounts
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.data_api import DataClient
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport
from polydesk.core.portfolio.snapshot import Portfolio
from polydesk.core.venues.polymarket import PolymarketVenue
from tests.support.exchanges import environment_of

FED = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"


@dataclass
class Trader:
    """An account, its portfolio, and the exchange behind it."""

    exchange: Exchange
    clock: ManualClock
    clob: CLOBClient
    portfolio: Portfolio
    market: Market

    @property
    def account(self) -> Account:
        account = self.exchange.accounts.account_of(self.clob.account)
        assert account is not None
        return account

    async def trade(self, shares: str, price: str, *, side: OrderSide = OrderSide.BUY) -> None:
        token_id = self.market.outcomes[0].token_id
        amounts = limit_amounts(price=Decimal(price), size_shares=Decimal(shares), tick=self.market.tick)
        ticket = OrderTicket(
            token_id=token_id,
            condition_id=self.market.condition_id,
            side=side,
            price=Decimal(price),
            shares=amounts.shares,
            dollars=amounts.dollars,
            time_in_force=TimeInForce.GTC,
            tick=self.market.tick,
            neg_risk=self.market.neg_risk,
        )
        await self.clob.post_order(self.clob.sign(ticket))

    async def spend(self, dollars: str, price: str) -> None:
        """A purchase at once, whose shares have more decimals than prices times whole cents."""
        amounts = market_buy_amounts(worst_price=Decimal(price), spend_dollars=Decimal(dollars), tick=self.market.tick)
        ticket = OrderTicket(
            token_id=self.market.outcomes[0].token_id,
            condition_id=self.market.condition_id,
            side=OrderSide.BUY,
            price=Decimal(price),
            shares=amounts.shares,
            dollars=amounts.dollars,
            time_in_force=TimeInForce.FAK,
            tick=self.market.tick,
            neg_risk=self.market.neg_risk,
        )
        await self.clob.post_order(self.clob.sign(ticket))


Open = Callable[..., Any]


@pytest.fixture
def opened() -> Open:
    @asynccontextmanager
    async def open_trader(**settings: Any) -> AsyncIterator[Trader]:
        catalogue = load_catalogue()
        clock = ManualClock(catalogue.starts_at)
        rules = ExchangeSettings(simulated_traders=False, matching_delays="off", **settings)
        exchange = Exchange(catalogue, rules, clock)
        async with (
            ExchangeServer(exchange) as server,
            Transport(environment_of(server), clock=clock, random=Random(1)) as transport,
        ):
            clob = CLOBClient(transport, signer=Signer("0x" + "5" * 64))
            await clob.credentials()
            gamma, data = GammaClient(transport), DataClient(transport)
            market = await gamma.market_by_slug(Slug(FED))
            assert market is not None

            async def tokens_of(condition_id: ConditionId) -> tuple[TokenId, ...]:
                assert condition_id == market.condition_id
                return tuple(outcome.token_id for outcome in market.outcomes)

            def fee_of(trade: Trade) -> Decimal:
                return market.fees.taker_fee(trade.size, trade.price) if trade.is_taker else Decimal(0)

            async def activity() -> Any:
                return await data.whole_activity(clob.account)

            venue = PolymarketVenue(clob, data, clock)
            portfolio = Portfolio(venue, clock, fee_of, activity=activity, tokens_of=tokens_of)
            yield Trader(exchange, clock, clob, portfolio, market)

    return open_trader


async def settle(trader: Trader) -> None:
    for _ in range(12):
        await trader.clock.advance(1)


async def test_everything_an_account_can_do_ties_to_the_venues_balances(opened: Open) -> None:
    async with opened() as trader:
        await trader.trade("40", "0.985")
        await settle(trader)
        await trader.trade("15", "0.97", side=OrderSide.SELL)
        condition_id = trader.market.condition_id
        split_position(trader.exchange, trader.account, condition_id, 30_000_001)
        await settle(trader)
        merge_positions(trader.exchange, trader.account, condition_id, 10_000_000)
        told = await trader.portfolio.statement()
        assert told.ties, (told.cash_difference, told.shares)
        assert (told.paid_in, told.not_indexed, told.may_be) == (1000, 0, ())
        held = {each: position.size for each, position in trader.account.positions.items()}
        assert sorted(held.values()) == [20_000_001, 45_000_001]
        trader.exchange.resolve(condition_id, 0)
        redeem_positions(trader.exchange, trader.account, condition_id)
        await trader.clock.advance(60)
        ended = await trader.portfolio.statement()
        assert ended.ties, (ended.cash_difference, ended.shares)
        assert ended.unrealized == 0
        assert ended.realized == ended.venue_cash - 1000
        assert ended.fees == told.fees


async def test_a_match_is_provisional_until_it_is_confirmed(opened: Open) -> None:
    async with opened(mined_after_s=2, confirmed_after_s=3) as trader:
        await trader.trade("40", "0.985")
        matched = await trader.portfolio.snapshot()
        assert (matched.cash, matched.settled) == (1000, 1000)
        assert matched.provisional < 0
        assert matched.free == 1000 + matched.provisional
        await trader.clock.advance(2)
        mined = await trader.portfolio.snapshot()
        assert mined.cash == 1000 + matched.provisional
        assert (mined.settled, mined.provisional) == (1000, matched.provisional)
        assert mined.settled_equity == 1000 != mined.equity
        assert (await trader.portfolio.statement()).ties
        await trader.clock.advance(3)
        confirmed = await trader.portfolio.snapshot()
        assert (confirmed.cash, confirmed.settled, confirmed.provisional) == (mined.cash, mined.cash, 0)
        assert confirmed.settled_equity == confirmed.equity


async def test_a_failed_trade_is_undone(opened: Open) -> None:
    rules = {"settlement_retry_probability": 1, "settlement_failure_probability": 1, "retried_after_s": 4}
    async with opened(**rules) as trader:
        await trader.trade("40", "0.985")
        await trader.clock.advance(1)
        retrying = await trader.portfolio.snapshot()
        assert [trade.status for trade in retrying.settling] == ["RETRYING"]
        assert retrying.provisional < 0
        await trader.clock.advance(4)
        failed = await trader.portfolio.snapshot()
        assert (failed.cash, failed.settled, failed.provisional, failed.free) == (1000, 1000, 0, 1000)
        assert failed.settling == ()
        told = await trader.portfolio.statement()
        assert told.ties
        assert (told.realized, told.unrealized, told.fees) == (0, 0, 0)


async def test_some_trades_fail_and_the_rest_still_tie(opened: Open) -> None:
    rules = {"settlement_retry_probability": 1, "settlement_failure_probability": 0.5, "retried_after_s": 1}
    async with opened(**rules) as trader:
        for shares in ("10.33", "20.01", "5.55", "7.77", "6.01", "8.09"):
            await trader.trade(shares, "0.985")
            await settle(trader)
        trades = {trade.status for trade in trader.exchange.registry.trades_of(trader.account)}
        assert trades == {"CONFIRMED", "FAILED"}
        told = await trader.portfolio.statement()
        assert told.ties, (told.cash_difference, told.shares)
        assert told.fees == sum(
            (
                Decimal(trade.fee) / 10**6
                for trade in trader.exchange.registry.trades_of(trader.account)
                if trade.settled
            ),
            Decimal(0),
        )


async def test_money_that_no_record_explains_is_shown_with_its_size_and_what_it_may_be(opened: Open) -> None:
    async with opened() as trader:
        with trader.exchange.transaction():
            trader.exchange.ledger.deposit(trader.account, 12_500_000)
        more = await trader.portfolio.statement()
        assert (more.ties, more.cash_difference) == (False, Decimal("12.5"))
        assert "deposit" in more.may_be[0]
        with trader.exchange.transaction():
            trader.exchange.ledger.deposit(trader.account, -20_000_000)
        less = await trader.portfolio.statement()
        assert less.cash_difference == Decimal("-7.5")
        assert "withdrawal" in less.may_be[0]


async def test_shares_that_no_record_explains_are_shown(opened: Open) -> None:
    async with opened() as trader:
        token_id = trader.market.outcomes[0].token_id
        with trader.exchange.transaction():
            trader.account.position(token_id).acquire(5_000_000, cost=0, fee=0, at=trader.exchange.now_s)
        told = await trader.portfolio.statement()
        (off,) = told.shares
        assert (off.token_id, off.expected, off.at_venue) == (token_id, 0, 5)
        assert any("another wallet" in cause for cause in told.may_be)


async def test_what_is_final_is_told_to_the_millionth_while_the_fill_settles(opened: Open) -> None:
    async with opened() as trader:
        await trader.spend("25", "0.985")
        seen: set[tuple[bool, bool]] = set()
        for _ in range(60):
            snapshot = await trader.portfolio.snapshot()
            if not snapshot.settling:
                break
            for trade in snapshot.settling:
                seen.add((trade.status.undelivered, trade.price * trade.size == round(trade.price * trade.size, 6)))
            assert snapshot.settled == 1000
            await trader.clock.advance(0.25)
        assert (False, False) in seen, "the fill was seen between its delivery and its confirmation"
