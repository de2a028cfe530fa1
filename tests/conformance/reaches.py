"""The ways to reach a venue, each opened with an account that has money and a market that trades."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import httpx2

from polydesk.core.background_tasks import cancelled
from polydesk.core.clock import ManualClock, ShiftedClock
from polydesk.core.exchange.application import build_application
from polydesk.core.exchange.catalogue import Catalogue, load_catalogue
from polydesk.core.exchange.replay.player import Player
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import Slug
from polydesk.core.models import Market, OrderBook, OrderSide, OrderTicket, PlacementResult, TimeInForce
from polydesk.core.polymarket.amounts import market_buy_amounts
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.data_api import DataClient
from polydesk.core.polymarket.environments import Environment, environment_at
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport
from polydesk.core.venues.polymarket import PolymarketVenue
from polydesk.core.venues.venue import ApprovedOrder, SignedTicket
from tests.support.exchanges import environment_of
from tests.support.paper_exchange import CHAIN_ID, open_paper
from tests.support.real_venue import FALL, real_venue
from tests.support.real_venue import SLUG as FALLING

FED = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"
US, OTHER = Signer("0x" + "5" * 64), Signer("0x" + "6" * 64)
DELAY_S = 3


@dataclass
class Reach:
    """A venue reached in one way. `other` is another account on it; time passes when `pass_time` says so."""

    exchange: Exchange
    clock: ManualClock | ShiftedClock
    venue: PolymarketVenue
    other: PolymarketVenue
    market: Market

    async def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            if isinstance(self.clock, ManualClock):
                await self.clock.advance(1)
            else:
                self.clock.leap(self.clock.now() + timedelta(seconds=1))
            self.exchange.agenda.run_due()

    async def book(self, outcome: int = 0) -> OrderBook:
        """The book of an outcome, which has both sides."""
        book = await self.venue.book(self.market.outcomes[outcome].token_id)
        assert book is not None
        assert book.best_bid is not None
        assert book.best_ask is not None
        return book

    def ticket(
        self,
        side: OrderSide,
        price: Decimal,
        shares: Decimal,
        *,
        time_in_force: TimeInForce = TimeInForce.GTC,
        dollars: Decimal | None = None,
        post_only: bool = False,
        expires_at: datetime | None = None,
    ) -> OrderTicket:
        """An order of the first outcome. Nothing is rounded and nothing checked: that is what the venue is for."""
        return OrderTicket(
            token_id=self.market.outcomes[0].token_id,
            condition_id=self.market.condition_id,
            side=side,
            price=price,
            shares=shares,
            dollars=shares * price if dollars is None else dollars,
            time_in_force=time_in_force,
            tick=self.market.tick,
            neg_risk=self.market.neg_risk,
            post_only=post_only,
            expires_at=expires_at,
        )

    def signed(self, ticket: OrderTicket, *, by: PolymarketVenue | None = None) -> SignedTicket:
        approved = ApprovedOrder(ticket, worst_cost=ticket.dollars, approved_at=self.clock.now(), controls={})
        return (by or self.venue).sign(approved)

    async def place(
        self, side: OrderSide, price: Decimal, shares: Decimal, *, by: PolymarketVenue | None = None, **more: Any
    ) -> PlacementResult:
        return await (by or self.venue).submit(self.signed(self.ticket(side, price, shares, **more), by=by))

    async def spend(self, dollars: Decimal, worst_price: Decimal, time_in_force: TimeInForce) -> PlacementResult:
        """Buy at once for so many dollars, or not at all."""
        amounts = market_buy_amounts(worst_price=worst_price, spend_dollars=dollars, tick=self.market.tick)
        return await self.place(
            OrderSide.BUY, worst_price, amounts.shares, dollars=amounts.dollars, time_in_force=time_in_force
        )

    async def cash(self) -> Decimal:
        return (await self.venue.balance()).collateral

    async def shares(self) -> Decimal:
        return await self.venue.token_balance(self.market.outcomes[0].token_id)


OpenReach = Callable[[ExchangeSettings], AbstractAsyncContextManager[Reach]]


@asynccontextmanager
async def by_socket(rules: ExchangeSettings) -> AsyncIterator[Reach]:
    """The exchange behind a port of this machine."""
    clock, exchange = _recorded_exchange(rules)
    async with ExchangeServer(exchange) as server, _reached(exchange, clock, environment_of(server), FED) as reach:
        yield reach


@asynccontextmanager
async def in_process(rules: ExchangeSettings) -> AsyncIterator[Reach]:
    """The exchange's application called as a function."""
    clock, exchange = _recorded_exchange(rules)
    carrier = httpx2.ASGITransport(app=build_application(exchange))
    url = "http://127.0.0.1"
    environment = environment_at(
        "in process",
        clob_url=f"{url}/clob",
        gamma_url=f"{url}/gamma",
        data_url=f"{url}/data",
        ws_url="ws://127.0.0.1/ws",
        chain_id=rules.chain_id,
    )
    agenda = asyncio.create_task(exchange.agenda.run())
    try:
        async with _reached(exchange, clock, environment, FED, carrier=carrier) as reach:
            yield reach
    finally:
        await cancelled(agenda)


@asynccontextmanager
async def by_replay(rules: ExchangeSettings) -> AsyncIterator[Reach]:
    """A recorded venue at its second moment, behind a port: its book is what was recorded."""
    recording = read_recording([FALL])
    catalogue = _delayed(recording.catalogue, FALLING)
    clock = ManualClock(catalogue.starts_at)
    exchange = Exchange(catalogue, rules, clock)
    player = Player(exchange, dataclasses.replace(recording, catalogue=catalogue))
    await clock.advance(2)
    player.play_due()
    async with ExchangeServer(exchange) as server, _reached(exchange, clock, environment_of(server), FALLING) as reach:
        yield reach


@asynccontextmanager
async def on_paper(rules: ExchangeSettings) -> AsyncIterator[Reach]:
    """A paper exchange that mirrors a venue's book of this moment; the venue is a recording that is replayed."""
    told = {each.name: getattr(rules, each.name) for each in dataclasses.fields(rules) if each.name != "chain_id"}
    with tempfile.TemporaryDirectory() as folder:
        async with real_venue(Path(folder)) as real:
            real.go_to(2)
            async with open_paper(real, Path(folder) / "paper", **told) as paper:
                environment = environment_of(paper.venue.server, chain_id=CHAIN_ID)
                async with _reached(
                    paper.exchange,
                    real.clock,
                    environment,
                    FALLING,
                    signers=(paper.signer, OTHER),
                    catalogue=environment_of(real.server),
                ) as reach:
                    yield reach


WAYS: dict[str, OpenReach] = {"socket": by_socket, "in-process": in_process, "replay": by_replay, "paper": on_paper}


def _recorded_exchange(rules: ExchangeSettings) -> tuple[ManualClock, Exchange]:
    catalogue = _delayed(load_catalogue(), FED)
    clock = ManualClock(catalogue.starts_at)
    return clock, Exchange(catalogue, rules, clock)


def _delayed(catalogue: Catalogue, slug: str) -> Catalogue:
    """The catalogue with a market that holds marketable orders for seconds, as sports markets do."""
    markets = [
        dataclasses.replace(each, clob={**each.clob, "sd": DELAY_S, "itode": False})
        if each.gamma["slug"] == slug
        else each
        for each in catalogue.markets
    ]
    return dataclasses.replace(catalogue, markets=tuple(markets))


@asynccontextmanager
async def _reached(
    exchange: Exchange,
    clock: ManualClock | ShiftedClock,
    environment: Environment,
    slug: str,
    *,
    signers: Sequence[Signer] = (US, OTHER),
    catalogue: Environment | None = None,
    carrier: httpx2.AsyncBaseTransport | None = None,
) -> AsyncIterator[Reach]:
    async with AsyncExitStack() as opened:
        venues = []
        for signer in signers:
            transport = await opened.enter_async_context(
                Transport(environment, clock=clock, random=Random(1), carrier=carrier)
            )
            clob = CLOBClient(transport, signer=signer)
            await clob.credentials()
            venues.append(PolymarketVenue(clob, DataClient(transport), clock))
        public = await opened.enter_async_context(
            Transport(catalogue or environment, clock=clock, random=Random(1), carrier=carrier)
        )
        market = await GammaClient(public).market_by_slug(Slug(slug))
        assert market is not None
        ours, others = venues
        yield Reach(exchange, clock, ours, others, market)
