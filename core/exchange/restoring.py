"""From the rows of a ledger file back to accounts, orders and trades."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..errors import ConfigurationError
from .book import Order
from .catalogue import Catalogue, RecordedMarket
from .credentials import CredentialStore, Origin
from .ledger import Account, Ledger, Position
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
    TRADES,
    UNWRAPPED_DOLLARS,
    WALLETS,
    Row,
)
from .listing import LastTrade, Listing
from .store import LedgerStore
from .trades import MakerFill, Trade
from .wallet_activity import ActivityKind, WalletActivity

_ACTIVITY_KINDS: dict[str, ActivityKind] = {
    "deposit": "DEPOSIT",
    "wrap": "DEPOSIT",
    "unwrap": "WITHDRAWAL",
    "split": "SPLIT",
    "merge": "MERGE",
    "redeem": "REDEEM",
    "rebate": "MAKER_REBATE",
    "reward": "REWARD",
}


@dataclass(frozen=True, slots=True)
class StoredState:
    """What clients had when the ledger was last written. Orders and trades are in the order of their entry."""

    orders: tuple[Order, ...]
    trades: tuple[Trade, ...]
    wallets: Mapping[str, str]


def restore_ledger(store: LedgerStore, ledger: Ledger) -> StoredState:
    """Fill an empty ledger with what is stored, its orders' and trades' holds excepted.

    Raises ConfigurationError when cash is not the sum of its movements.
    """
    ledger.deposited, ledger.fees = int(store.state("deposited")), int(store.state("fees"))
    for address, is_house, granted, cash in store.rows(ACCOUNTS):
        ledger.accounts[address] = Account(address, cash=cash, is_house=bool(is_house), granted=bool(granted))
    for address, amount in store.rows(UNWRAPPED_DOLLARS):
        ledger.accounts[address].unwrapped = amount
    for address, token_id, *values in store.rows(POSITIONS):
        ledger.accounts[address].positions[token_id] = Position(*values)
    for condition_id, locked, first, second, *payouts in store.rows(COLLATERAL):
        ledger.locked[condition_id] = locked
        if first is not None:
            ledger.payouts[condition_id] = ((first, second), (payouts[0], payouts[1]))
    _check_movements(store, ledger)
    orders = {row[0]: _order(row, ledger) for row in store.rows(ORDERS)}
    trades = _trades(store, orders)
    return StoredState(tuple(orders.values()), trades, dict(store.rows(WALLETS)))


def restore_credentials(store: LedgerStore, credentials: CredentialStore) -> None:
    credentials.restore(
        [
            Origin(address, int(nonce), deletions, bool(active))
            for address, nonce, deletions, active in store.rows(CREDENTIALS)
        ],
        [(address, ordinal) for address, ordinal in store.rows(READONLY_KEYS)],
        readonly_made=int(store.state("readonly_made")),
    )


def known_markets(catalogue: Catalogue, store: LedgerStore | None) -> list[RecordedMarket]:
    """The catalogue's markets, and those that clients traded in before and the catalogue does not have."""
    known = {market.gamma["conditionId"] for market in catalogue.markets}
    stored = [] if store is None else _stored_markets(store)
    return [*catalogue.markets, *(market for market in stored if market.gamma["conditionId"] not in known)]


def restore_markets(store: LedgerStore, by_condition: Mapping[str, Listing]) -> None:
    """Bring back what became of markets here: volume, last trade, tick, resolution."""
    for (
        condition_id,
        volume,
        tick,
        outcome,
        price,
        side,
        resolved,
        winner,
        accepting,
        oracle_steps,
        changed_at_ms,
    ) in store.rows(MARKETS):
        listing = by_condition[condition_id]
        listing.volume = volume
        listing.tick = tick
        listing.changed_at_ms = changed_at_ms
        listing.accepting_orders = bool(accepting)
        listing.oracle_steps = oracle_steps.split()
        if outcome is not None:
            listing.last_trade = LastTrade(outcome, price, side)
        if resolved:
            listing.closed = listing.resolved_here = True
            listing.winner = winner
        elif listing.oracle_steps[-1:] == ["proposed"]:
            listing.oracle_steps.pop()  # the oracle adds it again, as what it has proposed is stored apart


def restore_activity(
    store: LedgerStore, ledger: Ledger, by_token: Mapping[str, Listing], activity: WalletActivity
) -> None:
    """Bring back from the movements what wallets did beside trading; the two outcomes of an action are one."""

    def action_of(row: Row) -> tuple[int, str, str, str]:
        _, at_ms, address, kind, _, token_id, *_ = row
        listing = by_token.get(token_id)
        return at_ms, address, kind, listing.condition_id if listing else ""

    rows = [row for row in store.rows(MOVEMENTS) if row[3] in _ACTIVITY_KINDS]
    for (at_ms, address, kind, condition_id), group in itertools.groupby(rows, key=action_of):
        parts = list(group)
        shares = [abs(row[6]) for row in parts]
        activity.add(
            ledger.account(address),
            _ACTIVITY_KINDS[kind],
            condition_id=condition_id,
            shares=sum(shares) if kind == "redeem" else max(shares),
            dollars=abs(sum(row[4] for row in parts)),
            at_ms=at_ms,
        )


def _stored_markets(store: LedgerStore) -> list[RecordedMarket]:
    """With empty books."""
    recorded_at = datetime.fromtimestamp(store.at_ms / 1000, UTC)
    return [
        RecordedMarket(
            gamma=json.loads(gamma),
            event_id=event_id,
            clob=json.loads(clob),
            bids=(),
            asks=(),
            last_trade_price=None,
            history=(),
            recorded_at=recorded_at,
        )
        for _, event_id, gamma, clob in store.rows(RECORDINGS)
    ]


def _check_movements(store: LedgerStore, ledger: Ledger) -> None:
    sums = dict.fromkeys(ledger.accounts, 0)
    for _, _, address, _, amount, *_ in store.rows(MOVEMENTS):
        sums[address] += amount
    for account in ledger.accounts.values():
        if not account.is_house and account.cash != sums[account.address]:
            raise ConfigurationError(
                f"The ledger {store.path} cannot be used: {account.address} has {account.cash} millionths of a dollar, "
                f"but its movements add up to {sums[account.address]}. It was left as it is."
            )


def _order(row: Row, ledger: Ledger) -> Order:
    (
        order_id,
        address,
        condition_id,
        token_id,
        outcome,
        side,
        price,
        size,
        order_type,
        created_at_ms,
        owner,
        maker_address,
        expiration,
        budget,
        filled,
        resting,
        resting_filled,
        status,
        priority,
    ) = row
    return Order(
        id=order_id,
        account=ledger.account(address),
        condition_id=condition_id,
        token_id=token_id,
        outcome=outcome,
        side=side,
        price=price,
        size=size,
        order_type=order_type,
        created_at_ms=created_at_ms,
        owner=owner,
        maker_address=maker_address,
        expiration=int(expiration),
        budget=budget,
        filled=filled,
        # What rested of a house order is gone with the run that it belonged to.
        resting=resting if owner else resting_filled,
        resting_filled=resting_filled,
        status=status,
        priority=priority,
    )


def _trades(store: LedgerStore, orders: Mapping[str, Order]) -> tuple[Trade, ...]:
    fills: dict[str, list[MakerFill]] = {}
    for trade_id, _, order_id, shares, cash, price in store.rows(FILLS):
        fills.setdefault(trade_id, []).append(MakerFill(orders[order_id], shares, cash, price))
    trades = []
    for trade_id, taker, bucket, shares, cash, price, fee, matched, updated, status, transaction in store.rows(TRADES):
        trade = Trade(
            id=trade_id,
            taker=orders[taker],
            bucket_index=bucket,
            shares=shares,
            cash=cash,
            price=price,
            fee=fee,
            makers=tuple(fills[trade_id]),
            matched_at_ms=matched,
            updated_at_ms=updated,
            status=status,
            transaction_hash=transaction,
        )
        for order, *_ in trade.parts():
            order.trade_ids.append(trade_id)
        trades.append(trade)
    return tuple(trades)
