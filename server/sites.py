"""The places a desk can trade: the embedded exchange, with real prices or recorded ones, and the real venue."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial

from ..core.clock import Clock, ShiftedClock, SystemClock, unix_ms
from ..core.diagnosis.account import Diagnosis, Subject, diagnose
from ..core.diagnosis.findings import Finding
from ..core.exchange.catalogue import load_catalogue
from ..core.exchange.named_accounts import open_or_create_account
from ..core.exchange.relayer import relayer_api_key
from ..core.exchange.server import ExchangeServer
from ..core.exchange.settings import ExchangeSettings
from ..core.exchange.venue import Exchange
from ..core.identifiers import Address, TokenId
from ..core.market_data.book_keeper import RepairSettings
from ..core.market_data.market_feed import MarketFeed
from ..core.models import OrderBook
from ..core.models.venue_notes import NO_NOTES, VenueNotes
from ..core.paper.freshness import FreshnessSettings
from ..core.paper.paper_exchange import PaperExchange, PaperSettings, repair_settings
from ..core.paper.public_venue import PublicVenue
from ..core.paper.venue_time import VenueTime
from ..core.polymarket.clob import CLOBClient
from ..core.polymarket.credential_file import CredentialFile, CredentialStore
from ..core.polymarket.credentials import ApiCredentials
from ..core.polymarket.data_api import DataClient
from ..core.polymarket.environments import Environment, environment_at
from ..core.polymarket.gamma import GammaClient
from ..core.polymarket.relayer import RelayerClient
from ..core.polymarket.signing import SignatureType, Signer
from ..core.polymarket.streams import UserStream
from ..core.polymarket.transport import Transport, TransportSettings
from ..core.polymarket.wallets import candidate_wallets
from ..core.settings import Mode, PolymarketConfig, Settings
from .accounts import ledger_path, opened_ledger
from .wallet import open_signer

PLAY_MONEY_CHAIN_ID = 31337
"""No real chain: an order signed on paper or in the sandbox is void everywhere else."""

_REDEEMED_AFTER_S = 600.0
"""On paper nobody sends transactions, so what won turns into dollars by itself."""


@dataclass(frozen=True, slots=True)
class Site:
    """Clients of one venue and account. `account` is None without a key; `recorded_on` where prices are not current.

    `clob`, `data` and `relayer` are where the account trades, `public` where everybody's records are read:
    catalogue, history, tape, statistics. `remembers` says whether the venue outlives this process: only then is it
    worth keeping what the desk knows of it. `notes` says what the venue's numbers do not. `bankroll` is the dollars
    to size orders by where none are known, `seed` that of simulations, `subject` what a diagnosis looks at.
    """

    name: str
    clock: Clock
    clob: CLOBClient
    data: DataClient
    relayer: RelayerClient
    transport: Transport
    public: PublicVenue
    feed: MarketFeed
    account: Address | None
    recorded_on: date | None
    remembers: bool
    notes: Callable[[], VenueNotes]
    bankroll: Decimal
    seed: int
    subject: Subject

    async def diagnose(self, told: Sequence[str] = (), found: Sequence[Finding] = ()) -> Diagnosis:
        """Look at the account, read-only; `told` are error texts to explain, `found` what is known already."""
        return await diagnose(replace(self.subject, told=told, found=found))

    async def open_account_stream(self) -> UserStream:
        """A stream of what happens to the account's orders. Raises what making credentials raises."""
        first = await self.clob.credentials()
        return UserStream(
            self.transport.environment,
            lambda: self.clob.latest_credentials or first,
            addresses=[self.clob.account],
            clock=self.clock,
            random=random.SystemRandom(),
        )


async def open_site(settings: Settings, opened: AsyncExitStack) -> Site:
    """Open the site of the configured mode; what it holds is closed through `opened`.

    Raises ConfigurationError for live settings that may not be used.
    """
    match settings.mode:
        case Mode.PAPER:
            return await _open_paper(settings, opened)
        case Mode.SANDBOX:
            return await _open_sandbox(settings, opened)
        case Mode.LIVE:
            return await open_live(settings, opened)


async def _open_paper(settings: Settings, opened: AsyncExitStack) -> Site:
    config = settings.polymarket_config()
    transport = _transport(_environment("polymarket", config), SystemClock(), config, opened)
    real = _public(transport)
    clock = VenueTime(SystemClock())
    await clock.measure(real.clob)
    path = ledger_path(settings)
    store = opened.enter_context(opened_ledger(path))
    account = open_or_create_account(
        store, settings.paper_account, starting_balance=settings.paper_balance, at_ms=unix_ms(clock.now())
    )
    freshness = FreshnessSettings(stale_after_s=settings.paper_stale_after_s)
    paper = await opened.enter_async_context(
        PaperExchange(
            real,
            store=store,
            seen=path.with_name("seen.json"),
            rules=ExchangeSettings(
                chain_id=PLAY_MONEY_CHAIN_ID,
                seed=settings.paper_seed,
                simulated_traders=False,
                settlement_retry_probability=settings.paper_failure_rate,
                settlement_failure_probability=1,
                auto_redeem_after_s=_REDEEMED_AFTER_S,
            ),
            settings=PaperSettings(
                latency_ms=settings.paper_latency_ms, latency_spread=settings.paper_latency_spread, freshness=freshness
            ),
            feed=_feed(transport, real.clob, clock, repair=repair_settings(freshness)),
            clock=clock,
        )
    )
    site = _site(
        _environment_of(paper.server, "polydesk paper"),
        clock,
        _play_money(config),
        opened,
        signer=Signer(account.private_key),
        bankroll=settings.paper_balance,
        seed=settings.paper_seed,
        exchange=paper.exchange,
    )
    await site.clob.credentials()
    return replace(
        site,
        name=f"embedded exchange, prices of {config.clob_url}",
        public=real,
        notes=partial(paper.notes, account.address),
    )


async def _open_sandbox(settings: Settings, opened: AsyncExitStack) -> Site:
    catalogue = load_catalogue()
    clock = ShiftedClock(catalogue.starts_at, speed=settings.sandbox_speed)
    rules = ExchangeSettings(
        chain_id=PLAY_MONEY_CHAIN_ID,
        seed=settings.sandbox_seed,
        starting_balance=settings.sandbox_balance,
        simulated_traders=settings.sandbox_traders,
    )
    server = await opened.enter_async_context(ExchangeServer(Exchange(catalogue, rules, clock)))
    site = _site(
        _environment_of(server, "polydesk sandbox"),
        clock,
        _play_money(settings.polymarket_config()),
        opened,
        signer=Signer(sandbox_key(settings.sandbox_seed)),
        bankroll=settings.sandbox_balance,
        seed=settings.sandbox_seed,
        exchange=server.exchange,
    )
    await site.clob.credentials()  # opens the account, which credits it
    return replace(
        site, name="embedded exchange, polydesk sandbox", recorded_on=catalogue.starts_at.date(), remembers=False
    )


async def open_live(settings: Settings, opened: AsyncExitStack, *, signer: Signer | None = None) -> Site:
    """The real venue, or whatever speaks its protocol at the configured addresses; a `signer` that is open already.

    Raises ConfigurationError for addresses that may not be used and for a key that cannot be opened.
    """
    config = settings.polymarket_config()
    environment = _environment("polymarket", config)
    if signer is None:
        signer = await asyncio.to_thread(open_signer, settings)
    store = credential_file(settings, signer) if signer is not None else None
    return _site(
        environment,
        SystemClock(),
        config,
        opened,
        signer=signer,
        store=store,
        bankroll=settings.sandbox_balance,
        seed=settings.sandbox_seed,
    )


async def open_reader(settings: Settings, opened: AsyncExitStack) -> Site:
    """What everybody may read of the venue; no key is opened, and on paper it is the real venue that is read.

    Raises ConfigurationError for addresses that may not be used.
    """
    if settings.mode is Mode.SANDBOX:
        return await _open_sandbox(settings, opened)
    config = _play_money(settings.polymarket_config())
    environment = _environment("polymarket", config)
    return _site(
        environment,
        SystemClock(),
        config,
        opened,
        signer=None,
        bankroll=settings.sandbox_balance,
        seed=settings.sandbox_seed,
    )


async def open_subject(settings: Settings, opened: AsyncExitStack, *, signer: Signer | None) -> Subject:
    """What a diagnosis looks at, for a live account without anything that wrong settings would keep from opening.

    `signer` is that of the live account. Raises ConfigurationError for addresses that may not be used.
    """
    if not settings.trades_real_money:
        return (await open_site(settings, opened)).subject
    config = settings.polymarket_config()
    environment = _environment("polymarket", config)
    transport = _transport(environment, SystemClock(), config, opened)
    store = credential_file(settings, signer) if signer is not None else None
    return subject_of(config, transport, signer=signer, store=store)


def subject_of(
    config: PolymarketConfig, transport: Transport, *, signer: Signer | None, store: CredentialStore | None
) -> Subject:
    """What a diagnosis looks at, by the configuration."""
    return Subject(
        transport=transport,
        signer=signer,
        funder=config.funder,
        signature_type=SignatureType(config.signature_type),
        configured=_credentials(config),
        store=store,
    )


def credential_file(settings: Settings, signer: Signer) -> CredentialFile:
    """Where the API credentials of a key are kept: beside the encrypted keys."""
    return CredentialFile(settings.key_folder, owner=signer, venue=settings.polymarket_config().clob_url)


def sandbox_key(seed: int) -> str:
    """The throw-away key of a sandbox account: the same seed owns the same address."""
    return f"{random.Random(f'polydesk sandbox key {seed}').getrandbits(255) + 1:064x}"


def _play_money(config: PolymarketConfig) -> PolymarketConfig:
    """Without whatever belongs to a real account."""
    return replace(
        config,
        private_key=None,
        api_key=None,
        api_secret=None,
        api_passphrase=None,
        relayer_api_key=None,
        funder=None,
        signature_type=int(SignatureType.EOA),
    )


def _environment(name: str, config: PolymarketConfig) -> Environment:
    return environment_at(
        name,
        clob_url=config.clob_url,
        gamma_url=config.gamma_url,
        data_url=config.data_url,
        ws_url=config.ws_url,
        chain_id=config.chain_id,
        live_data_url=config.live_data_url,
    )


def _environment_of(server: ExchangeServer, name: str) -> Environment:
    return environment_at(
        name,
        clob_url=server.clob_url,
        gamma_url=server.gamma_url,
        data_url=server.data_url,
        ws_url=server.ws_url,
        chain_id=PLAY_MONEY_CHAIN_ID,
    )


def _site(
    environment: Environment,
    clock: Clock,
    config: PolymarketConfig,
    opened: AsyncExitStack,
    *,
    signer: Signer | None,
    bankroll: Decimal,
    seed: int,
    store: CredentialStore | None = None,
    exchange: Exchange | None = None,
) -> Site:
    """A site at an environment; `exchange` is the embedded one where that is behind it."""
    transport = _transport(environment, clock, config, opened)
    clob = CLOBClient(
        transport,
        signer=signer,
        credentials=_credentials(config),
        store=store,
        funder=Address(config.funder) if config.funder else None,
        signature_type=SignatureType(config.signature_type),
    )
    data = DataClient(transport)
    return Site(
        name=environment.name,
        clock=clock,
        clob=clob,
        data=data,
        relayer=_relayer(config, transport, signer, exchange),
        transport=transport,
        public=PublicVenue(transport, GammaClient(transport), clob, data),
        feed=_feed(transport, clob, clock),
        account=clob.account if signer else None,
        recorded_on=None,
        remembers=True,
        notes=lambda: NO_NOTES,
        bankroll=bankroll,
        seed=seed,
        subject=subject_of(config, transport, signer=signer, store=store),
    )


def _relayer(
    config: PolymarketConfig, transport: Transport, signer: Signer | None, exchange: Exchange | None
) -> RelayerClient:
    """Sends the account's transactions.

    Embedded exchanges keep one purse for a key and its wallets, and their relayer sends for wallets only: there the
    key acts through its deposit wallet.
    """
    if exchange is None or signer is None:
        return RelayerClient(
            transport,
            signer=signer,
            wallet=Address(config.funder) if config.funder else None,
            signature_type=SignatureType(config.signature_type),
            api_key=config.relayer_api_key.get_secret_value() if config.relayer_api_key else None,
        )
    wallet = next(each for each in candidate_wallets(signer.address) if each.kind == "deposit wallet")
    return RelayerClient(
        transport,
        signer=signer,
        wallet=wallet.address,
        signature_type=wallet.signature_type,
        api_key=relayer_api_key(exchange, signer.address),
    )


def _transport(environment: Environment, clock: Clock, config: PolymarketConfig, opened: AsyncExitStack) -> Transport:
    transport = Transport(
        environment,
        clock=clock,
        random=random.SystemRandom(),
        settings=TransportSettings(
            timeout_s=config.timeout, max_retries=config.max_retries, rate_limit=config.rate_limit
        ),
    )
    opened.push_async_callback(transport.aclose)
    return transport


def _public(transport: Transport) -> PublicVenue:
    """Clients without a key."""
    return PublicVenue(transport, GammaClient(transport), CLOBClient(transport), DataClient(transport))


def _feed(transport: Transport, clob: CLOBClient, clock: Clock, *, repair: RepairSettings | None = None) -> MarketFeed:
    """Live books of the venue; a gap that the stream does not close is filled by REST, past the cache."""

    async def fetch(token_ids: Sequence[TokenId]) -> Mapping[TokenId, OrderBook]:
        return await clob.books(token_ids, fresh=True)

    return MarketFeed(
        transport.environment, clock=clock, random=random.SystemRandom(), fetch_books=fetch, repair=repair
    )


def _credentials(config: PolymarketConfig) -> ApiCredentials | None:
    """The configured API key, if all of its three parts are; the key alone can sign nothing."""
    if not (config.api_key and config.api_secret and config.api_passphrase):
        return None
    return ApiCredentials(
        key=config.api_key.get_secret_value(),
        secret=config.api_secret.get_secret_value(),
        passphrase=config.api_passphrase.get_secret_value(),
    )
