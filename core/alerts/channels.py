"""Where alerts go: the channels that a person named in the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError

from ..errors import ConfigurationError
from ..loopback import is_loopback
from ..telemetry.redaction import SECRETS
from .channel import SETTING, Channel


class _Configured(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class WebhookConfig(_Configured):
    """`url` gets each message as JSON; with `secret` they are signed."""

    kind: Literal["webhook"]
    url: SecretStr
    secret: SecretStr | None = None


class DesktopConfig(_Configured):
    """This machine's own notifications."""

    kind: Literal["desktop"]


class AppriseConfig(_Configured):
    """`url` as Apprise writes it, for any of the services it knows."""

    kind: Literal["apprise"]
    url: SecretStr


ChannelConfig = Annotated[WebhookConfig | DesktopConfig | AppriseConfig, Field(discriminator="kind")]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


def channel_configs(configured: str | None) -> Mapping[str, ChannelConfig]:
    """The channels by name, from the JSON of the setting. Raises ConfigurationError, which repeats no address."""
    if not configured:
        return {}
    try:
        found = TypeAdapter(dict[_Name, ChannelConfig]).validate_json(configured)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        raise ConfigurationError(
            f"{SETTING} cannot be read{f' at {where[:40]}' if where else ''}: {first['msg']}. It is JSON such as "
            '{"phone": {"kind": "webhook", "url": "https://..."}}; kinds are webhook, desktop and apprise.'
        ) from None
    for name, config in found.items():
        if isinstance(config, WebhookConfig):
            _check_webhook(name, config)
    return found


def learn_secrets(configs: Mapping[str, ChannelConfig]) -> None:
    """Have addresses, their parts and signing keys masked wherever they would be shown.

    Of most services the secret is a part of the path, and some program may repeat that alone.
    """
    for config in configs.values():
        if isinstance(config, WebhookConfig | AppriseConfig):
            url = config.url.get_secret_value()
            after_host = url.partition("://")[2].partition("/")[2] if isinstance(config, WebhookConfig) else url
            SECRETS.learn(url, *re.split(r"[/?&=@:]", after_host))
        if isinstance(config, WebhookConfig) and config.secret is not None:
            SECRETS.learn(config.secret.get_secret_value())


def open_channels(configs: Mapping[str, ChannelConfig]) -> dict[str, Channel]:
    """The channels themselves; none connects before it has to send."""
    from .desktop import DesktopChannel
    from .webhook import WebhookChannel

    made: dict[str, Channel] = {}
    for name, config in configs.items():
        match config:
            case WebhookConfig():
                secret = config.secret.get_secret_value() if config.secret else None
                made[name] = WebhookChannel(config.url.get_secret_value(), secret=secret)
            case DesktopConfig():
                made[name] = DesktopChannel()
            case AppriseConfig():
                from .apprise_channel import AppriseChannel

                made[name] = AppriseChannel(config.url.get_secret_value(), name=name)
    return made


def _check_webhook(name: str, config: WebhookConfig) -> None:
    try:
        address = urlsplit(config.url.get_secret_value())
        host = address.hostname or ""
        port_fits = address.port is None or address.port > 0
    except ValueError:
        host, port_fits = "", False
    secure = bool(host) and (address.scheme == "https" or (address.scheme == "http" and is_loopback(host)))
    if not secure or not port_fits:
        raise ConfigurationError(f"{SETTING}: the url of {name} must be https, or http on this machine.")
