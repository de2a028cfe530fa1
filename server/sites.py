"""The places a desk can trade: the embedded exchange of the sandbox, and the venue that settings point at."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date

from ..core.clock import Clock, ShiftedClock, SystemClock
from ..core.errors import ConfigurationError
from ..core.exchange.catalogue import load_catalogue
from ..core.exchange.server import ExchangeServer
from ..core.exchange.settings import ExchangeSettings
from ..core.exchange.venue import Exchange
from ..core.identifiers import Address, TokenId
from ..core.market_data.market_feed import MarketFeed
from ..core.models import OrderBook
from ..core.polymarket.clob import CLOBClient
from ..core.polymarket.credential_file import CredentialFile, CredentialStore
from ..core.polymarket.credentials import ApiCredentials
from ..core.polymarket.data_api import DataClient
from ..core.polymarket.environments import Environment, environment_at
from ..core.polymarket.gamma import GammaClient
from ..core.polymarket.signing import SignatureType, Signer
from ..core.polymarket.transport import Transport, TransportSettings
from ..core.settings import Mode, PolymarketConfig, Settings

SANDBOX_CHAIN_ID = 31337
"""No real chain: an order signed in the sandbox is void everywhere else."""


@dataclass(frozen=True, slots=True)
class Site:
    """Clients of one venue and account.

    `account` is None without a key; `recorded_on` is set where prices are not current. `remembers` says whether the
    venue outlives this process: only then is it worth keeping what the desk knows of it.
    """

    name: str
    clock: Clock
    gamma: GammaClient
    clob: CLOBClient
    data: DataClient
    transport: Transport
    feed: MarketFeed
    account: Address | None
    recorded_on: date | None
    remembers: bool


async def open_site(settings: Settings, opened: AsyncExitStack) -> Site:
    """Open the site of the configured mode; what it holds is closed through `opened`.

    Raises ConfigurationError for live settings that may not be used.
    """
    if settings.mode is Mode.SANDBOX:
        return await _open_sandbox(settings, opened)
    return _open_live(settings, opened)


async def _open_sandbox(settings: Settings, opened: AsyncExitStack) -> Site:
    catalogue = load_catalogue()
    clock = ShiftedClock(catalogue.starts_at)
    rules = ExchangeSettings(
        chain_id=SANDBOX_CHAIN_ID,
        seed=settings.sandbox_seed,
        starting_balance=settings.sandbox_balance,
        simulated_traders=settings.sandbox_traders,
    )
    server = await opened.enter_async_context(ExchangeServer(Exchange(catalogue, rules, clock)))
    environment = environment_at(
        "polydesk sandbox",
        clob_url=server.clob_url,
        gamma_url=server.gamma_url,
        data_url=server.data_url,
        ws_url=server.ws_url,
        chain_id=SANDBOX_CHAIN_ID,
    )
    config = settings.polymarket_config()
    signer = Signer(sandbox_key(settings.sandbox_seed))
    site = _site(environment, clock, config, opened, signer=signer)
    await site.clob.credentials()  # opens the account, which credits it
    return Site(
        name=f"embedded exchange, {environment.name}",
        clock=clock,
        gamma=site.gamma,
        clob=site.clob,
        data=site.data,
        transport=site.transport,
        feed=site.feed,
        account=site.account,
        recorded_on=catalogue.starts_at.date(),
        remembers=False,
    )


def _open_live(settings: Settings, opened: AsyncExitStack) -> Site:
    config = settings.polymarket_config()
    environment = environment_at(
        "polymarket",
        clob_url=config.clob_url,
        gamma_url=config.gamma_url,
        data_url=config.data_url,
        ws_url=config.ws_url,
        chain_id=config.chain_id,
    )
    if not environment.is_loopback:
        raise ConfigurationError(
            "Live trading is not available yet: until orders are journalled on disk and every limit is in force, "
            "mode=live works only with URLs on this machine, such as those of `polydesk exchange`. Use mode=sandbox."
        )
    signer = Signer(config.private_key.get_secret_value()) if config.private_key else None
    store = None
    if signer is not None:
        folder = settings.resolved_state_dir / settings.mode.value
        store = CredentialFile(folder, owner=signer, venue=config.clob_url)
    return _site(environment, SystemClock(), config, opened, signer=signer, store=store)


def sandbox_key(seed: int) -> str:
    """The throw-away key of a sandbox account: the same seed owns the same address."""
    return f"{random.Random(f'polydesk sandbox key {seed}').getrandbits(255) + 1:064x}"


def _site(
    environment: Environment,
    clock: Clock,
    config: PolymarketConfig,
    opened: AsyncExitStack,
    *,
    signer: Signer | None,
    store: CredentialStore | None = None,
) -> Site:
    transport = Transport(
        environment,
        clock=clock,
        random=random.SystemRandom(),
        settings=TransportSettings(
            timeout_s=config.timeout, max_retries=config.max_retries, rate_limit=config.rate_limit
        ),
    )
    opened.push_async_callback(transport.aclose)
    clob = CLOBClient(
        transport,
        signer=signer,
        credentials=_credentials(config),
        store=store,
        funder=Address(config.funder) if config.funder else None,
        signature_type=SignatureType(config.signature_type),
    )
    return Site(
        name=environment.name,
        clock=clock,
        gamma=GammaClient(transport),
        clob=clob,
        data=DataClient(transport),
        transport=transport,
        feed=_feed(transport, clob, clock),
        account=clob.account if signer else None,
        recorded_on=None,
        remembers=True,
    )


def _feed(transport: Transport, clob: CLOBClient, clock: Clock) -> MarketFeed:
    """Live books of the venue; a gap that the stream does not close is filled by REST, past the cache."""

    async def fetch(token_ids: Sequence[TokenId]) -> Mapping[TokenId, OrderBook]:
        return await clob.books(token_ids, fresh=True)

    return MarketFeed(transport.environment, clock=clock, random=random.SystemRandom(), fetch_books=fetch)


def _credentials(config: PolymarketConfig) -> ApiCredentials | None:
    """The configured API key, if all of its three parts are; the key alone can sign nothing."""
    if not (config.api_key and config.api_secret and config.api_passphrase):
        return None
    return ApiCredentials(
        key=config.api_key.get_secret_value(),
        secret=config.api_secret.get_secret_value(),
        passphrase=config.api_passphrase.get_secret_value(),
    )
