"""Requests on behalf of an account: API credentials, and the headers they sign."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ..clock import unix_ms
from ..errors import ConfigurationError, InputRejected
from ..identifiers import Address
from . import credential_requests as requests
from .client import PolymarketClient
from .credential_file import CredentialStore
from .credentials import ApiCredentials
from .rejections import CredentialsRefused
from .request import RequestSpec
from .signing import SignatureType, Signer, l1_headers, l2_headers, order_maker
from .transport import Transport

T = TypeVar("T")


class AuthorisedClient(PolymarketClient):
    """A client that can prove whose account it acts for.

    With a `signer`, credentials are taken from `store`, or created or derived, at the first call that needs them, and
    replaced when the venue no longer accepts them; `credentials` that were passed in never are. When another process
    puts others into the store, they are used from the next call on. `funder` is the wallet that holds the money when it
    is not the key's own.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        signer: Signer | None = None,
        credentials: ApiCredentials | None = None,
        store: CredentialStore | None = None,
        funder: Address | None = None,
        signature_type: SignatureType = SignatureType.EOA,
    ) -> None:
        super().__init__(transport)
        self._signer = signer
        self._credentials = credentials
        self._replaceable = signer is not None and credentials is None
        self._store = store if credentials is None else None
        self._read_version: object = None
        self._funder = funder
        self._signature_type = signature_type
        self._credentials_lock = asyncio.Lock()

    async def create_or_derive_credentials(self, nonce: int = 0) -> ApiCredentials:
        """The key's API credentials of one nonce, made now or derived again if they exist. Needs a signer."""
        signer = self._require_signer()
        authorise = self._l1_headers(signer, nonce)
        try:
            made = await self._transport.call(requests.create_api_key_spec(), authorise=authorise)
        except InputRejected:
            made = await self._transport.call(requests.derive_api_key_spec(), authorise=authorise)
        return replace(made, nonce=nonce)

    async def derive_credentials(self) -> ApiCredentials:
        """The key's API credentials if it has any; none are made. Raises InputRejected when it has none."""
        return await self._transport.call(
            requests.derive_api_key_spec(), authorise=self._l1_headers(self._require_signer(), 0)
        )

    async def credentials(self) -> ApiCredentials:
        """The credentials in use; taken from the store, created or derived once when a signer is there."""
        async with self._credentials_lock:
            kept = self._heed_store()
            if kept is None:
                kept = await self.create_or_derive_credentials()
                self._keep(kept)
            return kept

    @property
    def latest_credentials(self) -> ApiCredentials | None:
        """The credentials in use, without asking the venue for any; None when there are none yet."""
        return self._heed_store()

    async def api_keys(self) -> tuple[str, ...]:
        """The ids of all API keys of this account."""
        return await self._authorised(requests.api_keys_spec())

    async def delete_api_key(self) -> None:
        """Delete the API key in use, for good; with a signer the next call makes another one."""
        await self._authorised(requests.delete_api_key_spec())
        async with self._credentials_lock:
            self._credentials = None
            if self._store is not None:
                self._store.delete()

    async def create_readonly_api_key(self) -> str:
        """A new key that can read orders and trades of this account but change nothing."""
        return await self._authorised(requests.create_readonly_api_key_spec())

    async def readonly_api_keys(self) -> tuple[str, ...]:
        """The read-only keys of this account."""
        return await self._authorised(requests.readonly_api_keys_spec())

    async def delete_readonly_api_key(self, key: str) -> None:
        await self._authorised(requests.delete_readonly_api_key_spec(key))

    async def rate_limit_tier(self) -> str:
        """The name of the account's tier of order rates."""
        return await self._authorised(requests.rate_limit_tier_spec())

    async def closed_only(self) -> bool:
        """Whether the venue lets this account only reduce what it holds."""
        return await self._authorised(requests.closed_only_spec())

    @property
    def account(self) -> Address:
        """The wallet whose money the orders move. Raises ConfigurationError without signer and funder."""
        if self._signer is None:
            return self._require_address()
        return order_maker(self._signer, funder=self._funder, signature_type=self._signature_type)

    async def owners(self) -> frozenset[str]:
        """How our side of a trade is marked: the API key and our wallets, in lower case."""
        credentials = await self.credentials()
        addresses = {self._require_address(), *([self._funder] if self._funder else [])}
        return frozenset({credentials.key.lower(), *(address.lower() for address in addresses)})

    async def _authorised(self, spec: RequestSpec[T]) -> T:
        """Send with L2 headers, made anew for every attempt because they carry the time.

        Refused credentials are replaced. A call that names them nowhere but in its headers is then sent again, as
        the venue did nothing; an order names its owner, so CredentialsRefused tells the caller to place it again.
        """
        credentials = await self.credentials()
        try:
            return await self._send(spec, credentials)
        except CredentialsRefused as refusal:
            replacement = await self._replacement(credentials)
            if replacement is None:
                raise
            if spec.order_ids and not spec.cancel:
                raise CredentialsRefused(
                    f"{refusal.message}. They have been replaced and nothing was placed; place the order again."
                ) from refusal
            return await self._send(spec, replacement)

    async def _send(self, spec: RequestSpec[T], credentials: ApiCredentials) -> T:
        address = self._require_address()

        def headers(method: str, path: str, body: bytes) -> dict[str, str]:
            return l2_headers(address, credentials, timestamp_s=self._now_s(), method=method, path=path, body=body)

        return await self._transport.call(spec, authorise=headers)

    async def _replacement(self, refused: ApiCredentials) -> ApiCredentials | None:
        """Other credentials than the refused ones; None when they may not be replaced or the venue has no others."""
        if not self._replaceable:
            return None
        async with self._credentials_lock:
            if self._heed_store() in (None, refused):
                derived = await self.create_or_derive_credentials(refused.nonce)
                if derived == refused:
                    return None  # the key is right, so something else is wrong, such as the clock
                self._keep(derived)
            return self._credentials

    def _keep(self, credentials: ApiCredentials) -> None:
        self._credentials = credentials
        if self._store is not None:
            self._store.save(credentials)
            self._read_version = self._store.version

    def _heed_store(self) -> ApiCredentials | None:
        """The credentials in use, once those that another process has put into the store since are taken."""
        if self._store is not None and (version := self._store.version) != self._read_version:
            self._credentials = self._store.load() or self._credentials
            self._read_version = version
        return self._credentials

    def _l1_headers(self, signer: Signer, nonce: int) -> Callable[[str, str, bytes], dict[str, str]]:
        return lambda _method, _path, _body: l1_headers(
            signer, chain_id=self.environment.chain_id, timestamp_s=self._now_s(), nonce=nonce
        )

    def _now_s(self) -> int:
        return unix_ms(self._transport.clock.now()) // 1000

    def _require_signer(self) -> Signer:
        if self._signer is None:
            raise ConfigurationError("this needs a private key, and none is configured")
        return self._signer

    def _require_address(self) -> Address:
        """The address that API credentials are bound to: the key's own account."""
        if self._signer is not None:
            return self._signer.address
        if self._funder is None:
            raise ConfigurationError("API credentials without a private key need the address of their account")
        return self._funder
