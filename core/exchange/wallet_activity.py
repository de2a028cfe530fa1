"""What wallets do beside trading: money in and out, sets split and merged, shares redeemed, rewards and rebates."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .ledger import Account

ActivityKind = Literal["DEPOSIT", "WITHDRAWAL", "SPLIT", "MERGE", "REDEEM", "REWARD", "MAKER_REBATE"]


@dataclass(frozen=True, slots=True)
class WalletAction:
    """One action of an account. `shares` and `dollars` are millionths; `condition_id` is empty without a market."""

    account: Account
    kind: ActivityKind
    condition_id: str
    shares: int
    dollars: int
    at_ms: int
    transaction_hash: str


class WalletActivity:
    """All actions on one exchange, oldest first."""

    def __init__(self) -> None:
        self._of: defaultdict[str, list[WalletAction]] = defaultdict(list)

    def add(
        self, account: Account, kind: ActivityKind, *, condition_id: str, shares: int, dollars: int, at_ms: int
    ) -> WalletAction:
        """Write an action down under a transaction of its own."""
        actions = self._of[account.address]
        seed = f"{account.address} {kind} {condition_id} {at_ms} {len(actions)}"
        transaction = "0x" + hashlib.sha256(seed.encode()).hexdigest()
        action = WalletAction(account, kind, condition_id, shares, dollars, at_ms, transaction)
        actions.append(action)
        return action

    def of(self, account: Account) -> Sequence[WalletAction]:
        return self._of[account.address]
