"""A real venue for paper trading: an exchange of this process that replays a recorded minute, moment by moment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.faults import NO_FAULTS, FaultPlan
from polydesk.core.exchange.mirrored_book import RealTrade
from polydesk.core.exchange.replay.player import Player
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

FALL = Path(__file__).resolve().parents[1] / "recordings" / "btc_updown_15m" / "books.parquet"
"""From 0.78 to 0.38 in 71 seconds: the price that Bitcoin is up after a quarter of an hour."""

SLUG = "btc-updown-15m-1790586900"
CONDITION = "0x589c4f84e088209977f39f772779c3a035ca6ec826a0fe6045a7211b81548eb7"


@dataclass
class RealVenue:
    """`clock` is the venue's and everybody's time."""

    server: ExchangeServer
    player: Player
    clock: ShiftedClock
    serving: AsyncExitStack

    async def stop(self) -> None:
        """Nobody answers any more."""
        await self.serving.aclose()

    @asynccontextmanager
    async def again(self) -> AsyncIterator[None]:
        """Answer once more, where it was before."""
        async with ExchangeServer(self.exchange, port=self.server.port):
            yield

    def told_late(self, row: Mapping[str, Any]) -> None:
        """Put a trade onto the tape that nobody heard of when it happened."""
        listing = self.exchange.markets.by_token[row["token_id"]]
        book = self.player.book(listing.condition_id)
        price, shares = round(row["price"] * 10_000), row["size"] * 1_000_000
        self.exchange.registry.tape.append(
            book.reported(
                RealTrade(listing.outcome_of(row["token_id"]), row["side"], price, shares, row["timestamp"] * 1000)
            )
        )

    @property
    def exchange(self) -> Exchange:
        return self.server.exchange

    def go_to(self, seconds: float) -> None:
        """Let everything happen until so many seconds after the recording began, at once."""
        begin = self.player.starts_at
        self.clock.leap(datetime.fromtimestamp(begin.timestamp() + seconds, UTC))
        self.exchange.agenda.run_due()
        self.player.play_due()

    @property
    def urls(self) -> dict[str, Any]:
        """The venue as settings of a desk."""
        return {
            "api_url": self.server.clob_url,
            "gamma_url": self.server.gamma_url,
            "data_url": self.server.data_url,
            "ws_url": self.server.ws_url,
        }


@asynccontextmanager
async def real_venue(
    folder: Path, *, tape: Iterable[dict[str, Any]] = (), faults: FaultPlan = NO_FAULTS, frames: Iterable[Any] = ()
) -> AsyncIterator[RealVenue]:
    """The recorded fall with public trades of its own choice, or other `frames` in its place."""
    added = folder / "added.jsonl"
    added.write_text("".join(json.dumps(row) + "\n" for row in [*tape, *frames]), encoding="utf-8")
    recording = read_recording([added] if frames else [FALL, added])
    clock = ShiftedClock(recording.catalogue.starts_at)
    rules = ExchangeSettings(simulated_traders=False, faults=faults)
    exchange = Exchange(recording.catalogue, rules, clock)
    async with AsyncExitStack() as serving:
        server = await serving.enter_async_context(ExchangeServer(exchange))
        yield RealVenue(server, Player(exchange, recording), clock, serving)
