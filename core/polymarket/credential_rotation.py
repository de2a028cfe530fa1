"""New API credentials instead of old ones, in steps that may be interrupted anywhere and are then taken up again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from ..clock import Clock
from ..errors import ConfigurationError, InputRejected, OrderError, OutcomeUnknown
from .authorised import AuthorisedClient
from .credential_file import CredentialFile, Intention, KeptCredentials
from .credentials import ApiCredentials
from .rejections import CredentialsRefused
from .signing import Signer
from .transport import Transport

_SETTLE_S = 3.0
"""How long requests that were signed with the old credentials get to arrive before these are deleted."""

_MOST_NONCES = 100


@dataclass(frozen=True, slots=True)
class Rotated:
    """`key` is in use now, `deleted` no longer valid at the venue; `resumed` where an earlier rotation had begun it."""

    key: str
    deleted: str
    resumed: bool


async def rotate_credentials(
    transport: Transport, *, signer: Signer, store: CredentialFile, clock: Clock, settle_s: float = _SETTLE_S
) -> Rotated:
    """Make credentials of a new nonce, try them, use them, then delete the old ones at the venue.

    Each step is written down before the next, and until the last one the credentials in the store are valid, so a
    rotation that was killed is finished by calling this again. A desk that runs uses the new ones from its next request
    on. Raises ConfigurationError when the new ones do not work or another process rotates them, and whatever the
    venue's answers raise.
    """
    rotation = _Rotation(transport, signer, store)
    with store.rotating():  # two at once would forget which credentials are still to be deleted
        kept = store.kept()
        resumed = kept != KeptCredentials(current=kept.current)
        if kept.retiring is None:
            await rotation.switch(await rotation.made())
        await clock.sleep(settle_s)
        deleted = await rotation.delete_retiring()
        return Rotated(key=rotation.current.key, deleted=deleted, resumed=resumed)


class _Rotation:
    def __init__(self, transport: Transport, signer: Signer, store: CredentialFile) -> None:
        self._transport = transport
        self._signer = signer
        self._store = store

    @property
    def current(self) -> ApiCredentials:
        current = self._store.load()
        if current is None:
            raise ConfigurationError("The API credentials have vanished from the disk during their rotation.")
        return current

    async def made(self) -> ApiCredentials:
        """Credentials that are not in use yet: those of a rotation that began, else new ones."""
        client = AuthorisedClient(self._transport, signer=self._signer, store=self._store)
        in_use = await client.credentials()
        kept = self._store.kept()
        if kept.candidate is not None:
            return kept.candidate
        intention = kept.intention
        if intention is None:
            intention = Intention(nonce=in_use.nonce + 1, known=await client.api_keys())
        for nonce in range(intention.nonce, intention.nonce + _MOST_NONCES):
            intention = Intention(nonce=nonce, known=intention.known)
            self._store.update(partial(replace, intention=intention))
            candidate = await client.create_or_derive_credentials(nonce)
            if candidate.key not in intention.known:
                self._store.update(partial(replace, candidate=candidate))
                return candidate
        raise ConfigurationError(
            f"The venue has keys for all nonces up to {intention.nonce}; delete some of them first."
        )

    async def switch(self, candidate: ApiCredentials) -> None:
        """Use the new credentials once the venue has accepted them, and remember the old ones for their deletion."""
        try:
            works = candidate.key in await self._keys(candidate)
        except CredentialsRefused:
            works = False
        if not works:
            self._store.update(lambda kept: replace(kept, candidate=None, intention=None))
            raise ConfigurationError("The venue does not accept the new API credentials; the old ones stay in use.")
        self._store.update(
            lambda kept: KeptCredentials(
                current=candidate, retiring=kept.current if kept.current != candidate else None
            )
        )

    async def delete_retiring(self) -> str:
        """Delete the old credentials at the venue, and make sure that they are gone; the id of their key."""
        retiring = self._store.kept().retiring
        if retiring is None:
            return ""
        client = AuthorisedClient(self._transport, signer=self._signer, credentials=retiring)
        try:
            await client.delete_api_key()
        except (CredentialsRefused, InputRejected, OrderError, OutcomeUnknown):
            if retiring.key in await self._keys(self.current):
                raise
        self._store.update(lambda kept: replace(kept, retiring=None))
        return retiring.key

    async def _keys(self, credentials: ApiCredentials) -> tuple[str, ...]:
        return await AuthorisedClient(self._transport, signer=self._signer, credentials=credentials).api_keys()
