"""The ledger file: what belongs to clients, in SQLite, so that it survives the end of the process at any moment.

Every event of the exchange is one transaction. The file is in WAL mode with synchronous=NORMAL: a killed process loses
nothing that was acknowledged, because the operating system has it; only a power failure can cost the latest events,
and then whole ones. Syncing the disk for each order would cost milliseconds and protect paper money only.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from .book import Order
from .changes import Changes
from .credentials import CredentialStore
from .ledger import Account, Ledger
from .ledger_file import ledger_state, lock_ledger, open_ledger, verified_rows
from .ledger_schema import (
    ACCOUNTS,
    COLLATERAL,
    CREDENTIALS,
    FILLS,
    MARKETS,
    MOVEMENTS,
    ORDERS,
    POSITIONS,
    READONLY_KEYS,
    RECORDINGS,
    STATE,
    TRADES,
    WALLETS,
    Row,
    Table,
    sealed,
)
from .listing import Listing
from .rejections import LedgerUnavailable


class LedgerStore:
    """An open ledger file, locked against other processes until it is closed.

    `secret` becomes the ledger's own when the file is new; API keys and the keys of named accounts follow from it.
    `opened` counts how often the ledger was opened, this time included.
    Raises ConfigurationError for a file that is in use, damaged, of another kind or of another schema version; such a
    file is left as it is.
    """

    def __init__(self, path: Path, *, secret: bytes) -> None:
        self.path = path
        self._lock = lock_ledger(path)
        try:
            self._connection = open_ledger(path, secret=secret)
        except BaseException:
            self._lock.close()
            raise
        self._movements = max((row[0] for row in self.rows(MOVEMENTS)), default=0)
        self._recorded = {row[0] for row in self.rows(RECORDINGS)}
        self.opened = int(self.state("opened")) + 1
        with self.transaction():
            self.write_rows(STATE, [("opened", str(self.opened))])

    def __enter__(self) -> LedgerStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()
        self._lock.close()

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def secret(self) -> bytes:
        return bytes.fromhex(self.state("secret"))

    @property
    def at_ms(self) -> int:
        """The exchange's time at the latest event, 0 before the first."""
        return int(self.state("at_ms"))

    def state(self, name: str) -> str:
        return ledger_state(self._connection, name, self.path)

    def rows(self, table: Table) -> list[Row]:
        """All rows in the order in which they were first written. Raises ConfigurationError for a damaged one."""
        return verified_rows(self._connection, table, self.path)

    # -- writing -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the transaction of an event. Raises LedgerUnavailable, and then nothing has happened yet."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise LedgerUnavailable(
                f"the exchange cannot write its ledger ({error}); nothing of this request was done"
            ) from error

    def roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")

    def commit(self, changes: Changes, ledger: Ledger, credentials: CredentialStore, *, at_ms: int) -> None:
        """Write what has changed and end the transaction. Raises sqlite3.Error, and then the file is as before."""
        if changes:
            self._write_money(changes, ledger, at_ms)
            self._write_orders(changes)
            self._write_markets(changes, ledger)
            self.write_rows(WALLETS, list(changes.wallets.items()))
            for table, row in changes.records:
                self.write_rows(table, [row])
            for table, key in changes.dropped:
                self._connection.execute(table.delete, key)
            if changes.credentials:
                self._write_credentials(credentials)
            self._write_state(at_ms=at_ms, deposited=ledger.deposited, fees=ledger.fees)
        self._connection.execute("COMMIT")

    def write_rows(self, table: Table, rows: list[Row]) -> None:
        if rows:
            self._connection.executemany(table.upsert, sealed(rows))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that `write_rows` writes inside, or nothing: for changes made while no exchange runs on the ledger."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.roll_back()
            raise
        self._connection.execute("COMMIT")

    def open_account(self, address: str, *, cash: int, at_ms: int) -> None:
        """Write a new account with its first deposit, inside `transaction`."""
        self.write_rows(ACCOUNTS, [(address, 0, 1, cash)])
        self.write_rows(WALLETS, [(address.lower(), address)])
        self._movements += 1
        self.write_rows(MOVEMENTS, [(self._movements, at_ms, address, "deposit", cash, "", 0, "")])
        self._write_state(deposited=int(self.state("deposited")) + cash)

    def _write_money(self, changes: Changes, ledger: Ledger, at_ms: int) -> None:
        self.write_rows(ACCOUNTS, [_account_row(account) for account in changes.accounts])
        self.write_rows(POSITIONS, [_position_row(account, token_id) for account, token_id in changes.positions])
        movements: list[Row] = []
        for number, movement in enumerate(changes.movements, self._movements + 1):
            movements.append((number, at_ms, *movement))
        self.write_rows(MOVEMENTS, movements)
        self._movements += len(movements)

    def _write_orders(self, changes: Changes) -> None:
        self.write_rows(ORDERS, [_order_row(order) for order in changes.orders])
        trades, fills = [], []
        for trade in changes.trades:
            trades.append(
                (
                    trade.id,
                    trade.taker.id,
                    trade.bucket_index,
                    trade.shares,
                    trade.cash,
                    trade.price,
                    trade.fee,
                    trade.matched_at_ms,
                    trade.updated_at_ms,
                    trade.status,
                    trade.transaction_hash,
                )
            )
            for position, fill in enumerate(trade.makers):
                fills.append((trade.id, position, fill.order.id, fill.shares, fill.cash, fill.price))
        self.write_rows(TRADES, trades)
        self.write_rows(FILLS, fills)

    def _write_markets(self, changes: Changes, ledger: Ledger) -> None:
        self.write_rows(MARKETS, [_market_row(listing) for listing in changes.listings])
        for listing in changes.listings:
            if listing.condition_id not in self._recorded:
                recorded = listing.recorded
                self.write_rows(
                    RECORDINGS,
                    [(listing.condition_id, recorded.event_id, json.dumps(recorded.gamma), json.dumps(recorded.clob))],
                )
                self._recorded.add(listing.condition_id)
        rows: list[Row] = []
        for condition_id in changes.collateral:
            tokens, payouts = ledger.payouts.get(condition_id, ((None, None), (None, None)))
            rows.append((condition_id, ledger.locked[condition_id], *tokens, *payouts))
        self.write_rows(COLLATERAL, rows)

    def _write_credentials(self, credentials: CredentialStore) -> None:
        self.write_rows(
            CREDENTIALS,
            [
                (origin.address, str(origin.nonce), origin.deletions, int(origin.active))
                for origin in credentials.origins()
            ],
        )
        self._connection.execute(f"DELETE FROM {READONLY_KEYS.name}")
        self.write_rows(READONLY_KEYS, list(credentials.readonly_origins()))
        self._write_state(readonly_made=credentials.readonly_made)

    def _write_state(self, **values: int) -> None:
        self.write_rows(STATE, [(name, str(value)) for name, value in values.items()])


def _account_row(account: Account) -> Row:
    return account.address, int(account.is_house), int(account.granted), account.cash


def _position_row(account: Account, token_id: str) -> Row:
    held = account.position(token_id)
    return (
        account.address,
        token_id,
        held.size,
        held.cost,
        held.entry_fees,
        held.realized,
        held.bought,
        held.first_entry_at,
        held.last_event_at,
    )


def _order_row(order: Order) -> Row:
    return (
        order.id,
        order.account.address,
        order.condition_id,
        order.token_id,
        order.outcome,
        order.side,
        order.price,
        order.size,
        order.order_type,
        order.created_at_ms,
        order.owner,
        order.maker_address,
        str(order.expiration),
        order.budget,
        order.filled,
        order.resting,
        order.resting_filled,
        order.status,
        order.priority,
    )


def _market_row(listing: Listing) -> Row:
    last = listing.last_trade
    return (
        listing.condition_id,
        listing.volume,
        listing.tick,
        *((None, None, None) if last is None else (last.outcome, last.price, last.side)),
        int(listing.resolved_here),
        listing.winner,
        int(listing.accepting_orders),
        " ".join(listing.oracle_steps),
        listing.changed_at_ms,
    )
