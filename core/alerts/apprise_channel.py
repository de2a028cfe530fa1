"""Hands alerts to Apprise, which knows how to reach many services; the extra `alerts` brings it."""

from __future__ import annotations

import asyncio
import logging

from ..errors import ConfigurationError
from ..loopback import is_loopback
from .channel import SETTING, ChannelFailed, Message

_TIMEOUT_S = 30.0


class AppriseChannel:
    """One address of Apprise. Raises ConfigurationError without the extra, and for an address it does not know or
    that would be sent in plain text over a network."""

    def __init__(self, url: str, *, name: str, timeout_s: float = _TIMEOUT_S) -> None:
        try:
            import apprise
        except ImportError as error:
            raise ConfigurationError(
                f"{SETTING}: {name} needs Apprise: install polydesk[alerts], or use a webhook."
            ) from error
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would log addresses
        service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if service is None:
            raise ConfigurationError(f"{SETTING}: Apprise cannot read the url of {name}.")
        scheme = url.partition(":")[0].lower()
        plain = scheme in _names(service.protocol)
        if plain and not is_loopback(getattr(service, "host", "") or ""):
            raise ConfigurationError(f"{SETTING}: the url of {name} must be one that is encrypted, or of this machine.")
        self._messenger = apprise.Apprise()
        self._messenger.add(service)
        self._timeout_s = timeout_s

    async def send(self, message: Message) -> None:
        """Raises ChannelFailed."""
        try:
            async with asyncio.timeout(self._timeout_s):
                sent = await self._messenger.async_notify(
                    title=message.title, body=message.text, body_format="text", interpret_escapes=False
                )
        except TimeoutError as error:
            raise ChannelFailed(f"no answer within {self._timeout_s:g} s") from error
        except Exception as error:  # a plugin of any service, or of anybody
            raise ChannelFailed(f"the service failed ({type(error).__name__})") from error
        if not sent:
            raise ChannelFailed("the service did not take it")


def _names(schemes: object) -> tuple[str, ...]:
    """Schemes as Apprise keeps them: none, one, or several."""
    if isinstance(schemes, str):
        return (schemes,)
    return tuple(str(each) for each in schemes) if isinstance(schemes, tuple | list | set | frozenset) else ()
