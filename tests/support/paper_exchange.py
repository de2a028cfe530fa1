"""A paper exchange over a replayed real venue, and a client that trades on it over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from polydesk.core.exchange.book import Order
from polydesk.core.exchange.events import ExchangeEvent
from polydesk.core.exchange.listing import Listing
from polydesk.core.exchange.named_accounts import open_or_create_account
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.market_feed import MarketFeed
from polydesk.core.models import OrderBook, OrderSide, OrderTicket, PlacementResult, TimeInForce
from polydesk.core.paper.freshness import FreshnessSettings
from polydesk.core.paper.paper_exchange import PaperExchange, PaperSettings, repair_settings
from polydesk.core.paper.public_venue import PublicVenue
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.data_api import DataClient
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport, TransportSettings
from tests.support.exchanges import environment_of
from tests.support.real_venue import CONDITION, RealVenue

CHAIN_ID = 31337


@dataclass
class Paper:
    """A paper exchange and the client of its one account."""

    venue: PaperExchange
    clob: CLOBClient
    data: DataClient
    address: str
    signer: Signer
    condition_id: str = CONDITION

    @property
    def exchange(self) -> Exchange:
        return self.venue.exchange

    @property
    def listing(self) -> Listing:
        return self.exchange.markets.by_condition[self.condition_id]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looking after every event of the exchange."""
        news = asyncio.Event()

        def note(_: ExchangeEvent) -> None:
            news.set()

        end = self.exchange.events.subscribe(note)
        try:
            async with asyncio.timeout(10):
                while not holds():
                    news.clear()
                    await news.wait()
        finally:
            end()

    async def place(
        self,
        token_id: str,
        side: OrderSide,
        price: str,
        shares: str,
        *,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expires_at: datetime | None = None,
    ) -> PlacementResult:
        dollars = Decimal(price) * Decimal(shares)
        ticket = OrderTicket(
            token_id=TokenId(token_id),
            condition_id=self.listing.condition_id,  # type: ignore[arg-type]
            side=side,
            price=Decimal(price),
            shares=Decimal(shares),
            dollars=dollars,
            time_in_force=TimeInForce.GTD if expires_at else time_in_force,
            expires_at=expires_at,
            tick=self.listing.tick_decimal,
            neg_risk=self.listing.neg_risk,
        )
        return await self.clob.post_order(self.clob.sign(ticket))

    def order(self, result: PlacementResult) -> Order:
        return self.exchange.registry.orders[result.order_id]


@asynccontextmanager
async def open_paper(real: RealVenue, state: Path, **changes: Any) -> AsyncIterator[Paper]:
    """A paper exchange on `real` that keeps its state in a folder. Without delays unless asked for."""
    settings = PaperSettings(
        latency_ms=changes.pop("latency_ms", 0),
        freshness=FreshnessSettings(
            stale_after_s=changes.pop("stale_after_s", 10), patience_s=changes.pop("patience_s", 4)
        ),
        tape_lag_s=changes.pop("tape_lag_s", 0),
        resolutions_every_s=changes.pop("resolutions_every_s", 60),
    )
    balance = changes.get("starting_balance", Decimal(1000))
    changes = {"mined_after_s": 0, "confirmed_after_s": 0, **changes}
    rules = ExchangeSettings(chain_id=CHAIN_ID, **({"simulated_traders": False} | changes))
    async with AsyncExitStack() as opened:
        await asyncio.to_thread(state.mkdir, exist_ok=True)
        transport = Transport(
            environment_of(real.server), clock=real.clock, random=Random(1), settings=TransportSettings(max_retries=0)
        )
        opened.push_async_callback(transport.aclose)
        public = PublicVenue(transport, GammaClient(transport), CLOBClient(transport), DataClient(transport))

        async def fetch(token_ids: Sequence[TokenId]) -> Mapping[TokenId, OrderBook]:
            return await public.clob.books(token_ids, fresh=True)

        store = opened.enter_context(LedgerStore(state / "ledger.db", secret=b"1" * 32))
        at_ms = int(real.clock.now().timestamp() * 1000)
        account = open_or_create_account(store, "main", starting_balance=balance, at_ms=at_ms)
        venue = await opened.enter_async_context(
            PaperExchange(
                public,
                store=store,
                seen=state / "seen.json",
                rules=rules,
                settings=settings,
                feed=MarketFeed(
                    public.environment,
                    clock=real.clock,
                    random=Random(2),
                    fetch_books=fetch,
                    repair=repair_settings(settings.freshness),
                ),
                clock=real.clock,
            )
        )
        own = Transport(environment_of(venue.server, chain_id=CHAIN_ID), clock=real.clock, random=Random(3))
        opened.push_async_callback(own.aclose)
        signer = Signer(account.private_key)
        clob = CLOBClient(own, signer=signer)
        await clob.credentials()
        yield Paper(venue, clob, DataClient(own), account.address, signer)
