"""Whether the venue can be reached from here, and who answers when it is somebody else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..polymarket.answers import is_bot_check
from .findings import Finding, finding

_CLOSE_ONLY = frozenset({"PL", "SG", "TH", "TW"})
"""Countries from which the venue lets positions only be closed, as of June 2026."""

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One GET outside the protocol: the answer as it is, or why there was none."""

    url: str
    status: int = 0
    body: bytes = b""
    failure: str = ""

    @property
    def json(self) -> Any:
        """The body, None where it is not JSON, which what answers in the venue's place may make as deep as it likes."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


async def probe(url: str, *, direct: bool) -> Probe:
    """Ask once, without a key; `direct` passes by any proxy. Never raises for what happens on the way."""
    from ..polymarket.sending import HttpSender, NoAnswer, NotSent, Timeouts

    sender = HttpSender(timeouts=Timeouts.within(_TIMEOUT_S), direct=direct, http="1.1")
    try:
        answer = await sender.send("GET", url, params=(), headers={}, body=b"")
    except (NotSent, NoAnswer) as error:
        return Probe(url, failure=str(error))
    finally:
        await sender.aclose()
    return Probe(url, answer.status, answer.body)


def findings_of_reach(answer: Probe) -> list[Finding]:
    """What an answer to a public route says about the way to the venue; nothing when the venue itself answers."""
    host = urlsplit(answer.url).netloc
    if answer.failure:
        if "certificate" in answer.failure.lower():
            return [finding("tls_intercepted", host=host)]
        return [finding("venue_unreachable", host=host, reason=answer.failure)]
    body = answer.body.lower()
    if answer.status in (403, 503) and is_bot_check(body):
        return [finding("bot_check")]
    if answer.status == 429:
        return [finding("rate_limited")]
    if answer.status == 403 and b"restricted in your region" in body:
        return [finding("region_blocked", country="the place")]
    if b"<html" in body or answer.status == 451 or 300 <= answer.status < 400:
        if answer.status >= 500 and answer.status != 511:
            return [finding("venue_failure")]
        return [finding("provider_filter", status=answer.status)]
    if answer.status >= 500:
        return [finding("venue_failure")]
    if answer.status != 200 or not isinstance(answer.json, (int, str)):
        return [finding("wrong_address", host=host)]
    return []


def findings_of_region(answer: Probe) -> tuple[list[Finding], str]:
    """What the venue's site says about where this machine is, and the country; nothing where it does not say."""
    told = answer.json if answer.status == 200 else None
    if not isinstance(told, dict) or not isinstance(told.get("blocked"), bool):
        return [], ""
    country = "-".join(str(told[name]) for name in ("country", "region") if told.get(name))[:12]
    if told["blocked"]:
        return [finding("region_blocked", country=country)], country
    if told.get("country") in _CLOSE_ONLY:
        return [finding("region_close_only", country=country)], country
    return [], country
