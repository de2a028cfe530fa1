"""A recording on an exchange in this very process, with the ordinary clients in front of it and a clock that leaps.

Nothing is different for who trades there: orders are planned, signed and sent as they are live, only that they travel
through memory. Books, queues, own impact, fees and settlement are the exchange's.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Self

from ..clock import ReplayClock, unix_ms
from ..exchange.application import build_application
from ..exchange.ledger import Account, Position
from ..exchange.listing import Listing
from ..exchange.replay.player import Player
from ..exchange.replay.recording import Recording
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
from .conditions import INSTANT, Conditions
from .fills import FillLog, last_midpoint_of, midpoint_of
from .present import Present

_ONE_MICRO = Decimal(1).scaleb(-6)

CHAIN_ID = 31337
"""No real chain: an order signed here is void everywhere else."""


class Replay:
    """The replayed venue with one account. `async with` opens the account, which credits it."""

    def __init__(
        self, recording: Recording, *, starting_balance: Decimal, seed: int, conditions: Conditions = INSTANT
    ) -> None:
        self.clock = ReplayClock(recording.catalogue.starts_at)
        self.conditions = conditions
        settings = conditions.exchange_settings(chain_id=CHAIN_ID, seed=seed, starting_balance=starting_balance)
        self._recording = recording
        self._exchange = Exchange(recording.catalogue, settings, self.clock)
        self._player = Player(self._exchange, recording)
        self._seed = seed
        self._opened = AsyncExitStack()
        self._held: Sequence[tuple[TokenId, Position]] = ()
        self._held_at = -1
        self._markets: Mapping[ConditionId, Market] = {}

    async def __aenter__(self) -> Self:
        from httpx2 import ASGITransport

        from .carrier import ReplayCarrier

        carrier = ReplayCarrier(
            ASGITransport(app=build_application(self._exchange)),
            latency=self.conditions.latency,
            pass_time=self._pass_time,
            wait_out=self._wait_out,
        )
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
        self.clock.on_sleep = self.advance_to
        self.fills = FillLog(self._exchange, clob.account)
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

    def equity(self) -> Decimal:
        """Dollars, with what is held at what it counts for now; trades that have not settled are not in it."""
        account = self.account
        if self._held_at != self.fills.account_events:
            self._held_at = self.fills.account_events
            self._held = [(TokenId(token), each) for token, each in account.positions.items() if each.size]
        total = Decimal(account.cash)
        for token, position in self._held:
            total += position.size * self.worth_of(token)
        return total * _ONE_MICRO

    def worth_of(self, token_id: TokenId) -> Decimal:
        """What a share counts for: its payout after the end, else its midpoint, else the last one it had."""
        worth = self.present.midpoint(token_id)
        return self.last_midpoint(token_id) if worth is None else worth

    def last_midpoint(self, token_id: TokenId) -> Decimal:
        """The last midpoint before a market's end, or by now; a half where there never was one."""
        listing = self._exchange.markets.by_token[token_id]
        last = self.fills.last_midpoints.get(listing.condition_id)
        if last is None:
            last = midpoint_of(listing)
        if last is None:
            last = last_midpoint_of(listing)
        return last if listing.tokens[0] == token_id else 1 - last

    def rewards(self) -> Decimal:
        """Dollars that the venue has paid for resting orders."""
        actions = self._exchange.wallet_activity.of(self.account)
        return from_micro(sum(each.dollars for each in actions if each.kind in ("REWARD", "MAKER_REBATE")))

    def _pass_time(self, span: timedelta) -> None:
        self.advance_to(self.clock.now() + span)

    def _wait_out(self) -> bool:
        """Where the exchange holds an answer back, go to the next moment at which it does something."""
        due_ms = self._exchange.agenda.next_ms
        if due_ms is None or not self._exchange.trading.delayed.is_awaited:
            return False
        self.advance_to(datetime.fromtimestamp(due_ms / 1000, UTC))
        return True

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
