"""Who trades on an exchange: API keys, the starting balance that comes with them, and wallets with their owners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from .changes import Changes
from .credentials import Credential, CredentialStore
from .ledger import Account, Ledger
from .wallet_activity import WalletActivity


class Accounts:
    """The accounts of one exchange, by address or wallet, and the keys that open them.

    One account serves an owner's own address and all its wallets. What changes is stored by `transaction`, and noted
    in `changes` where there is a store. Everything that changes something raises LedgerUnavailable when it cannot be
    stored.
    """

    def __init__(
        self,
        ledger: Ledger,
        credentials: CredentialStore,
        wallet_activity: WalletActivity,
        *,
        starting_balance: int,
        now_ms: Callable[[], int],
        transaction: Callable[[], AbstractContextManager[None]],
        changes: Changes | None,
    ) -> None:
        self._ledger = ledger
        self._credentials = credentials
        self._wallet_activity = wallet_activity
        self._starting_balance = starting_balance
        self._now_ms = now_ms
        self._transaction = transaction
        self._changes = changes
        self._wallets: dict[str, str] = {}

    def restore(self, wallets: Mapping[str, str]) -> None:
        """Take over the owners of wallets from a former run."""
        self._wallets.update(wallets)

    def create_credential(self, address: str, nonce: int) -> Credential | None:
        """Make an API key; the first one of an address comes with the starting balance. None when it exists."""
        with self._transaction():
            made = self._credentials.create(address, nonce)
            if made is not None:
                self._note_credentials()
                account = self._ledger.account(address)
                if not account.granted:
                    account.granted = True
                    self._ledger.deposit(account, self._starting_balance)
                    self._wallet_activity.add(
                        account,
                        "DEPOSIT",
                        condition_id="",
                        shares=0,
                        dollars=self._starting_balance,
                        at_ms=self._now_ms(),
                    )
            return made

    def delete_credential(self, credential: Credential) -> None:
        with self._transaction():
            self._credentials.delete(credential)
            self._note_credentials()

    def create_readonly_key(self, address: str) -> str:
        """The id of one more key that reads what the address has."""
        with self._transaction():
            self._note_credentials()
            return self._credentials.create_readonly(address)

    def delete_readonly_key(self, address: str, key: str) -> bool:
        """False when the address has no such key."""
        with self._transaction():
            self._note_credentials()
            return self._credentials.delete_readonly(address, key)

    def claim_wallet(self, wallet: str, owner: str) -> bool:
        """Let a wallet trade on its owner's account. False when it belongs to somebody else."""
        known = self._wallets.get(wallet.lower())
        if known is None:
            with self._transaction():
                self._wallets[wallet.lower()] = known = owner
                if self._changes is not None:
                    self._changes.wallets[wallet.lower()] = owner
        return known == owner

    def account_of(self, address: str) -> Account | None:
        """The account behind an address or a wallet, in any spelling; None when nobody uses it."""
        owner = self._wallets.get(address.lower())
        return self._ledger.accounts.get(owner) if owner else None

    def open_account(self, address: str) -> Account:
        """The account of an address, which may be used from now on."""
        self.claim_wallet(address, address)
        return self._ledger.account(address)

    def _note_credentials(self) -> None:
        if self._changes is not None:
            self._changes.credentials = True
