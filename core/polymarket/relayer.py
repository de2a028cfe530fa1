"""The venue's relayer: sends what a wallet's owner has signed, and pays the gas."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..clock import unix_ms
from ..errors import ConfigurationError
from ..identifiers import Address
from ..models.position_change import ContractCall, PositionOrder, RelayedState, Spender
from .client import PolymarketClient
from .contract_calls import contract_calls, spender_address
from .request import RequestSpec, params_of
from .signing import SignatureType, Signer
from .transport import Transport
from .wallet_transactions import SignedTransaction, relayed_type, sign_batch, sign_proxy, sign_safe
from .wire.relayer import (
    NextNonce,
    parse_approvals,
    parse_nonce,
    parse_submitted,
    parse_transaction,
    parse_transactions,
)

_VALID_S = 300
"""How long a deposit wallet's batch may be carried out; then a batch that was lost is void for good."""


class RelayerClient(PolymarketClient):
    """Transactions of one wallet. `api_key` is the owner's key at the relayer; people make theirs on the venue's site.

    Everything that signs or sends raises ConfigurationError for an account that the relayer does not send for, and
    without a key.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        signer: Signer | None,
        wallet: Address | None,
        signature_type: SignatureType,
        api_key: str | None,
    ) -> None:
        super().__init__(transport)
        self._signer = signer
        self._wallet = wallet
        self._signature_type = signature_type
        self._api_key = api_key

    def check(self) -> Address:
        """The wallet that acts. Raises ConfigurationError where none can."""
        kind = relayed_type(self._signature_type)
        if self._signer is None or self._wallet is None:
            raise ConfigurationError(f"A {kind} wallet needs the private key of its owner and POLYMARKET_FUNDER.")
        if not self._api_key:
            raise ConfigurationError(
                "The venue's relayer wants a key: make a relayer API key on the venue's site and set "
                "POLYMARKET_RELAYER_API_KEY."
            )
        return self._wallet

    def calls(self, order: PositionOrder) -> tuple[ContractCall, ...]:
        """What would be called, with which arguments. Raises InputRejected for too fine an amount, and as `check`."""
        return contract_calls(order, self.environment.contracts, wallet=self.check())

    async def allowance(self, spender: Spender, *, of_shares: bool) -> int:
        """What a contract may move of the wallet, in base units; of shares all or nothing."""
        contracts = self.environment.contracts
        spec = RequestSpec(
            service="data",
            method="GET",
            path="/v2/approvals",
            params=params_of({"user": self.check()}),
            parse=parse_approvals,
        )
        token = contracts.outcome_tokens if of_shares else contracts.collateral
        approved = await self._transport.call(spec)
        return approved.get((token.lower(), spender_address(spender, contracts).lower()), 0)

    async def next_nonce(self) -> NextNonce:
        """The nonce of the wallet's next transaction: how many the chain has taken."""
        self.check()
        assert self._signer is not None
        kind = relayed_type(self._signature_type)
        path = "/relay-payload" if kind == "PROXY" else "/nonce"
        params = params_of({"address": self._signer.address, "type": kind})
        return await self._transport.call(
            RequestSpec(service="relayer", method="GET", path=path, params=params, parse=parse_nonce)
        )

    async def sign(self, calls: Sequence[ContractCall], *, note: str) -> SignedTransaction:
        """Sign calls for the wallet's next nonce; nothing is sent. `note` is kept beside the transaction."""
        wallet = self.check()
        assert self._signer is not None
        following = await self.next_nonce()
        environment, nonce = self.environment, following.nonce
        contracts = environment.contracts
        if self._signature_type is SignatureType.POLY_GNOSIS_SAFE:
            return sign_safe(
                self._signer,
                wallet,
                calls,
                nonce=nonce,
                chain_id=environment.chain_id,
                contracts=contracts,
                note=note,
            )
        if self._signature_type is SignatureType.POLY_PROXY:
            return sign_proxy(
                self._signer, wallet, calls, nonce=nonce, relay=following.relay, contracts=contracts, note=note
            )
        return sign_batch(
            self._signer,
            wallet,
            calls,
            nonce=nonce,
            void_after=unix_ms(self._transport.clock.now()) // 1000 + _VALID_S,
            chain_id=environment.chain_id,
            contracts=contracts,
            note=note,
        )

    async def submit(self, signed: SignedTransaction) -> RelayedState:
        """Send it, once. Raises as placing an order does: OutcomeUnknown where the answer never came."""
        spec = RequestSpec(
            service="relayer",
            method="POST",
            path="/submit",
            body=signed.body,
            parse=parse_submitted,
            idempotent=False,
        )
        return await self._transport.call(spec, authorise=self._headers())

    async def transaction(self, transaction_id: str) -> RelayedState | None:
        """What became of a transaction; None for one that the relayer does not know."""
        spec: RequestSpec[RelayedState | None] = RequestSpec(
            service="relayer",
            method="GET",
            path="/transaction",
            params=params_of({"id": transaction_id}),
            parse=parse_transaction,
            on_missing=(None,),
        )
        return await self._transport.call(spec)

    async def find(self, *, signature: str, note: str) -> RelayedState | None:
        """The transaction that was submitted with a signature, or with a note; None when none is listed."""
        spec = RequestSpec(service="relayer", method="GET", path="/transactions", parse=parse_transactions)
        listed = await self._transport.call(spec, authorise=self._headers())
        return next((each.state for each in listed if each.signature == signature or each.note == note), None)

    def _headers(self) -> partial[dict[str, str]]:
        self.check()
        assert self._signer is not None and self._api_key is not None
        return partial(_headers, self._api_key, self._signer.address)


def _headers(key: str, owner: str, _method: str, _path: str, _body: bytes) -> dict[str, str]:
    return {"RELAYER_API_KEY": key, "RELAYER_API_KEY_ADDRESS": owner}
