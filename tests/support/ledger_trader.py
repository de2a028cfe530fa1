"""A process that trades on a ledger file until it is killed: `python -m tests.support.ledger_trader FILE SEED`.

What the exchange has acknowledged is written to stdout, one JSON line per event, as soon as the call has returned.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from polydesk.core.exchange.book import Order, OrderType, Side
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.ledger import Account, InsufficientFunds
from polydesk.core.exchange.rejections import Rejection
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import MICRO

TRADERS = tuple(f"0x{number:040x}" for number in range(1, 6))
SETTINGS = ExchangeSettings(
    simulated_traders=False,
    mined_after_s=2,
    confirmed_after_s=3,
    settlement_retry_probability=0.2,
    settlement_failure_probability=0.3,
    retried_after_s=2,
)
SECRET = bytes(32)


class SteppedClock:
    """Time that moves when told to, without an event loop."""

    def __init__(self, starts_at: datetime) -> None:
        self._now = starts_at

    def now(self) -> datetime:
        return self._now

    def step(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def open_exchange(store: LedgerStore) -> tuple[Exchange, SteppedClock]:
    """The bundled markets on a ledger, at the moment where the ledger stopped."""
    catalogue = load_catalogue()
    stored = datetime.fromtimestamp(store.at_ms / 1000, UTC)
    clock = SteppedClock(max(catalogue.starts_at, stored))
    return Exchange(catalogue, SETTINGS, clock, store=store), clock


class Trader:
    """Does one random thing after the other, and says what was acknowledged."""

    def __init__(self, exchange: Exchange, clock: SteppedClock, seed: int) -> None:
        self.exchange = exchange
        self.clock = clock
        self.random = random.Random(seed)
        self.prefix = seed
        self.count = 0
        self.markets = [listing for listing in exchange.markets.listings if not listing.closed]

    def act(self) -> dict[str, Any] | None:
        """What the exchange answered, None for nothing to tell."""
        self.count += 1
        self.clock.step(self.random.random())
        self.exchange.agenda.run_due()
        account = self.exchange.accounts.open_account(self.random.choice(TRADERS))
        try:
            return self.random.choices([self.place, self.cancel, self.split, self.merge], weights=[12, 4, 1, 1])[0](
                account
            )
        except (Rejection, InsufficientFunds):
            return None

    def place(self, account: Account) -> dict[str, Any]:
        listing = self.random.choice(self.markets[:2])
        outcome = self.random.randrange(2)
        sides: list[Side] = ["BUY", "SELL"]
        types: list[OrderType] = ["GTC", "GTC", "GTC", "GTD", "FAK", "FOK"]
        order_type = self.random.choice(types)
        middle = listing.book.bids.best or 5000
        place = min(max(middle + self.random.randrange(-5, 6) * listing.tick, listing.tick), 10_000 - listing.tick)
        entry = self.exchange.trading.enter(
            Order(
                id=f"0x{self.prefix:032x}{self.count:032x}",
                account=account,
                condition_id=listing.condition_id,
                token_id=listing.tokens[outcome],
                outcome=outcome,
                side=self.random.choice(sides),
                price=place if outcome == 0 else 10_000 - place,
                size=self.random.randrange(5, 40) * MICRO,
                order_type=order_type,
                created_at_ms=self.exchange.now_ms,
                owner=f"key of {account.address}",
                maker_address=account.address,
                expiration=self.exchange.now_s + 90 if order_type == "GTD" else 0,
            )
        )
        return {"placed": entry.order.id, "trades": [trade.id for trade in entry.trades]}

    def cancel(self, account: Account) -> dict[str, Any] | None:
        resting = self.exchange.registry.open_orders(account)
        if not resting:
            return None
        order = self.random.choice(resting)
        self.exchange.trading.cancel(order)
        return {"cancelled": order.id}

    def split(self, account: Account) -> None:
        listing = self.random.choice(self.markets)
        with self.exchange.transaction():
            self.exchange.ledger.split(
                account, listing.condition_id, listing.tokens, 10 * MICRO, at=self.exchange.now_s
            )

    def merge(self, account: Account) -> None:
        listing = self.random.choice(self.markets)
        with self.exchange.transaction():
            self.exchange.ledger.merge(account, listing.condition_id, listing.tokens, 3 * MICRO, at=self.exchange.now_s)


def main(file: str, seed: int) -> None:
    with LedgerStore(Path(file), secret=SECRET) as store:
        exchange, clock = open_exchange(store)
        for address in TRADERS:
            exchange.accounts.create_credential(address, 0)
        trader = Trader(exchange, clock, seed)
        while True:
            told = trader.act()
            if told is not None:
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
