"""Who owns what: settled cash and outcome tokens, what open orders and unsettled trades hold back, and the proof
that nothing was created or lost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal, Protocol

MovementKind = Literal[
    "deposit", "wrap", "unwrap", "buy", "sell", "fee", "split", "merge", "redeem", "rebate", "reward"
]
"""Why cash came to an account or left it."""


@dataclass(slots=True)
class Position:
    """What an account paid for the tokens it holds of one outcome. All amounts in millionths.

    `cost` and `entry_fees` belong to the shares still held, by average cost. `realized` is what sales and redemptions
    brought over their cost, exit fees deducted, entry fees not. `bought` counts every share ever acquired. The last
    two are unix seconds.
    """

    size: int = 0
    cost: int = 0
    entry_fees: int = 0
    realized: int = 0
    bought: int = 0
    first_entry_at: int = 0
    last_event_at: int = 0

    def acquire(self, shares: int, *, cost: int, fee: int, at: int) -> None:
        if not self.size:
            self.first_entry_at = at
        self.size += shares
        self.bought += shares
        self.cost += cost
        self.entry_fees += fee
        self.last_event_at = at

    def release(self, shares: int, *, proceeds: int, at: int) -> None:
        cost = self.cost * shares // self.size
        self.entry_fees -= self.entry_fees * shares // self.size
        self.cost -= cost
        self.realized += proceeds - cost
        self.size -= shares
        self.last_event_at = at


@dataclass(slots=True, eq=False)
class Account:
    """One purse. Amounts are millionths of a dollar or of a share.

    `cash` and `positions` are settled. `open_cash` and `open_shares` are held back by resting orders, `matched_cash`
    and `matched_shares` by trades that have not settled yet. `unwrapped` dollars (USDC.e) trade nothing. `is_house`
    marks the exchange's own accounts, `granted` those that have had their starting balance.
    """

    address: str
    cash: int = 0
    unwrapped: int = 0
    is_house: bool = False
    granted: bool = False
    positions: dict[str, Position] = field(default_factory=dict)
    open_cash: int = 0
    matched_cash: int = 0
    open_shares: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    matched_shares: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def shares(self, token_id: str) -> int:
        held = self.positions.get(token_id)
        return held.size if held else 0

    def position(self, token_id: str) -> Position:
        return self.positions.setdefault(token_id, Position())


class LedgerObserver(Protocol):
    """Who must know which accounts changed: what makes the ledger durable."""

    def note_cash(
        self,
        account: Account,
        kind: MovementKind,
        amount: int,
        *,
        token_id: str = "",
        shares: int = 0,
        trade_id: str = "",
    ) -> None:
        """`amount` came to the account (negative: left it), and `shares` of a token with it."""

    def note_unwrapped(self, account: Account) -> None:
        """The unwrapped dollars of an account changed."""

    def note_collateral(self, condition_id: str) -> None:
        """The dollars locked in a market changed, or its payout was fixed."""


class InsufficientFunds(Exception):
    """An account does not hold what it would have to give. Nothing was changed."""


class Ledger:
    """All accounts of one exchange.

    Every complete set (one share of each outcome of a market) is backed by one dollar of locked collateral, so cash
    + unwrapped dollars + locked collateral + fees equals what was deposited at all times. `observer` is told of every
    change.
    """

    def __init__(self, observer: LedgerObserver | None = None) -> None:
        self._observer = observer
        self.accounts: dict[str, Account] = {}
        self.fees = 0
        self.deposited = 0
        self.locked: defaultdict[str, int] = defaultdict(int)
        self.payouts: dict[str, tuple[tuple[str, str], tuple[int, int]]] = {}

    def account(self, address: str) -> Account:
        """The account of an address, opened empty when it is new."""
        known = self.accounts.get(address)
        if known is None:
            known = self.accounts[address] = Account(address)
        return known

    def deposit(self, account: Account, amount: int) -> None:
        account.cash += amount
        self.deposited += amount
        if self._observer is not None:
            self._observer.note_cash(account, "deposit", amount)

    def deposit_unwrapped(self, account: Account, amount: int) -> None:
        """Give an account dollars that are no collateral yet."""
        account.unwrapped += amount
        self.deposited += amount
        if self._observer is not None:
            self._observer.note_unwrapped(account)

    def wrap(self, account: Account, amount: int) -> None:
        """Turn unwrapped dollars into cash. Raises InsufficientFunds."""
        if account.unwrapped < amount:
            raise InsufficientFunds(f"{account.address} has less than {amount} millionths of a dollar unwrapped")
        self._wrapped(account, "wrap", amount)

    def unwrap(self, account: Account, amount: int) -> None:
        """Turn free cash into unwrapped dollars. Raises InsufficientFunds."""
        if account.cash - account.open_cash - account.matched_cash < amount:
            raise InsufficientFunds(f"{account.address} has less than {amount} millionths of a dollar free")
        self._wrapped(account, "unwrap", -amount)

    def _wrapped(self, account: Account, kind: MovementKind, amount: int) -> None:
        account.cash += amount
        account.unwrapped -= amount
        if self._observer is not None:
            self._observer.note_cash(account, kind, amount)
            self._observer.note_unwrapped(account)

    def pay_reward(self, account: Account, amount: int) -> None:
        """Give a maker what sponsors pay for its orders: money that comes from outside."""
        account.cash += amount
        self.deposited += amount
        if self._observer is not None:
            self._observer.note_cash(account, "reward", amount)

    def pay_rebate(self, account: Account, amount: int) -> None:
        """Give a maker its part of the fees that were taken."""
        self.fees -= amount
        account.cash += amount
        if self._observer is not None:
            self._observer.note_cash(account, "rebate", amount)

    def buy(
        self, account: Account, token_id: str, shares: int, *, cost: int, fee: int, at: int, trade_id: str = ""
    ) -> None:
        """Settle one side of a trade: `cost` and `fee` leave, `shares` arrive."""
        account.cash -= cost + fee
        self.fees += fee
        account.position(token_id).acquire(shares, cost=cost, fee=fee, at=at)
        if self._observer is not None:
            self._observer.note_cash(account, "buy", -cost, token_id=token_id, shares=shares, trade_id=trade_id)
            if fee:
                self._observer.note_cash(account, "fee", -fee, token_id=token_id, trade_id=trade_id)

    def sell(
        self, account: Account, token_id: str, shares: int, *, proceeds: int, fee: int, at: int, trade_id: str = ""
    ) -> None:
        """Settle one side of a trade: `shares` leave, `proceeds` less `fee` arrive."""
        account.cash += proceeds - fee
        self.fees += fee
        account.position(token_id).release(shares, proceeds=proceeds - fee, at=at)
        if self._observer is not None:
            self._observer.note_cash(account, "sell", proceeds, token_id=token_id, shares=-shares, trade_id=trade_id)
            if fee:
                self._observer.note_cash(account, "fee", -fee, token_id=token_id, trade_id=trade_id)

    def lock(self, condition_id: str, change: int) -> None:
        """Complete sets of a market came to be (or, negative, ended): a dollar is locked for each."""
        self.locked[condition_id] += change
        if self._observer is not None:
            self._observer.note_collateral(condition_id)

    def split(self, account: Account, condition_id: str, tokens: tuple[str, str], shares: int, *, at: int) -> None:
        """Turn dollars into complete sets, each half of the dollar booked as the cost of one outcome.

        Raises InsufficientFunds.
        """
        if account.cash - account.open_cash - account.matched_cash < shares:
            raise InsufficientFunds(f"{account.address} has less than {shares} millionths of a dollar free")
        half = shares // 2
        for token_id, cost in zip(tokens, (half, shares - half), strict=True):
            account.position(token_id).acquire(shares, cost=cost, fee=0, at=at)
            if self._observer is not None:
                self._observer.note_cash(account, "split", -cost, token_id=token_id, shares=shares)
        account.cash -= shares
        self.lock(condition_id, shares)

    def merge(self, account: Account, condition_id: str, tokens: tuple[str, str], shares: int, *, at: int) -> None:
        """Turn complete sets back into dollars. Raises InsufficientFunds."""
        for token_id in tokens:
            held_back = account.open_shares[token_id] + account.matched_shares[token_id]
            if account.shares(token_id) - held_back < shares:
                raise InsufficientFunds(f"{account.address} has less than {shares} free shares of {token_id}")
        half = shares // 2
        for token_id, proceeds in zip(tokens, (half, shares - half), strict=True):
            account.position(token_id).release(shares, proceeds=proceeds, at=at)
            if self._observer is not None:
                self._observer.note_cash(account, "merge", proceeds, token_id=token_id, shares=-shares)
        account.cash += shares
        self.lock(condition_id, -shares)

    def resolve(self, condition_id: str, tokens: tuple[str, str], payouts: tuple[int, int]) -> None:
        """Fix what each outcome pays: (1, 0), (0, 1), or (1, 1) for half a dollar each."""
        self.payouts[condition_id] = (tokens, payouts)
        if self._observer is not None:
            self._observer.note_collateral(condition_id)

    def redeem(self, account: Account, condition_id: str, *, at: int) -> int:
        """Exchange every share of a resolved market for its payout; the dollars paid, in millionths.

        Raises KeyError when the market is not resolved.
        """
        tokens, payouts = self.payouts[condition_id]
        total = 0
        for token_id, payout in zip(tokens, payouts, strict=True):
            shares = account.shares(token_id)
            if shares:
                paid = shares * payout // sum(payouts)
                account.position(token_id).release(shares, proceeds=paid, at=at)
                total += paid
                if self._observer is not None:
                    self._observer.note_cash(account, "redeem", paid, token_id=token_id, shares=-shares)
        account.cash += total
        self.lock(condition_id, -total)
        return total

    def discrepancies(self, markets: dict[str, tuple[str, str]]) -> list[str]:
        """Every way in which the books do not balance; empty when they do. `markets` maps condition to tokens."""
        found = []
        held: defaultdict[str, int] = defaultdict(int)
        for account in self.accounts.values():
            if account.cash < 0:
                found.append(f"{account.address} has negative cash {account.cash}")
            if account.unwrapped < 0:
                found.append(f"{account.address} has negative unwrapped dollars {account.unwrapped}")
            for token_id, position in account.positions.items():
                held[token_id] += position.size
                if position.size < 0:
                    found.append(f"{account.address} is short {position.size} of {token_id}")
        cash = sum(account.cash + account.unwrapped for account in self.accounts.values())
        total = cash + sum(self.locked.values()) + self.fees
        if total != self.deposited:
            found.append(f"cash, collateral and fees are {total}, deposits {self.deposited}")
        for condition_id, tokens in markets.items():
            locked = self.locked[condition_id]
            if condition_id in self.payouts:
                payouts = self.payouts[condition_id][1]
                owed = sum(held[token] * pay for token, pay in zip(tokens, payouts, strict=True)) // sum(payouts)
                if locked < owed:
                    found.append(f"{condition_id} locks {locked} and owes {owed}")
            elif not held[tokens[0]] == held[tokens[1]] == locked:
                found.append(f"{condition_id} locks {locked}, holders have {held[tokens[0]]} and {held[tokens[1]]}")
        return found
