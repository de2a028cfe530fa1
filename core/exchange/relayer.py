"""The relayer's stand-in: takes what wallets have signed, sends it to a chain that is the ledger, and pays the gas."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from .calldata import Approval, BadCall, ContractCall, Conversion, Redemption, Wrapping, read_action
from .contracts import (
    BRIDGED_DOLLARS,
    COLLATERAL,
    COLLATERAL_ADAPTER,
    MAX_ALLOWANCE,
    NEG_RISK_COLLATERAL_ADAPTER,
    OFFRAMP,
    ONRAMP,
    OUTCOME_TOKENS,
)
from .ledger import Account, InsufficientFunds
from .ledger_schema import RELAYED_TRANSACTIONS
from .position_operations import merge_positions, redeem_positions, split_position, unwrap_dollars, wrap_dollars
from .rejections import Rejection
from .token_approvals import TokenApprovals
from .venue import Exchange

WalletType = Literal["SAFE", "PROXY", "WALLET"]
State = Literal["STATE_NEW", "STATE_EXECUTED", "STATE_MINED", "STATE_CONFIRMED", "STATE_FAILED", "STATE_INVALID"]

_PENDING: tuple[State, ...] = ("STATE_NEW", "STATE_EXECUTED")
_NONCE_USED: tuple[State, ...] = ("STATE_MINED", "STATE_CONFIRMED")
_WINDOW_MS, _SUBMISSIONS = 60_000, 25
"""So many submissions of an owner are taken in a minute, where limits are enforced."""


@dataclass(slots=True)
class RelayedTransaction:
    """What one wallet has signed, and what became of it. `digest` is what was signed, as 0x-hex; times are unix ms."""

    id: str
    owner: str
    wallet: str
    kind: WalletType
    nonce: int
    digest: str
    signature: str
    calls: tuple[ContractCall, ...]
    metadata: str
    state: State
    error: str
    created_at_ms: int
    updated_at_ms: int

    @property
    def hash(self) -> str:
        """The hash of the chain's transaction; empty until there is one."""
        return (
            "" if self.state in ("STATE_NEW", "STATE_INVALID") else "0x" + hashlib.sha256(self.id.encode()).hexdigest()
        )


class Relayer:
    """Transactions of one exchange. What is under way when the exchange ends goes on at its next start."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._transactions: dict[str, RelayedTransaction] = {}
        for row in exchange.records.stored(RELAYED_TRANSACTIONS):
            made = _from_row(row)
            self._transactions[made.id] = made
            if made.state not in ("STATE_CONFIRMED", "STATE_FAILED", "STATE_INVALID"):
                self._later(made)

    def api_key(self, owner: str) -> str:
        """The relayer key of an address; it follows from the exchange's secret, as its API keys do."""
        return relayer_api_key(self._exchange, owner)

    def nonce(self, owner: str, kind: WalletType) -> int:
        """The number that the owner's next transaction must have: how many of its kind the chain has taken."""
        return sum(each.kind == kind and each.state in _NONCE_USED for each in self._of(owner))

    def find(self, transaction_id: str) -> RelayedTransaction | None:
        return self._transactions.get(transaction_id)

    def of(self, owner: str) -> list[RelayedTransaction]:
        """The transactions of an owner, newest first."""
        return list(reversed(self._of(owner)))

    def submit(
        self,
        owner: str,
        wallet: str,
        kind: WalletType,
        *,
        nonce: int,
        digest: bytes,
        signature: str,
        calls: Sequence[ContractCall],
        metadata: str,
    ) -> RelayedTransaction:
        """Take a transaction whose signature was checked. It is done step by step; each takes the settings' seconds.

        Raises Rejection for a wallet of somebody else, a wrong nonce, a wallet that is busy, and for calls that no
        contract here has.
        """
        exchange = self._exchange
        if not exchange.accounts.claim_wallet(wallet, owner):
            raise Rejection(f"wallet {wallet} does not belong to {owner}")
        self._check_rate(owner)
        if any(each.state in _PENDING and each.kind == kind for each in self._of(owner)):
            raise Rejection("wallet busy: an active action is already running for this wallet")
        expected = self.nonce(owner, kind)
        if nonce != expected:
            raise Rejection(f"batch nonce {nonce} does not match on-chain nonce {expected}")
        try:
            actions = [read_action(call) for call in calls]
        except BadCall as error:
            raise Rejection(f"execution would revert: {error}") from error
        if not actions or sum(not isinstance(each, Approval) for each in actions) > 1:
            raise Rejection("a transaction has calls, and here at most one that moves positions")
        with exchange.transaction():
            made = RelayedTransaction(
                id=str(uuid.UUID(bytes=hashlib.sha256(digest + signature.encode()).digest()[:16], version=4)),
                owner=owner,
                wallet=wallet,
                kind=kind,
                nonce=nonce,
                digest="0x" + digest.hex(),
                signature=signature,
                calls=tuple(calls),
                metadata=metadata,
                state="STATE_NEW",
                error="",
                created_at_ms=exchange.now_ms,
                updated_at_ms=exchange.now_ms,
            )
            if made.id in self._transactions:
                raise Rejection("this transaction was submitted already")
            self._transactions[made.id] = made
            self._move(made, "STATE_NEW")
            self._later(made)
        return made

    def _of(self, owner: str) -> list[RelayedTransaction]:
        return [each for each in self._transactions.values() if each.owner.lower() == owner.lower()]

    def _check_rate(self, owner: str) -> None:
        if self._exchange.settings.address_limits != "enforce":
            return
        since = self._exchange.now_ms - _WINDOW_MS
        if sum(each.created_at_ms > since for each in self._of(owner)) >= _SUBMISSIONS:
            raise Rejection("quota exceeded", status=429, headers={"retry-after": "60"})

    def _later(self, made: RelayedTransaction) -> None:
        self._exchange.agenda.after(self._exchange.settings.relayed_step_s, partial(self._step, made))

    def _step(self, made: RelayedTransaction) -> None:
        with self._exchange.transaction():
            match made.state:
                case "STATE_NEW":
                    self._move(made, "STATE_EXECUTED")
                case "STATE_EXECUTED":
                    self._mine(made)
                case _:
                    self._move(made, "STATE_CONFIRMED")
        if made.state in (*_PENDING, "STATE_MINED"):
            self._later(made)

    def _mine(self, made: RelayedTransaction) -> None:
        """Do all of it, or none and say why."""
        try:
            if self._exchange.controls.fails_on_chain(made.owner):
                raise InsufficientFunds("the call ran out of gas")
            account = self._exchange.accounts.open_account(made.owner)
            allowed = _Allowances(self._exchange.approvals, account.address)
            for action in [read_action(call) for call in made.calls]:
                match action:
                    case Approval():
                        allowed.give(action)
                    case Wrapping():
                        self._wrap(account, action, allowed, wallet=made.wallet)
                    case _:
                        self._convert(account, action, allowed)
        except (InsufficientFunds, ValueError, KeyError) as error:
            self._move(made, "STATE_FAILED", error=f"execution reverted: {error}")
            return
        allowed.keep()
        self._move(made, "STATE_MINED")

    def _wrap(self, account: Account, action: Wrapping, allowed: _Allowances, *, wallet: str) -> None:
        """Raises InsufficientFunds or ValueError, before anything was changed."""
        if action.to.lower() != wallet.lower():
            raise ValueError("here dollars are wrapped and unwrapped for the wallet itself")
        wraps = action.kind == "wrap"
        allowed.spend(BRIDGED_DOLLARS if wraps else COLLATERAL, ONRAMP if wraps else OFFRAMP, action.amount)
        (wrap_dollars if wraps else unwrap_dollars)(self._exchange, account, action.amount)

    def _convert(self, account: Account, action: Conversion | Redemption, allowed: _Allowances) -> None:
        """Raises InsufficientFunds, ValueError or KeyError, before anything was changed."""
        exchange = self._exchange
        listing = exchange.markets.by_condition.get(action.condition_id)
        if listing is None:
            raise KeyError(f"there is no condition {action.condition_id}")
        if listing.neg_risk is not action.neg_risk:
            raise ValueError("this adapter does not serve that market")
        adapter = NEG_RISK_COLLATERAL_ADAPTER if action.neg_risk else COLLATERAL_ADAPTER
        token = COLLATERAL if isinstance(action, Conversion) and action.kind == "split" else OUTCOME_TOKENS
        amount = action.amount if isinstance(action, Conversion) else 1
        allowed.check(token, adapter, amount)
        if not isinstance(action, Conversion):
            redeem_positions(exchange, account, action.condition_id)
        elif action.kind == "split":
            split_position(exchange, account, action.condition_id, action.amount)
        else:
            merge_positions(exchange, account, action.condition_id, action.amount)

    def _move(self, made: RelayedTransaction, state: State, *, error: str = "") -> None:
        made.state, made.error, made.updated_at_ms = state, error, self._exchange.now_ms
        self._exchange.records.keep(RELAYED_TRANSACTIONS, _to_row(made))


class _Allowances:
    """What contracts may move of a wallet while its transaction is carried out; kept when all of it was."""

    def __init__(self, approvals: TokenApprovals, owner: str) -> None:
        self._approvals = approvals
        self._owner = owner
        self._changed: dict[tuple[str, str], int] = {}

    def give(self, approval: Approval) -> None:
        self._changed[approval.token.lower(), approval.spender.lower()] = approval.amount

    def check(self, token: str, spender: str, amount: int) -> int:
        """How much a contract may move. Raises InsufficientFunds where that is less than `amount`."""
        given = self._changed.get((token.lower(), spender.lower()))
        allowed = self._approvals.amount(self._owner, token, spender) if given is None else given
        if amount > allowed:
            raise InsufficientFunds(f"{spender} may move {allowed} of {token}")
        return allowed

    def spend(self, token: str, spender: str, amount: int) -> None:
        """Use an allowance up, unless it is without limit. Raises InsufficientFunds."""
        allowed = self.check(token, spender, amount)
        if allowed != MAX_ALLOWANCE:
            self._changed[token.lower(), spender.lower()] = allowed - amount

    def keep(self) -> None:
        for (token, spender), amount in self._changed.items():
            self._approvals.approve(self._owner, token, spender, amount)


def relayer_api_key(exchange: Exchange, owner: str) -> str:
    """The relayer key of an address. On the venue people make theirs on its site."""
    return exchange.credentials.draw(f"{owner.lower()} relayer")[0]


def _to_row(made: RelayedTransaction) -> tuple[object, ...]:
    calls = json.dumps([[each.target, str(each.value), each.data.hex()] for each in made.calls])
    return (
        made.id,
        made.owner,
        made.wallet,
        made.kind,
        str(made.nonce),
        made.digest,
        made.signature,
        calls,
        made.metadata,
        made.state,
        made.error,
        made.created_at_ms,
        made.updated_at_ms,
    )


def _from_row(row: Sequence[object]) -> RelayedTransaction:
    id_, owner, wallet, kind, nonce, digest, signature, calls, metadata, state, error, created, updated = row
    read = tuple(
        ContractCall(target, int(value), bytes.fromhex(data)) for target, value, data in json.loads(str(calls))
    )
    return RelayedTransaction(
        str(id_),
        str(owner),
        str(wallet),
        kind,  # type: ignore[arg-type]
        int(str(nonce)),
        str(digest),
        str(signature),
        read,
        str(metadata),
        state,  # type: ignore[arg-type]
        str(error),
        int(str(created)),
        int(str(updated)),
    )
