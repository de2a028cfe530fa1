"""Every setting of the desk, read from the environment once, at the composition root.

A value that is empty or still a placeholder (`${NAME}`, `your_api_key`) counts as unset, because hosts pass such
text through when a variable is not defined.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from .errors import ConfigurationError

CLOB_URL = "https://clob.polymarket.com"
GAMMA_URL = "https://gamma-api.polymarket.com"
DATA_URL = "https://data-api.polymarket.com"
NLI_MODEL = "cross-encoder/nli-deberta-v3-base@6c749ce3425cd33b46d187e45b92bbf96ee12ec7"
WS_URL = "wss://ws-subscriptions-clob.polymarket.com/ws"

_NONEXISTENT_WS_URL = "wss://ws.polymarket.com"
_PLACEHOLDER = re.compile(r"\$\{.*\}|<.*>|your[_-].*|changeme", re.IGNORECASE)


class Mode(StrEnum):
    """Which money the desk trades with.

    `paper` is the embedded exchange with the real venue's prices, `sandbox` the embedded exchange on recorded markets.
    """

    PAPER = "paper"
    SANDBOX = "sandbox"
    LIVE = "live"


class Confirmation(StrEnum):
    """Who consents to a live order: a person on the command line, the host's own dialog, or the model itself.

    Where the host has no dialog, `elicit` falls back to a person; so does `acknowledge` above its limit.
    """

    PERSON = "person"
    ELICIT = "elicit"
    ACKNOWLEDGE = "acknowledge"


class SecretText(SecretStr):
    """A configured secret: neither printed nor copied nor pickled."""

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be copied or pickled")


_OF_A_HOST = frozenset(
    {
        "mode",
        "toolsets",
        "read_only",
        "compute",
        "state_dir",
        "desk_idle_minutes",
        "key_passphrase_file",
        "log_level",
        "log_format",
    }
)
"""What hosts of one desk may set differently, or what has led them to the same desk."""

_OF_REAL_MONEY = frozenset(
    {
        "private_key",
        "key_address",
        "api_key",
        "api_secret",
        "api_passphrase",
        "relayer_api_key",
        "funder",
        "signature_type",
        "chain_id",
        "confirmation",
        "ack_max_usd",
        "heartbeat",
    }
)
_OF_THE_VENUE = frozenset(
    {"api_url", "gamma_url", "data_url", "ws_url", "live_data_url", "rate_limit", "max_retries", "timeout"}
)


def is_placeholder(value: str) -> bool:
    """Whether a configured value is only a stand-in for one."""
    stripped = value.strip()
    return not stripped or _PLACEHOLDER.fullmatch(stripped) is not None


@dataclass(frozen=True, slots=True)
class PolymarketConfig:
    """How to reach the venue. `rate_limit` is requests a minute, `timeout` seconds."""

    api_key: SecretStr | None
    private_key: SecretStr | None
    clob_url: str
    gamma_url: str
    ws_url: str
    rate_limit: int = 100
    max_retries: int = 3
    timeout: int = 30
    data_url: str = DATA_URL
    api_secret: SecretStr | None = None
    api_passphrase: SecretStr | None = None
    relayer_api_key: SecretStr | None = None
    funder: str | None = None
    signature_type: int = 0
    chain_id: int = 137
    live_data_url: str | None = None


def _names(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(BaseSettings):
    """All settings; the field names in capitals behind `POLYMARKET_` are the environment variables."""

    model_config = SettingsConfigDict(env_prefix="POLYMARKET_", frozen=True, extra="ignore", hide_input_in_errors=True)

    mode: Mode = Field(
        Mode.PAPER,
        description="`paper` (play money at real prices), `sandbox` (play money, recorded markets) or `live`.",
    )
    toolsets: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        ("default",), description="Toolsets to offer, separated by commas: `default`, `all`, or names of toolsets."
    )
    read_only: bool = Field(False, description="Offer no tool that changes anything. Wins over every other setting.")
    api_key: SecretText | None = Field(None, description="CLOB API key; derived from the private key when unset.")
    api_secret: SecretText | None = Field(None, description="Secret that belongs to the API key.")
    api_passphrase: SecretText | None = Field(None, description="Passphrase that belongs to the API key.")
    private_key: SecretText | None = Field(
        None, description="Private key of the owner wallet, in plain text; `polydesk keys import` is safer."
    )
    key_address: str | None = Field(
        None, description="Address of the imported key to trade with; not needed when there is only one."
    )
    key_passphrase_file: Path | None = Field(
        None, description="File with the passphrase of the imported key, where the system's keychain has none."
    )
    funder: str | None = Field(None, description="Address that holds the money when it is not the key's own.")
    signature_type: Annotated[int, Field(ge=0, le=3)] = Field(
        0, description="Wallet type: 0 EOA, 1 proxy wallet, 2 Safe, 3 deposit wallet."
    )
    api_url: str = Field(CLOB_URL, description="Base URL of the CLOB.")
    gamma_url: str = Field(GAMMA_URL, description="Base URL of the Gamma catalogue.")
    data_url: str = Field(DATA_URL, description="Base URL of the Data API.")
    ws_url: str = Field(WS_URL, description="Base URL of the WebSocket channels, without `/market` or `/user`.")
    live_data_url: str | None = Field(
        None, description="Address of the venue's real-time data service, where it is not the known one."
    )
    relayer_api_key: SecretText | None = Field(
        None, description="Key at the venue's relayer, made on its site; `manage_position` needs it."
    )
    chain_id: int = Field(137, description="Chain whose contracts orders are signed for.")
    rate_limit: Annotated[int, Field(ge=1)] = Field(100, description="Most reads a minute of a real venue.")
    max_retries: Annotated[int, Field(ge=0, le=10)] = Field(3, description="Retries of a failed read. Orders: none.")
    timeout: Annotated[int, Field(ge=1, le=300)] = Field(30, description="Seconds to wait for an answer.")
    confirmation: Confirmation = Field(
        Confirmation.ELICIT,
        description="Who consents to live orders: `elicit` (else a person), `person` or `acknowledge`.",
    )
    ack_max_usd: Annotated[Decimal, Field(ge=0)] = Field(
        Decimal(0), description="Largest live order that the model may acknowledge by itself, in dollars."
    )
    max_order_usd: Annotated[Decimal, Field(gt=0)] = Field(
        Decimal(250), description="Most that one order may cost, fee included, in dollars."
    )
    max_day_usd: Annotated[Decimal | None, Field(gt=0)] = Field(
        None, description="Most that all orders of a day (UTC) may cost, in dollars. Live orders need it."
    )
    max_exposure_usd: Annotated[Decimal | None, Field(gt=0)] = Field(
        None, description="Most that can be lost in all, in dollars, whatever happens. Live orders need it."
    )
    max_event_usd: Annotated[Decimal | None, Field(gt=0)] = Field(
        None, description="Most that can be lost in one event, in dollars."
    )
    max_market_usd: Annotated[Decimal | None, Field(gt=0)] = Field(
        None, description="Most that can be lost in one market, in dollars."
    )
    max_day_loss_usd: Annotated[Decimal | None, Field(gt=0)] = Field(
        None, description="Loss of a day (UTC), in dollars, after which nothing more is bought."
    )
    max_open_orders: Annotated[int, Field(ge=1)] = Field(50, description="Most orders that may rest at once.")
    max_orders_per_minute: Annotated[int | None, Field(ge=1)] = Field(60, description="Most orders sent in a minute.")
    max_spread: Annotated[Decimal | None, Field(gt=0, lt=1)] = Field(
        None, description="Widest spread, in dollars, at which an order may trade at once."
    )
    min_depth_usd: Annotated[Decimal | None, Field(gt=0)] = Field(
        None, description="Least that must rest within 5 cents of the best price for an order to trade at once."
    )
    min_hours_to_end: Annotated[Decimal | None, Field(ge=0)] = Field(
        None, description="Hours before a market's end from which on nothing more is bought in it."
    )
    allow_markets: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="Slugs of the only markets and events to trade, separated by commas; all when empty."
    )
    deny_markets: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        (), description="Slugs of markets and events never to trade, separated by commas."
    )
    heartbeat: bool = Field(
        False, description="Whether the venue cancels all orders of the account when the desk dies or is closed."
    )
    compute: Annotated[str, Field(pattern=r"^(auto|cpu|cuda|inline|ray|ray://\S+:\d+)$")] = Field(
        "auto",
        description="Where models and simulations run: worker processes on the `cpu`, on `cuda`, `auto` (CUDA where "
        "there is any), `ray` or `ray://HOST:PORT`; `inline` in the server.",
    )
    nli_model: str = Field(
        NLI_MODEL,
        description="Model that judges the stance of news: a folder, a fetched hub `owner/name@commit`, or `none`.",
    )
    sentiment_model: str | None = Field(
        None, description="Model of sentiment, named alike, or `lexicon`; by default the one that is shipped."
    )
    alert_channels: SecretText | None = Field(
        None,
        description="Where alerts go, as JSON: a name for each `webhook`, `desktop` or `apprise` (see docs/alerts.md).",
    )
    alert_defaults: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        ("all",), description="Alerts armed without being asked for: `all`, `none`, or kinds separated by commas."
    )
    news: str = Field(
        "default",
        description="News to read: `default` (recorded headlines in the sandbox), `none`, or a JSON file of sources.",
    )
    data_folders: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_names)] = Field(
        (),
        description="Folders whose files backtests may read, separated by commas; by default what was recorded.",
    )
    state_dir: Path | None = Field(
        None, description="Folder for orders, halts and approvals; by default the system's state folder."
    )
    desk_idle_minutes: Annotated[float, Field(ge=0)] = Field(
        60, description="Minutes after which a desk in the background stops when nobody needs it; 0: never."
    )
    paper_account: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] = Field(
        "main", description="Name of the paper account; a new name begins a new account."
    )
    paper_balance: Annotated[Decimal, Field(gt=0)] = Field(
        Decimal(1000), description="Dollars in a new paper account at the start."
    )
    paper_seed: int = Field(7, description="Seed of paper trading: its delays, its settlement failures, simulations.")
    paper_latency_ms: Annotated[float, Field(ge=0, le=60_000)] = Field(
        90, description="Median milliseconds that a paper order is on its way; 0: none."
    )
    paper_latency_spread: Annotated[float, Field(ge=0, le=3)] = Field(
        0.35, description="How the delay varies: the deviation of its logarithm."
    )
    paper_failure_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0, description="Share of paper trades that fail to settle, as some real ones do."
    )
    paper_stale_after_s: Annotated[float, Field(ge=1, le=600)] = Field(
        10, description="Seconds without news of a market after which paper orders in it are refused."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="Least level of the lines on stderr: `DEBUG`, `INFO`, `WARNING` or `ERROR`."
    )
    log_format: Literal["human", "json"] = Field(
        "human", description="How log lines read: `human`, or `json` with one object a line."
    )
    sandbox_seed: int = Field(7, description="Seed of the sandbox: its key, its traders, its simulations.")
    sandbox_balance: Annotated[Decimal, Field(gt=0)] = Field(
        Decimal(1000), description="Dollars in the sandbox account at the start."
    )
    sandbox_speed: Annotated[float, Field(gt=0, le=60)] = Field(
        1.0, description="Times the real pace at which the sandbox's clock goes, with its traders and settlement."
    )
    sandbox_traders: bool = Field(True, description="Whether simulated traders move the sandbox's prices.")

    @model_validator(mode="before")
    @classmethod
    def _drop_placeholders(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if not (isinstance(value, str) and is_placeholder(value))}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about these settings, one sentence each."""
        found = []
        if self.ws_url.rstrip("/") == _NONEXISTENT_WS_URL:
            found.append(f"POLYMARKET_WS_URL={_NONEXISTENT_WS_URL} does not exist; {WS_URL} is used instead.")
        if self.mode is not Mode.LIVE and self.private_key is not None:
            found.append(f"POLYMARKET_PRIVATE_KEY is set but mode={self.mode.value} does not use it.")
        plain = [
            f"POLYMARKET_{name.upper()}"
            for name in _SECRET_NAMES
            if getattr(self, name) is not None and (name != "api_key" or self.api_secret is not None)
        ]
        if self.mode is Mode.LIVE and plain:
            found.append(
                f"{', '.join(plain)}: plain text in the environment; `polydesk keys import` keeps keys encrypted."
            )
        return tuple(found)

    @property
    def decisive(self) -> dict[str, Any]:
        """The settings, by name, that decide what a desk of this mode does, whichever host it serves."""
        unused = {*_OF_A_HOST}
        if self.mode is not Mode.LIVE:
            unused |= _OF_REAL_MONEY
        if self.mode is Mode.SANDBOX:
            unused |= _OF_THE_VENUE
        others = tuple(f"{mode.value}_" for mode in Mode if mode is not self.mode)
        names = (name for name in type(self).model_fields if name not in unused and not name.startswith(others))
        return {name: getattr(self, name) for name in names}

    @property
    def resolved_state_dir(self) -> Path:
        if self.state_dir is not None:
            return self.state_dir
        import platformdirs  # only a process that waits for a person needs the folder

        return Path(platformdirs.user_state_dir("polydesk"))

    @property
    def desk_folder(self) -> Path:
        """Where the desk of this mode keeps what it must not forget."""
        return self.resolved_state_dir / self.mode.value

    @property
    def recordings_folder(self) -> Path:
        """Where the recorder writes to, unless it is told otherwise."""
        return self.resolved_state_dir / "recordings"

    @property
    def allowed_data_folders(self) -> tuple[Path, ...]:
        """Where files of backtests may be."""
        return self.data_folders or (self.recordings_folder,)

    @property
    def key_folder(self) -> Path:
        """Where imported keys are, encrypted, with their API credentials."""
        return self.resolved_state_dir / "keys"

    @property
    def trades_real_money(self) -> bool:
        return self.mode is Mode.LIVE

    @property
    def has_key(self) -> bool:
        """Whether there is a key to trade with, in the environment or imported."""
        return self.private_key is not None or any(self.key_folder.glob("0x*.json"))

    def check_limits(self) -> None:
        """Raise ConfigurationError where real money could be traded without the limits that a person must choose."""
        if self.mode is not Mode.LIVE or self.read_only or not self.has_key:
            return
        chosen = {
            "POLYMARKET_MAX_ORDER_USD": "max_order_usd" in self.model_fields_set,
            "POLYMARKET_MAX_DAY_USD": self.max_day_usd is not None,
            "POLYMARKET_MAX_EXPOSURE_USD": self.max_exposure_usd is not None,
        }
        missing = ", ".join(name for name, given in chosen.items() if not given)
        if missing:
            raise ConfigurationError(
                f"Live trading needs limits that a person has chosen; missing: {missing}. "
                "25 for an order, 100 for a day and 250 in all, in dollars, are a cautious beginning."
            )

    def polymarket_config(self) -> PolymarketConfig:
        """The part that the client layer needs."""
        return PolymarketConfig(
            api_key=self.api_key,
            private_key=self.private_key,
            clob_url=self.api_url.rstrip("/"),
            gamma_url=self.gamma_url.rstrip("/"),
            ws_url=WS_URL if self.ws_url.rstrip("/") == _NONEXISTENT_WS_URL else self.ws_url.rstrip("/"),
            rate_limit=self.rate_limit,
            max_retries=self.max_retries,
            timeout=self.timeout,
            data_url=self.data_url.rstrip("/"),
            api_secret=self.api_secret,
            api_passphrase=self.api_passphrase,
            relayer_api_key=self.relayer_api_key,
            funder=self.funder,
            signature_type=self.signature_type,
            chain_id=self.chain_id,
            live_data_url=self.live_data_url,
        )


_SECRET_NAMES = ("private_key", "api_key", "api_secret", "api_passphrase", "relayer_api_key")


def forget_secrets_in_environment() -> None:
    """Take the secrets out of this process's environment, so that nothing it starts inherits them."""
    for name in _SECRET_NAMES:
        os.environ.pop(f"POLYMARKET_{name.upper()}", None)


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment; `overrides` (command-line options) win, None means not given.

    Raises ConfigurationError naming each variable that cannot be used, never its value.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(
            f"POLYMARKET_{'_'.join(str(part) for part in issue['loc'][:1]).upper()}: {issue['msg']}"
            for issue in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"These settings cannot be used: {problems}") from None
