"""Where a Polymarket-speaking venue lives: URLs, chain and contracts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..identifiers import Address
from ..loopback import is_loopback

_ENCRYPTED, _IN_THE_CLEAR = frozenset({"https", "wss"}), frozenset({"http", "ws"})


@dataclass(frozen=True, slots=True)
class Contracts:
    """The exchange contracts that orders are signed for, and those that wallets call beside trading.

    `exchange_v3` takes the tokens of the second protocol version, neg-risk or not. The adapters split, merge and redeem
    against `collateral` (pUSD), which the onramp makes of `bridged_dollars` (USDC.e) and the offramp turns back; the
    factories and the relay hub pass on what proxy and deposit wallets do, `multi_send` several calls of a Safe.
    """

    exchange: Address
    neg_risk_exchange: Address
    exchange_v3: Address
    collateral: Address
    outcome_tokens: Address
    collateral_adapter: Address
    neg_risk_collateral_adapter: Address
    proxy_factory: Address
    deposit_wallet_factory: Address
    relay_hub: Address
    multi_send: Address
    bridged_dollars: Address
    collateral_onramp: Address
    collateral_offramp: Address


EXCHANGE_V2 = Contracts(
    exchange=Address("0xE111180000d2663C0091e4f400237545B87B996B"),
    neg_risk_exchange=Address("0xe2222d279d744050d28e00520010520000310F59"),
    exchange_v3=Address("0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
    collateral=Address("0xC011a7E12a19f7B1f670d46F03B03f3342E82DFB"),
    outcome_tokens=Address("0x4D97DCd97eC945f40cF65F87097ACe5EA0476045"),
    collateral_adapter=Address("0xAdA100Db00Ca00073811820692005400218FcE1f"),
    neg_risk_collateral_adapter=Address("0xadA2005600Dec949baf300f4C6120000bDB6eAab"),
    proxy_factory=Address("0xaB45c5A4B0c941a2F231C04C3f49182e1A254052"),
    deposit_wallet_factory=Address("0x00000000000Fb5C9ADea0298D729A0CB3823Cc07"),
    relay_hub=Address("0xD216153c06E857cD7f72665E0aF1d7D82172F494"),
    multi_send=Address("0xA238CBeb142c10Ef7Ad8442C6D1f9E89e07e7761"),
    bridged_dollars=Address("0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174"),
    collateral_onramp=Address("0x93070a847efEf7F70739046A929D47a521F5B8ee"),
    collateral_offramp=Address("0x2957922Eb93258b93368531d39fAcCA3B4dC5854"),
)
"""The exchanges on Polygon (137)."""

EXCHANGE_V2_AMOY = replace(
    EXCHANGE_V2,
    exchange_v3=Address("0x9fE6e61422AdB6F610d8597F9684b16912D50C3D"),
    outcome_tokens=Address("0x69308FB512518e39F9b16112fA8d994F4e2Bf8bB"),
)
"""The exchanges on the Amoy test network (80002): the first two have the same addresses there."""

AMOY_CHAIN_ID = 80002

LIVE_DATA_URL = "wss://ws-live-data.polymarket.com"


@dataclass(frozen=True, slots=True)
class Environment:
    """One venue. `ws_url` is the base under which `/market` and `/user` live. URLs have no slash at the end.

    `own_live_data_url` is None for a venue whose real-time data service is where it is expected.
    """

    name: str
    clob_url: str
    gamma_url: str
    data_url: str
    ws_url: str
    chain_id: int
    contracts: Contracts = EXCHANGE_V2
    own_live_data_url: str | None = None

    @property
    def geoblock_url(self) -> str:
        """Where the venue's site says whether it takes orders from here."""
        if self.is_loopback:
            return f"{self.clob_url.removesuffix('/clob')}/api/geoblock"
        return "https://polymarket.com/api/geoblock"

    @property
    def relayer_url(self) -> str:
        """The service that makes and moves the venue's wallets."""
        if self.is_loopback:
            return f"{self.clob_url.removesuffix('/clob')}/relayer"
        return "https://relayer-v2.polymarket.com"

    @property
    def live_data_url(self) -> str:
        """The service that tells prices of coins as they change."""
        if self.own_live_data_url is not None:
            return self.own_live_data_url
        return f"{self.ws_url}/live-data" if self.is_loopback else LIVE_DATA_URL

    @property
    def is_loopback(self) -> bool:
        """Whether every URL points at this machine, so that no venue's limits or proxies apply."""
        urls = (self.clob_url, self.gamma_url, self.data_url, self.ws_url)
        return all(is_loopback(urlsplit(url).hostname or "") for url in urls)


def environment_at(
    name: str,
    *,
    clob_url: str,
    gamma_url: str,
    data_url: str,
    ws_url: str,
    chain_id: int,
    contracts: Contracts | None = None,
    live_data_url: str | None = None,
) -> Environment:
    """An environment at any set of URLs; a slash at the end of one is dropped. The chain chooses the contracts.

    Raises ConfigurationError for a URL that would be spoken to in the clear, unless it is of this machine: what is read
    decides orders as much as what is sent, and prices of play money are read with the same settings as real ones.
    """
    for url in (clob_url, gamma_url, data_url, ws_url, *([live_data_url] if live_data_url else [])):
        _check_encrypted(url)
    return Environment(
        name=name,
        clob_url=clob_url.rstrip("/"),
        gamma_url=gamma_url.rstrip("/"),
        data_url=data_url.rstrip("/"),
        ws_url=ws_url.rstrip("/"),
        chain_id=chain_id,
        contracts=contracts or (EXCHANGE_V2_AMOY if chain_id == AMOY_CHAIN_ID else EXCHANGE_V2),
        own_live_data_url=live_data_url.rstrip("/") if live_data_url else None,
    )


def _check_encrypted(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigurationError("An address of the venue cannot be read as a URL.") from error
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"The address of {host} holds a user or a password, which have no place there.")
    allowed = _ENCRYPTED | _IN_THE_CLEAR if is_loopback(host) else _ENCRYPTED
    if not host or parts.scheme not in allowed:
        raise ConfigurationError(
            f"{url} is not encrypted: addresses of a venue outside this machine begin with https:// and wss://."
        )


PRODUCTION = Environment(
    name="polymarket",
    clob_url="https://clob.polymarket.com",
    gamma_url="https://gamma-api.polymarket.com",
    data_url="https://data-api.polymarket.com",
    ws_url="wss://ws-subscriptions-clob.polymarket.com/ws",
    chain_id=137,
)
