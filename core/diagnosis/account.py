"""Looks at an account from key and address, without changing anything at the venue, and says what stops it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from ..errors import InputRejected, PolymarketAPIError, VenueUnavailable
from ..identifiers import Address, TokenId
from ..polymarket.clob import CLOBClient
from ..polymarket.credential_file import CredentialStore
from ..polymarket.credentials import ApiCredentials
from ..polymarket.data_api import DataClient
from ..polymarket.gamma import GammaClient
from ..polymarket.rejections import CredentialsRefused
from ..polymarket.signing import SignatureType, Signer
from ..polymarket.stream_connection import HealingStream
from ..polymarket.streams import MarketStream, UserStream
from ..polymarket.transport import Transport
from ..polymarket.wallets import CandidateWallet, candidate_wallets
from .findings import Finding, finding
from .money import Money, money_findings, money_of
from .reach import findings_of_reach, findings_of_region, probe
from .venue_texts import explain, named
from .wallet_checks import used_wallets, wallet_findings

_PROTOCOL_VERSION = 2
_SKEW_SHOWN_S = 5.0
_SETTLED_SHARE = 0.1
"""The part of the patience that a user stream must stand before it counts as accepted."""

_RELAYER_TYPES = {SignatureType.POLY_GNOSIS_SAFE: "SAFE", SignatureType.POLY_1271: "WALLET"}
"""What the relayer calls the wallets that it knows of."""

_SECONDS = re.compile(r"[0-9]{1,12}")

_WEIGHTS = ("blocks", "limits", "note")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`findings` come with what blocks trading first. `facts` are short answers to what was looked at, by name."""

    findings: tuple[Finding, ...]
    wallets: tuple[CandidateWallet, ...]
    money: Money | None
    facts: dict[str, str]

    @property
    def can_trade(self) -> bool:
        """Whether nothing was found that stops every order."""
        return all(each.weight != "blocks" for each in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at. `configured` are credentials from the settings, `store` those that the desk made.

    `told` are error texts of the venue that need an explanation, `found` what is known already. `patience_s` bounds
    the wait for a stream.
    """

    transport: Transport
    signer: Signer | None
    funder: str | None = None
    signature_type: SignatureType = SignatureType.EOA
    configured: ApiCredentials | None = None
    store: CredentialStore | None = None
    told: Sequence[str] = ()
    found: Sequence[Finding] = ()
    patience_s: float = 5.0


async def diagnose(subject: Subject) -> Diagnosis:
    """Look at everything, read-only: no order, no approval, no new API key. Never raises for what it finds."""
    examination = _Examination(subject)
    examination.findings.extend(subject.found)
    if await examination.reaches_venue():
        await examination.look()
    for text in subject.told:
        examination.findings.append(
            explain(text, wallets=examination.wallets, owner=subject.signer.address if subject.signer else "")
        )
    first: dict[tuple[str, str], Finding] = {}
    for each in examination.findings:
        first.setdefault((each.code, each.said if each.code == "unknown" else ""), each)
    ordered = sorted(first.values(), key=lambda each: _WEIGHTS.index(each.weight))
    return Diagnosis(tuple(ordered), examination.wallets, examination.money, examination.facts)


@dataclass(slots=True)
class _Examination:
    subject: Subject
    findings: list[Finding] = field(default_factory=list)
    wallets: tuple[CandidateWallet, ...] = ()
    money: Money | None = None
    facts: dict[str, str] = field(default_factory=dict)

    async def reaches_venue(self) -> bool:
        environment = self.subject.transport.environment
        direct = environment.is_loopback
        venue, region = await asyncio.gather(
            probe(f"{environment.clob_url}/time", direct=direct), probe(environment.geoblock_url, direct=direct)
        )
        blocked, country = findings_of_region(region)
        self.findings += blocked
        if country:
            self.facts["region"] = country
        reach = findings_of_reach(venue)
        self.findings += reach
        self.facts["venue"] = "does not answer" if reach else "answers"
        if not reach:
            self._compare_clocks(venue.json)
        return not reach

    async def look(self) -> None:
        """Each look by itself: what one cannot see does not keep the others from seeing."""
        await self._try(self._version())
        signer = self.subject.signer
        if signer is None:
            self.findings.append(finding("no_key"))
            await self._try(self._market_stream())
            return
        self.wallets = candidate_wallets(signer.address)
        self.findings += wallet_findings(signer.address, self.subject.funder, self.subject.signature_type, self.wallets)
        await self._try(self._history())
        credentials = await self._credentials(signer)
        if credentials is not None:
            clob = self._client(credentials)
            for part in (self._permissions(clob), self._money(clob), self._tier(clob), self._user_stream(credentials)):
                await self._try(part)
        await self._try(self._market_stream())

    def _compare_clocks(self, seconds: object) -> None:
        if not isinstance(seconds, (int, str)) or not _SECONDS.fullmatch(str(seconds)):
            return
        skew_s = int(seconds) + 0.5 - self.subject.transport.clock.own_time().timestamp()
        self.facts["clock"] = f"{round(skew_s):+d} s"
        if abs(skew_s) >= _SKEW_SHOWN_S:
            direction = "behind" if skew_s > 0 else "ahead of"
            self.findings.append(finding("clock_skew", seconds=round(abs(skew_s)), direction=direction))

    async def _version(self) -> None:
        version = await CLOBClient(self.subject.transport).version()
        self.facts["version"] = str(version)
        if version != _PROTOCOL_VERSION:
            self.findings.append(finding("venue_version", version=version))

    async def _history(self) -> None:
        """Which of the wallets has done anything at the venue."""
        used = await used_wallets(self.subject.transport, self.wallets)
        self.facts["wallets with a history"] = named(used) or "none"
        account = self._account
        if not used:
            self.findings.append(finding("new_wallet"))
        elif account is not None and account.lower() not in (each.address.lower() for each in used):
            other = used[0]
            self.findings.append(
                finding(
                    "another_wallet_is_used",
                    account=account,
                    kind=other.kind,
                    wallet=other.address,
                    right=int(other.signature_type),
                )
            )
        elif account is not None and await self._lacks_code(account):
            self.findings.append(finding("wallet_not_deployed", account=account))

    async def _lacks_code(self, account: Address) -> bool:
        """Whether the venue's relayer says that a contract wallet is not deployed; False where it says nothing."""
        kind = _RELAYER_TYPES.get(self.subject.signature_type)
        if kind is None:
            return False
        environment = self.subject.transport.environment
        url = f"{environment.relayer_url}/deployed?address={account}&type={kind}"
        told = (await probe(url, direct=environment.is_loopback)).json
        deployed = told.get("deployed") if isinstance(told, dict) else None
        if isinstance(deployed, bool):
            self.facts["wallet on chain"] = "deployed" if deployed else "not deployed"
        return deployed is False

    async def _credentials(self, signer: Signer) -> ApiCredentials | None:
        """Credentials that the venue accepts; None when there are none. They are looked for and never made."""
        candidate = self.subject.configured or (self.subject.store.load() if self.subject.store else None)
        client = CLOBClient(self.subject.transport, signer=signer)
        try:
            if candidate is None:
                candidate = await client.derive_credentials()
            known = await self._client(candidate).api_keys()
        except InputRejected:
            self.findings.append(finding("no_api_key"))
            return None
        except CredentialsRefused as error:
            await self._explain_refusal(error, client, candidate)
            return None
        except PolymarketAPIError as error:
            self._note(error)
            return None
        self.facts["API keys"] = str(len(known))
        return candidate

    async def _explain_refusal(
        self, error: CredentialsRefused, client: CLOBClient, refused: ApiCredentials | None
    ) -> None:
        """Why credentials were refused: the signature itself, a key of somebody else, or a key that is gone."""
        if refused is None:
            self.findings.append(finding("l1_refused", said=error.message))
            return
        try:
            own = await client.derive_credentials()
            known = await self._client(own).api_keys()
        except PolymarketAPIError:
            self.findings.append(finding("api_key_refused", said=error.message))
            return
        if refused.key not in known:
            self.findings.append(finding("api_key_of_another_account", owner=client.account, said=error.message))
        else:
            self.findings.append(finding("api_key_refused", said=error.message))

    async def _permissions(self, clob: CLOBClient) -> None:
        closed_only = await clob.closed_only()
        self.facts["closed only"] = "yes" if closed_only else "no"
        if closed_only:
            self.findings.append(finding("closed_only"))

    async def _money(self, clob: CLOBClient) -> None:
        before, orders, trades = await asyncio.gather(clob.balance(), clob.open_orders(), clob.trades())
        await clob.refresh_balance()
        balance = await clob.balance()
        self.money = money_of(balance, orders, trades)
        self.findings += money_findings(before, self.money)
        positions = await DataClient(self.subject.transport).positions(clob.account)
        held = next((each.token_id for each in positions if each.size > 0), None)
        if held is not None and (await clob.token_allowance(held)).allowance <= 0:
            self.findings.append(finding("share_allowance_missing"))

    async def _tier(self, clob: CLOBClient) -> None:
        with suppress(PolymarketAPIError):  # not every venue tells it, and nothing depends on it
            self.facts["rate tier"] = await clob.rate_limit_tier()

    async def _user_stream(self, credentials: ApiCredentials) -> None:
        environment = self.subject.transport.environment
        stream = UserStream(
            environment, lambda: credentials, addresses=[], clock=self.subject.transport.clock, random=Random()
        )

        async def stands() -> str:
            await stream.wait_connected()
            await asyncio.sleep(self.subject.patience_s * _SETTLED_SHARE)
            return "" if stream.connected else "the venue closes it at once"

        await self._watch("user", stream, stands)

    async def _market_stream(self) -> None:
        transport = self.subject.transport
        token = await _busy_token(transport)
        if token is None:
            return
        stream = MarketStream(transport.environment, [token], clock=transport.clock, random=Random())

        async def speaks() -> str:
            await stream.wait_connected()
            await anext(aiter(stream))
            return ""

        await self._watch("market", stream, speaks)

    async def _watch(self, name: str, stream: HealingStream[Any], look: Callable[[], Awaitable[str]]) -> None:
        host = urlsplit(self.subject.transport.environment.ws_url).netloc
        async with stream:
            problem = ""
            try:
                async with asyncio.timeout(self.subject.patience_s):
                    problem = await look()
            except (TimeoutError, StopAsyncIteration):
                problem = "silent" if stream.connected else stream.last_error or "no answer"
        if problem == "silent":
            self.findings.append(finding("stream_silent", stream=name))
        elif problem:
            self.findings.append(finding("stream_down", stream=name, reason=problem, host=host))
        self.facts[f"{name} stream"] = problem or "works"

    async def _try(self, look: Awaitable[None]) -> None:
        try:
            await look
        except PolymarketAPIError as error:
            self._note(error)

    def _note(self, error: PolymarketAPIError) -> None:
        found = explain(error.message, wallets=self.wallets)
        if found.code == "unknown" and isinstance(error, VenueUnavailable):
            found = finding("look_failed", reason=found.said.rstrip("."))  # our words: the venue said nothing
        self.findings.append(found)

    def _client(self, credentials: ApiCredentials) -> CLOBClient:
        return CLOBClient(
            self.subject.transport,
            signer=self.subject.signer,
            credentials=credentials,
            funder=Address(self.subject.funder) if self.subject.funder else None,
            signature_type=self.subject.signature_type,
        )

    @property
    def _account(self) -> Address | None:
        """The wallet that the settings mean; None when they contradict themselves."""
        signer = self.subject.signer
        if self.subject.signature_type is SignatureType.EOA or signer is None:
            return signer.address if signer else None
        return Address(self.subject.funder) if self.subject.funder else None


async def _busy_token(transport: Transport) -> TokenId | None:
    """An outcome that certainly has a book."""
    page = await GammaClient(transport).markets(closed=False, limit=1, order="volume24hr", ascending=False)
    return page.markets[0].outcomes[0].token_id if page.markets else None
