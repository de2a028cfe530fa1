"""The tables of a ledger file, and how their rows are proven to be what was written."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

APPLICATION_ID = 0x504C444B
"""Marks a SQLite file as a ledger of this exchange ("PLDK")."""

SCHEMA_VERSION = 5

ADDED_TABLES = {3: ("relayed_transactions", "token_approvals"), 4: ("unwrapped_dollars",)}
"""What files of earlier versions lack; they are brought forward by making these tables."""

Row = tuple[Any, ...]


@dataclass(frozen=True)  # without slots, which cached properties need
class Table:
    """One table: `columns` as SQL declares them, `key` the first so many of them.

    Every row carries a checksum of its columns, since SQLite notices a damaged page but not a changed digit. `number`
    is the order in which rows were first written.
    """

    name: str
    columns: tuple[str, ...]
    key: int = 1

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.split()[0] for column in self.columns)

    @property
    def definition(self) -> str:
        key = ", ".join(self.names[: self.key])
        columns = ", ".join(self.columns)
        return (
            f"CREATE TABLE {self.name} (number INTEGER PRIMARY KEY, {columns}, checksum INTEGER NOT NULL, "
            f"UNIQUE ({key})) STRICT"
        )

    @cached_property
    def upsert(self) -> str:
        names = (*self.names, "checksum")
        updates = ", ".join(f"{name} = excluded.{name}" for name in names[self.key :])
        return (
            f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
            f"ON CONFLICT ({', '.join(names[: self.key])}) DO UPDATE SET {updates}"
        )

    @property
    def delete(self) -> str:
        return f"DELETE FROM {self.name} WHERE {' AND '.join(f'{name} = ?' for name in self.names[: self.key])}"

    @property
    def select(self) -> str:
        return f"SELECT {', '.join(self.names)}, checksum FROM {self.name} ORDER BY number"


def sealed(rows: Iterable[Row]) -> list[Row]:
    """Rows with their checksums, as they are written."""
    return [(*row, checksum(row)) for row in rows]


def checksum(row: Sequence[Any]) -> int:
    return zlib.crc32(repr(tuple(row)).encode())


STATE = Table("state", ("name TEXT NOT NULL", "value TEXT NOT NULL"))
"""What the ledger has once: its secret, how often it was opened, its clock, deposits and fees."""

ACCOUNTS = Table(
    "accounts",
    ("address TEXT NOT NULL", "is_house INTEGER NOT NULL", "granted INTEGER NOT NULL", "cash INTEGER NOT NULL"),
)
"""Cash in millionths; `granted` is 1 once the starting balance was credited."""

NAMES = Table(
    "names",
    (
        "name TEXT NOT NULL",
        "generation INTEGER NOT NULL",
        "address TEXT NOT NULL",
        "starting_balance INTEGER NOT NULL",
        "created_at_ms INTEGER NOT NULL",
    ),
    key=2,
)
"""Accounts that were given a name. A reset adds a generation; the latest one is the account of that name."""

POSITIONS = Table(
    "positions",
    (
        "address TEXT NOT NULL",
        "token_id TEXT NOT NULL",
        "size INTEGER NOT NULL",
        "cost INTEGER NOT NULL",
        "entry_fees INTEGER NOT NULL",
        "realized INTEGER NOT NULL",
        "bought INTEGER NOT NULL",
        "first_entry_at INTEGER NOT NULL",
        "last_event_at INTEGER NOT NULL",
    ),
    key=2,
)

ORDERS = Table(
    "orders",
    (
        "id TEXT NOT NULL",
        "address TEXT NOT NULL",
        "condition_id TEXT NOT NULL",
        "token_id TEXT NOT NULL",
        "outcome INTEGER NOT NULL",
        "side TEXT NOT NULL",
        "price INTEGER NOT NULL",
        "size INTEGER NOT NULL",
        "order_type TEXT NOT NULL",
        "created_at_ms INTEGER NOT NULL",
        "owner TEXT NOT NULL",
        "maker_address TEXT NOT NULL",
        "expiration TEXT NOT NULL",
        "budget INTEGER",
        "filled INTEGER NOT NULL",
        "resting INTEGER NOT NULL",
        "resting_filled INTEGER NOT NULL",
        "status TEXT NOT NULL",
        "priority INTEGER NOT NULL",
    ),
)
"""Orders of clients, and those of the house that they traded with (which have no `owner` and never rest again)."""

TRADES = Table(
    "trades",
    (
        "id TEXT NOT NULL",
        "taker_order_id TEXT NOT NULL",
        "bucket_index INTEGER NOT NULL",
        "shares INTEGER NOT NULL",
        "cash INTEGER NOT NULL",
        "price INTEGER NOT NULL",
        "fee INTEGER NOT NULL",
        "matched_at_ms INTEGER NOT NULL",
        "updated_at_ms INTEGER NOT NULL",
        "status TEXT NOT NULL",
        "transaction_hash TEXT NOT NULL",
    ),
)

FILLS = Table(
    "fills",
    (
        "trade_id TEXT NOT NULL",
        "position INTEGER NOT NULL",
        "order_id TEXT NOT NULL",
        "shares INTEGER NOT NULL",
        "cash INTEGER NOT NULL",
        "price INTEGER NOT NULL",
    ),
    key=2,
)
"""The makers' parts of trades, in their own tokens and prices."""

MARKETS = Table(
    "markets",
    (
        "condition_id TEXT NOT NULL",
        "volume INTEGER NOT NULL",
        "tick INTEGER NOT NULL",
        "last_outcome INTEGER",
        "last_price INTEGER",
        "last_side TEXT",
        "resolved INTEGER NOT NULL",
        "winner INTEGER",
        "accepting_orders INTEGER NOT NULL",
        "oracle_steps TEXT NOT NULL",
        "changed_at_ms INTEGER",
    ),
)
"""What became of the markets that clients traded in."""

COLLATERAL = Table(
    "collateral",
    (
        "condition_id TEXT NOT NULL",
        "locked INTEGER NOT NULL",
        "first_token TEXT",
        "second_token TEXT",
        "first_pays INTEGER",
        "second_pays INTEGER",
    ),
)
"""Dollars locked per market (millionths), and its payouts once it is resolved."""

RECORDINGS = Table(
    "recordings",
    ("condition_id TEXT NOT NULL", "event_id TEXT NOT NULL", "gamma TEXT NOT NULL", "clob TEXT NOT NULL"),
)
"""The description of every market that clients traded in, so that it can be listed without its source."""

WALLETS = Table("wallets", ("wallet TEXT NOT NULL", "owner TEXT NOT NULL"))

CREDENTIALS = Table(
    "credentials",
    (
        "address TEXT NOT NULL",
        "nonce TEXT NOT NULL",
        "deletions INTEGER NOT NULL",
        "active INTEGER NOT NULL",
    ),
    key=2,
)
"""API keys follow from the ledger's secret and these; `deletions` counts those before."""

READONLY_KEYS = Table("readonly_keys", ("address TEXT NOT NULL", "ordinal INTEGER NOT NULL"), key=2)

MOVEMENTS = Table(
    "movements",
    (
        "sequence INTEGER NOT NULL",
        "at_ms INTEGER NOT NULL",
        "address TEXT NOT NULL",
        "kind TEXT NOT NULL",
        "amount INTEGER NOT NULL",
        "token_id TEXT NOT NULL",
        "shares INTEGER NOT NULL",
        "trade_id TEXT NOT NULL",
    ),
)
"""Every change of a client's cash; their sum is the cash of its account."""

NOTIFICATIONS = Table(
    "notifications",
    (
        "id INTEGER NOT NULL",
        "address TEXT NOT NULL",
        "kind INTEGER NOT NULL",
        "owner TEXT NOT NULL",
        "payload TEXT NOT NULL",
        "at_ms INTEGER NOT NULL",
    ),
)
"""What accounts were told and have not dropped; the payload is JSON."""

EARNINGS = Table(
    "earnings",
    (
        "day TEXT NOT NULL",
        "kind TEXT NOT NULL",
        "address TEXT NOT NULL",
        "condition_id TEXT NOT NULL",
        "amount INTEGER NOT NULL",
    ),
    key=4,
)
"""What a day (UTC) earned so far, in millionths of a dollar, and a row of the kind "paid" once it was paid."""

PROPOSALS = Table("proposals", ("condition_id TEXT NOT NULL", "winner INTEGER", "due_at_ms INTEGER NOT NULL"))
"""Outcomes that nobody has disputed yet, and when each settles."""

BUILDER_KEYS = Table(
    "builder_keys",
    ("id TEXT NOT NULL", "address TEXT NOT NULL", "created_at_ms INTEGER NOT NULL", "revoked_at_ms INTEGER"),
)
"""Keys follow from the ledger's secret and the order in which they were made."""

BUILDER_CODES = Table("builder_codes", ("order_id TEXT NOT NULL", "code TEXT NOT NULL"))

RELAYED_TRANSACTIONS = Table(
    "relayed_transactions",
    (
        "id TEXT NOT NULL",
        "owner TEXT NOT NULL",
        "wallet TEXT NOT NULL",
        "kind TEXT NOT NULL",
        "nonce TEXT NOT NULL",
        "digest TEXT NOT NULL",
        "signature TEXT NOT NULL",
        "calls TEXT NOT NULL",
        "metadata TEXT NOT NULL",
        "state TEXT NOT NULL",
        "error TEXT NOT NULL",
        "created_at_ms INTEGER NOT NULL",
        "updated_at_ms INTEGER NOT NULL",
    ),
)
"""What wallets had the relayer do; `calls` is a JSON list of (target, value, data)."""

TOKEN_APPROVALS = Table(
    "token_approvals",
    (
        "address TEXT NOT NULL",
        "token TEXT NOT NULL",
        "spender TEXT NOT NULL",
        "amount TEXT NOT NULL",
        "limit_then TEXT NOT NULL",
    ),
    key=3,
)
"""What owners let contracts move; amounts have up to 78 digits, `limit_then` is what an operator had allowed."""

UNWRAPPED_DOLLARS = Table("unwrapped_dollars", ("address TEXT NOT NULL", "amount INTEGER NOT NULL"))
"""What accounts have beside their cash that is no collateral, in millionths."""

TABLES = (
    STATE,
    ACCOUNTS,
    NAMES,
    POSITIONS,
    ORDERS,
    TRADES,
    FILLS,
    MARKETS,
    COLLATERAL,
    RECORDINGS,
    WALLETS,
    CREDENTIALS,
    READONLY_KEYS,
    MOVEMENTS,
    NOTIFICATIONS,
    EARNINGS,
    PROPOSALS,
    BUILDER_KEYS,
    BUILDER_CODES,
    RELAYED_TRANSACTIONS,
    TOKEN_APPROVALS,
    UNWRAPPED_DOLLARS,
)
