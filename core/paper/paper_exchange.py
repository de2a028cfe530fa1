"""The paper venue as a whole: an exchange on loopback whose books, trades and outcomes are the real venue's."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from starlette.middleware import Middleware

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..exchange.catalogue import Catalogue
from ..exchange.mirror import Mirror
from ..exchange.server import ExchangeServer
from ..exchange.settings import ExchangeSettings
from ..exchange.store import LedgerStore
from ..exchange.venue import Exchange
from ..identifiers import ConditionId, OrderId, TradeId
from ..market_data.book_keeper import RepairSettings
from ..market_data.market_feed import MarketFeed
from ..models.venue_notes import VenueNotes
from .absence import Absences
from .freshness import Freshness, FreshnessSettings
from .latency import Latency
from .on_demand import OnDemand
from .public_venue import PublicVenue
from .relay import Relay
from .resolutions import Resolutions
from .seen_file import SeenFile

_tell_failure = logs_failure(logging.getLogger(__name__), "what was seen of the market is not kept any more")

_KEEP_S = 1.0
_ANSWER_S = 1.5
"""How long a subscription is given before the book is read by REST: a request waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSettings:
    """`latency_ms` is the median time of an order on its way and `latency_spread` how it varies. The tape of the real
    venue may be `tape_lag_s` behind; its outcomes are looked at every `resolutions_every_s`.
    """

    latency_ms: float = 90.0
    latency_spread: float = 0.35
    freshness: FreshnessSettings = field(default_factory=FreshnessSettings)
    tape_lag_s: float = 60.0
    resolutions_every_s: float = 60.0


class PaperExchange:
    """Serves for as long as its `async with` lasts. `seen` is the file of what was followed when.

    Nothing of the real venue is asked for before the first request names a market, unless a former run left orders
    or positions. Raises ConfigurationError for files that cannot be used.
    """

    def __init__(
        self,
        real: PublicVenue,
        *,
        store: LedgerStore | None,
        seen: Path,
        rules: ExchangeSettings,
        settings: PaperSettings,
        feed: MarketFeed,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._file = SeenFile(seen)
        self.exchange = Exchange(Catalogue(clock.now(), (), (), ()), rules, clock, store=store)
        self._mirror = Mirror(self.exchange)
        self._absences = Absences(real, self.exchange, self._file.read(), clock=clock, tape_lag_s=settings.tape_lag_s)
        self._freshness = Freshness(
            self.exchange, feed=feed, clock=clock, absences=self._absences, settings=settings.freshness
        )
        self._resolutions = Resolutions(
            real,
            self.exchange,
            clock=clock,
            staked=lambda: self._relay.staked(),
            settle_missed=lambda market: self._relay.settle_missed(market),
            every_s=settings.resolutions_every_s,
        )
        self._relay = Relay(
            real,
            self.exchange,
            self._mirror,
            feed=feed,
            clock=clock,
            absences=self._absences,
            freshness=self._freshness,
            on_resolved=self._resolutions.called,
        )
        latency = Latency(
            median_ms=settings.latency_ms,
            spread=settings.latency_spread,
            random=Random(f"{rules.seed} latency"),
        )
        on_demand = Middleware(OnDemand, relay=self._relay, freshness=self._freshness, latency=latency, clock=clock)
        self.server = ExchangeServer(self.exchange, before=[on_demand])
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            opened.callback(self._keep)
            await opened.enter_async_context(self._relay)
            await opened.enter_async_context(self._resolutions)
            await opened.enter_async_context(self.server)
            keeping = asyncio.create_task(self._keep_regularly())
            keeping.add_done_callback(_tell_failure)
            opened.push_async_callback(cancelled, keeping)
            self._opened = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    def notes(self, address: str) -> VenueNotes:
        """What the exchange's numbers alone do not say to the owner of an account."""
        seen = self._absences.seen
        return VenueNotes(
            stale={
                ConditionId(each): since for each, since in self._freshness.stale_among(self._relay.staked()).items()
            },
            while_away=frozenset(TradeId(each) for each in seen.while_away),
            void={OrderId(order_id): reason for order_id, reason in seen.void.items()},
            not_comparable=tuple(seen.not_comparable.get(address, ())),
        )

    def _keep(self) -> None:
        self._freshness.note_current()
        self._file.write(self._absences.remember(self._mirror.books.values()))

    async def _keep_regularly(self) -> None:
        while True:
            await self._clock.sleep(_KEEP_S)
            self._keep()


def repair_settings(settings: FreshnessSettings) -> RepairSettings:
    """How the feed of the real venue is to be repaired, so that silence shows in time."""
    return RepairSettings(
        stale_after_s=settings.stale_after_s, fetched_stale_after_s=settings.stale_after_s, answer_s=_ANSWER_S
    )
