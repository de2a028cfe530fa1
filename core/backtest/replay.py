"""A recording on an exchange in this very process, with the ordinary clients in front of it and a clock that leaps.

Nothing is different for who trades there: orders are planned, signed and sent as they are live, only that they travel
through memory. Books, queues, own impact, fees and settlement are the exchange's.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Self

from ..clock import ReplayClock, unix_ms
from ..exchange.application import build_application
from ..exchange.ledger import Account
from ..exchange.listing import Listing
from ..exchange.replay.player import Player
from ..exchange.replay.recording import Recording
from ..exchange.settings import ExchangeSettings
from ..exchange.units import UNIT
from ..exchange.venue import Exchange
from ..identifiers import ConditionId, TokenId
from ..models import Market
from ..money import from_micro
from ..polymarket.clob import CLOBClient
from ..polymarket.data_api import DataClient
from ..polymarket.environments import environment_at
from ..polymarket.gamma import GammaClient
from ..polymarket.signing import Signer
from ..polymarket.transport import Transport
from ..venues.polymarket import PolymarketVenue
from .present import Present

CHAIN_ID = 31337
"""No real chain: an order signed here is void everywhere else."""


class Replay:
    """The replayed venue with one account. `async with` opens the account, which credits it."""

    def __init__(self, recording: Recording, *, starting_balance: Decimal, seed: int) -> None:
        self.clock = ReplayClock(recording.catalogue.starts_at)
        settings = ExchangeSettings(
            chain_id=CHAIN_ID,
            seed=seed,
            starting_balance=starting_balance,
            simulated_traders=False,
            mined_after_s=0,
            confirmed_after_s=0,
            matching_delays="off",
            auto_redeem_after_s=1,
        )
        self._recording = recording
        self._exchange = Exchange(recording.catalogue, settings, self.clock)
        self._player = Player(self._exchange, recording)
        self._seed = seed
        self._opened = AsyncExitStack()
        self._markets: Mapping[ConditionId, Market] = {}

    async def __aenter__(self) -> Self:
        import httpx2

        carrier = httpx2.ASGITransport(app=build_application(self._exchange))
        base = "http://127.0.0.1"
        environment = environment_at(
            "replay",
            clob_url=f"{base}/clob",
            gamma_url=f"{base}/gamma",
            data_url=f"{base}/data",
            ws_url="ws://127.0.0.1/ws",
            chain_id=CHAIN_ID,
        )
        rng = random.Random(f"polydesk replay {self._seed}")
        transport = Transport(environment, clock=self.clock, random=rng, carrier=carrier)
        self._opened.push_async_callback(transport.aclose)
        clob = CLOBClient(transport, signer=Signer(f"{rng.getrandbits(255) + 1:064x}"))
        await clob.credentials()
        self.venue = PolymarketVenue(clob, DataClient(transport), self.clock)
        gamma = GammaClient(transport)
        self._markets = {market.condition_id: market async for market in gamma.iterate_markets()}
        self.present = Present(self._exchange, self.clock, self._markets, begins_ms=self._player.begins_ms)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    @property
    def markets(self) -> Sequence[Market]:
        """Every market, as the catalogue had it in the beginning."""
        return tuple(self._markets.values())

    @property
    def account(self) -> Account:
        """The account's purse at the exchange."""
        return self._exchange.ledger.accounts[self.venue.account]

    @property
    def events_played(self) -> int:
        """Changes of levels and trades that have happened so far."""
        return self._player.events_played

    @property
    def next_at(self) -> datetime | None:
        """When the recording goes on; None at its end."""
        due_ms = self._player.next_ms
        return None if due_ms is None else datetime.fromtimestamp(due_ms / 1000, UTC)

    def advance_to(self, moment: datetime) -> None:
        """Let everything happen up to a moment, each thing at its own time."""
        until_ms, agenda, player = unix_ms(moment), self._exchange.agenda, self._player
        while True:
            due_ms, agenda_ms = player.next_ms, agenda.next_ms
            if agenda_ms is not None and (due_ms is None or agenda_ms < due_ms):
                due_ms = agenda_ms
            if due_ms is None or due_ms > until_ms:
                break
            self.clock.leap(datetime.fromtimestamp(due_ms / 1000, UTC))
            agenda.run_due()
            player.play_until(due_ms)
        self.clock.leap(moment)

    async def market(self, condition_id: ConditionId) -> Market:
        """Raises KeyError for a market that was not recorded."""
        return self._markets[condition_id]

    def question(self, condition_id: ConditionId) -> str:
        """What a market asks. Raises KeyError for a market that was not recorded."""
        return self._markets[condition_id].question

    async def free_cash(self) -> Decimal:
        """Dollars that no order or trade holds back."""
        account = self.account
        return from_micro(account.cash - account.open_cash - account.matched_cash)

    def midpoint(self, token_id: TokenId) -> Decimal | None:
        """Of an outcome now; after the end what it pays; None where a side of its book is empty."""
        return self.present.midpoint(token_id)

    def quotes(self) -> dict[str, tuple[float, float]]:
        """Bid and ask of the first outcome of each open market that has both now, by condition id; for statistics."""
        found = {}
        for listing in self._exchange.markets.listings:
            bid, ask = listing.book.best_for(0)
            if not listing.closed and bid is not None and ask is not None:
                found[listing.condition_id] = (bid / UNIT, ask / UNIT)
        return found

    def worth_of_first(self, condition_id: str) -> float | None:
        """What the first outcome of a market is worth now, as `midpoint` has it; for statistics."""
        worth = self.midpoint(TokenId(self._listing(condition_id).tokens[0]))
        return None if worth is None else float(worth)

    async def worth(self, token_id: TokenId) -> Decimal | None:
        """See `midpoint`."""
        return self.midpoint(token_id)

    def winner(self, condition_id: ConditionId) -> int | None:
        """The index of the outcome that came true, once the market has ended."""
        return self._listing(condition_id).winner

    def _listing(self, condition_id: str) -> Listing:
        return self._exchange.markets.by_condition[condition_id]
