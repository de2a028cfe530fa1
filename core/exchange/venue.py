"""The exchange itself: markets, accounts, orders and trades, without any network."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from ..clock import Clock, unix_ms
from ..money import to_micro
from .accounts import Accounts
from .agenda import Agenda
from .builders import Builders
from .catalogue import Catalogue
from .changes import Changes
from .credentials import CredentialStore
from .durability import Durability
from .events import EventFeed, ExchangeHalted, MarketResolved
from .executions import Executions
from .ledger import Ledger
from .markets import Markets
from .operator_controls import OperatorControls
from .records import Records
from .registry import Registry
from .rejections import LedgerUnavailable
from .restoring import known_markets, restore_activity, restore_credentials, restore_ledger, restore_markets
from .seeding import seed_books
from .settings import ExchangeSettings
from .store import LedgerStore
from .token_approvals import TokenApprovals
from .trading import Trading
from .wallet_activity import WalletActivity


class Exchange:
    """A venue that lives by `clock` and draws all its randomness from `settings.seed`.

    House accounts rest the recorded books; they and everybody else trade through `trading`. What happens is told by
    `events`, what there is stands in `markets`, `registry`, `accounts` and the `ledger`; `records` keep what other
    parts remember. `house_numbers` tell the orders of house accounts apart. `transaction` stores everything that
    happens inside together or not at all; one inside another is part of it, and it raises LedgerUnavailable when it
    cannot be stored.

    With a `store` everything that belongs to clients is written there as it happens, and is taken from there at the
    start; without one it lives as long as the exchange. Raises ConfigurationError for a store that does not add up.
    """

    def __init__(
        self, catalogue: Catalogue, settings: ExchangeSettings, clock: Clock, *, store: LedgerStore | None = None
    ) -> None:
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
        self.events = EventFeed()
        self.registry = Registry()
        changes = None if store is None else Changes(self.registry.orders)
        self.ledger = Ledger(changes)
        self.records = Records(store, changes)
        self.wallet_activity = WalletActivity()
        secret = hashlib.sha256(f"polydesk exchange {settings.seed}".encode()).digest()
        self.credentials = CredentialStore(secret if store is None else store.secret)
        self._durability: Durability | None = None
        self.transaction: Callable[[], AbstractContextManager[None]] = nullcontext[None]
        if store is not None and changes is not None:
            self._durability = Durability(
                store,
                changes,
                ledger=self.ledger,
                credentials=self.credentials,
                now_ms=self._read_clock_ms,
                on_halt=self._halt,
            )
            self.transaction = self._durability.transaction
        self.accounts = Accounts(
            self.ledger,
            self.credentials,
            self.wallet_activity,
            starting_balance=to_micro(settings.starting_balance),
            now_ms=self._read_clock_ms,
            transaction=self.transaction,
            changes=changes,
        )
        # Another run draws other ids: what it makes must not look like what is stored.
        again = store is not None and store.opened > 1
        rng = random.Random(f"{settings.seed} {store.opened}" if store is not None and again else settings.seed)
        self.house_numbers = itertools.count(store.opened << 40 if store is not None and again else 0)
        self.agenda = Agenda(clock, together=self.transaction)
        self.markets = Markets(known_markets(catalogue, store), catalogue.events, self.events)
        self.executions = Executions(
            settings,
            agenda=self.agenda,
            ledger=self.ledger,
            markets=self.markets,
            registry=self.registry,
            feed=self.events,
            now_ms=self._read_clock_ms,
            rng=rng,
        )
        self.trading = Trading(
            settings,
            agenda=self.agenda,
            markets=self.markets,
            registry=self.registry,
            executions=self.executions,
            feed=self.events,
            now_ms=self._read_clock_ms,
            transaction=self.transaction,
            changes=changes,
        )
        self.builders = Builders(self.credentials.draw, self.records)
        self.controls = OperatorControls.of(settings)
        self.approvals = TokenApprovals(self.controls, self.records)
        if changes is not None:
            self.events.subscribe(changes.note_event)
        with self.transaction():
            if store is not None:
                self._restore(store)
            seed_books(self)

    @property
    def now_ms(self) -> int:
        return self._read_clock_ms()

    @property
    def now_s(self) -> int:
        return self.now_ms // 1000

    def _read_clock_ms(self) -> int:
        return unix_ms(self.clock.now())

    @property
    def halted(self) -> str | None:
        """Why the exchange takes nothing any more until it is started anew, None while it runs.

        It halts when its store fails in the middle of an event: what is in memory is then not what is on disk.
        """
        return None if self._durability is None else self._durability.halted

    def _halt(self, reason: str) -> None:
        self.trading.delayed.tell_all(LedgerUnavailable(reason))
        self.events.publish(ExchangeHalted(reason))

    def _restore(self, store: LedgerStore) -> None:
        """Take over what is stored: orders rest again in their old order, trades go on from where they were."""
        stored = restore_ledger(store, self.ledger)
        restore_credentials(store, self.credentials)
        restore_markets(store, self.markets.by_condition)
        restore_activity(store, self.ledger, self.markets.by_token, self.wallet_activity)
        self.accounts.restore(stored.wallets)
        for trade in stored.trades:
            self.executions.resume(trade)
        self.trading.resume(stored.orders)

    def resolve(self, condition_id: str, winner: int | None) -> None:
        """End a market: cancel its orders, settle its trades, fix the payout. `winner` None pays each half a dollar."""
        with self.transaction():
            listing = self.markets.by_condition[condition_id]
            self.trading.cancel_market(condition_id, "CANCELED_MARKET_RESOLVED")
            self.executions.finish(condition_id)
            listing.closed = listing.resolved_here = True
            listing.accepting_orders = False
            listing.winner = winner
            listing.oracle_steps += ["resolved"] if listing.oracle_steps else ["proposed", "resolved"]
            listing.changed_at_ms = self.now_ms
            payouts = (1, 1) if winner is None else (1 - winner, winner)
            self.ledger.resolve(condition_id, listing.tokens, payouts)
            self.events.publish(MarketResolved(listing))
