"""What is in a ledger, for people and spreadsheets; the ledger may be in use meanwhile."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..money import from_micro
from .ledger_file import read_ledger, verified_rows
from .ledger_schema import ACCOUNTS, FILLS, MOVEMENTS, NAMES, ORDERS, POSITIONS, RECORDINGS, TRADES, Table
from .named_accounts import latest_names
from .units import amount_text, price_text

Record = dict[str, Any]
EXPORTS = ("orders", "fills", "trades", "movements", "positions")
_AMOUNTS = frozenset(
    {"cash", "size", "cost", "entry_fees", "realized", "bought", "filled", "resting", "resting_filled", "budget"}
    | {"shares", "fee", "amount"}
)
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """One named account. Dollars; `cash` includes what open orders and unsettled trades hold back."""

    name: str
    address: str
    resets: int
    created_at: datetime
    starting_balance: Decimal
    cash: Decimal
    open_orders: int
    orders: int
    positions: int


class LedgerReader:
    """The rows of a ledger at one moment."""

    def __init__(self, rows: Callable[[Table], list[Record]]) -> None:
        self._rows = rows

    def summaries(self) -> list[AccountSummary]:
        """Every named account as it is since its last reset, by name."""
        cash = {row["address"]: row["cash"] for row in self._rows(ACCOUNTS)}
        orders = self._rows(ORDERS)
        held = [row["address"] for row in self._rows(POSITIONS) if row["size"]]
        found = []
        for name, row in latest_names([tuple(row.values()) for row in self._rows(NAMES)]).items():
            _, generation, address, starting_balance, created_at_ms = row
            own = [order for order in orders if order["address"] == address]
            found.append(
                AccountSummary(
                    name=name,
                    address=address,
                    resets=generation,
                    created_at=datetime.fromtimestamp(created_at_ms / 1000, UTC),
                    starting_balance=from_micro(starting_balance),
                    cash=from_micro(cash[address]),
                    open_orders=sum(order["resting"] > order["resting_filled"] for order in own),
                    orders=len(own),
                    positions=held.count(address),
                )
            )
        return found

    def export(self, name: str, folder: Path) -> list[Path]:
        """Write one CSV file for each of EXPORTS, of all lives of an account; the files.

        Amounts are dollars and shares, prices dollars per share, times ISO 8601 in UTC. `generation` counts resets.
        Raises ConfigurationError for an unknown name and a folder that cannot be written.
        """
        generations = {row["address"]: row["generation"] for row in self._rows(NAMES) if row["name"] == name}
        if not generations:
            raise ConfigurationError(f"There is no account {name!r} in this ledger.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return [
                _write(folder / f"{name}-{export}.csv", getattr(self, f"_{export}")(generations)) for export in EXPORTS
            ]
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.") from error

    def _orders(self, generations: Mapping[str, int]) -> Iterator[Record]:
        questions = self._questions()
        for row in self._rows(ORDERS):
            if row["address"] in generations:
                yield {
                    "generation": generations[row["address"]],
                    **row,
                    "market": questions.get(row["condition_id"], ""),
                }

    def _positions(self, generations: Mapping[str, int]) -> Iterator[Record]:
        for row in self._rows(POSITIONS):
            if row["address"] in generations:
                yield {"generation": generations[row["address"]], **row}

    def _movements(self, generations: Mapping[str, int]) -> Iterator[Record]:
        for row in self._rows(MOVEMENTS):
            if row["address"] in generations:
                yield {"generation": generations[row["address"]], **row}

    def _trades(self, generations: Mapping[str, int]) -> Iterator[Record]:
        """One row for each trade the account took part in, as its taker saw it."""
        taking = {row["trade_id"] for row in self._fills(generations)}
        orders = {row["id"]: row for row in self._rows(ORDERS)}
        questions = self._questions()
        for row in self._rows(TRADES):
            if row["id"] in taking:
                order = orders[row["taker_order_id"]]
                yield {
                    **row,
                    "condition_id": order["condition_id"],
                    "token_id": order["token_id"],
                    "taker_side": order["side"],
                    "market": questions.get(order["condition_id"], ""),
                }

    def _fills(self, generations: Mapping[str, int]) -> Iterator[Record]:
        """One row for each part of a trade that belongs to the account, with its own price, cash and fee."""
        orders = {row["id"]: row for row in self._rows(ORDERS)}
        parts: dict[str, list[Record]] = {}
        for fill in self._rows(FILLS):
            parts.setdefault(fill["trade_id"], []).append({**fill, "role": "maker", "fee": 0})
        for trade in self._rows(TRADES):
            taken = {
                "trade_id": trade["id"],
                "order_id": trade["taker_order_id"],
                "role": "taker",
                **{name: trade[name] for name in ("shares", "cash", "price", "fee")},
            }
            for part in (taken, *parts[trade["id"]]):
                order = orders[part["order_id"]]
                if order["address"] in generations:
                    yield {
                        "generation": generations[order["address"]],
                        "trade_id": trade["id"],
                        "order_id": part["order_id"],
                        "role": part["role"],
                        "token_id": order["token_id"],
                        "side": order["side"],
                        **{name: part[name] for name in ("price", "shares", "cash", "fee")},
                        "status": trade["status"],
                        "matched_at_ms": trade["matched_at_ms"],
                    }

    def _questions(self) -> dict[str, str]:
        return {row["condition_id"]: json.loads(row["gamma"]).get("question", "") for row in self._rows(RECORDINGS)}


@contextmanager
def ledger_reader(path: Path) -> Iterator[LedgerReader]:
    """Read a ledger as it is now, in use or not. Raises ConfigurationError when it is refused."""
    with closing(read_ledger(path)) as connection:
        connection.execute("BEGIN")

        def rows(table: Table) -> list[Record]:
            return [dict(zip(table.names, row, strict=True)) for row in verified_rows(connection, table, path)]

        yield LedgerReader(rows)


def _write(file: Path, records: Iterable[Record]) -> Path:
    rows = [dict(_readable(name, value) for name, value in record.items()) for record in records]
    with file.open("w", encoding="utf-8", newline="") as opened:
        if rows:
            writer = csv.DictWriter(opened, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return file


def _readable(name: str, value: Any) -> tuple[str, Any]:
    if name in _AMOUNTS and value is not None:
        return name, amount_text(value)
    if name == "price":
        return name, price_text(value)
    if name.endswith("_at_ms") or name == "at_ms":
        return name.removesuffix("_ms"), datetime.fromtimestamp(value / 1000, UTC).isoformat()
    if name.endswith("_at"):
        return name, datetime.fromtimestamp(value, UTC).isoformat() if value else ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return name, f"'{value}"  # a market's question must not run as a formula in a spreadsheet
    return name, value
