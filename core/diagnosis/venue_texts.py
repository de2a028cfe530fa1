"""From the venue's error texts to findings. A text that nobody knows is shown as it is, without a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import OrderError, RateLimitError
from ..money import from_micro, plain
from ..polymarket.rejections import order_error
from ..polymarket.wallets import CandidateWallet
from ..telemetry.redaction import redacted
from ..untrusted_text import quoted
from .findings import FINDINGS, Finding, finding

_LONGEST = 300

_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"invalid l1 request headers", "l1_refused"),
        (r"invalid api key|unauthorized|refused the api credentials", "api_key_refused"),
        (r"could not create api key|could not derive api key", "no_api_key"),
        (r"api secret is not base64", "api_secret_unreadable"),
        (r"quota exceeded", "rate_limited"),
        (r"already canceled|already matched|can't be found", "already_gone"),
        (r"order timed out", "order_timed_out"),
        (r"invalid heartbeat id", "heartbeat"),
        (r"engine is restarting", "restarting"),
        (
            r"could not insert order|could not run the execution|internal server error|rounding issues|"
            r"discrepancy greater than allowed|could not (?:retrieve|delete) api key",
            "venue_failure",
        ),
        (r"invalid asset type|invalid signature_type|params payload|invalid next_cursor", "invalid_payload"),
    )
)
"""What `polymarket/rejections.py` has no code for."""

_CODES = {"region_restricted": "region_blocked", "insufficient_allowance": "allowance_missing"}
"""Codes of rejections that are found under another name."""

_AMOUNTS = re.compile(
    r"balance: (?P<balance>\d+)(?:, sum of active orders: (?P<active>\d+), sum of matched orders: (?P<matched>\d+))?"
    r", order amount[^:]*: (?P<amount>\d+)"
)
_ALLOWANCE = re.compile(r"allowance: (\d+)")


def explain(text: str, *, wallets: Sequence[CandidateWallet] = (), owner: str = "") -> Finding:
    """What an error text of the venue means for the account whose wallets could be `wallets`."""
    said = quoted(redacted(text.strip()), _LONGEST)
    code = _code(text)
    deposit = next((each.address for each in wallets if each.kind == "deposit wallet"), "your deposit wallet")
    facts: dict[str, object] = {
        "wallet": deposit,
        "wallets": named(wallets) or "see `polydesk keys export-address`",
        "owner": owner or "this key",
        "country": "the place",
        "status": "403",
    }
    if code == "insufficient_balance":
        return _of_balance(text, said)
    if code == "allowance_missing":
        allowance = _ALLOWANCE.search(text)
        facts["allowance"] = _dollars(int(allowance[1])) if allowance else "0"
    return finding(code, said=said, **facts)


def named(wallets: Sequence[CandidateWallet]) -> str:
    """Wallets in words: address, kind and signature type of each."""
    return ", ".join(f"{each.address} ({each.kind}, type {int(each.signature_type)})" for each in wallets)


def _code(text: str) -> str:
    for pattern, code in _TEXTS:
        if pattern.search(text):
            return code
    error = order_error(text)
    if isinstance(error, RateLimitError):
        return "rate_limited"
    code = _CODES.get(error.code, error.code) if isinstance(error, OrderError) else "unknown"
    return code if code in FINDINGS else "unknown"


def _of_balance(text: str, said: str) -> Finding:
    """The venue tells the sums that it compared: which of them is in the way."""
    amounts = _AMOUNTS.search(text)
    if amounts is None:
        return finding("insufficient_balance", said=said)
    balance, needed = int(amounts["balance"]), int(amounts["amount"])
    active, matched = int(amounts["active"] or 0), int(amounts["matched"] or 0)
    facts = {
        "cash": _dollars(balance),
        "reserved": _dollars(active),
        "unsettled": _dollars(matched),
        "free": _dollars(max(balance - active - matched, 0)),
        "needed": _dollars(needed),
    }
    if needed <= balance - active:
        return finding("cash_unsettled", said=said, **facts)
    if needed <= balance - matched:
        return finding("cash_reserved", said=said, **facts)
    return finding("balance_too_small", said=said, **facts)


def _dollars(micro: int) -> str:
    return f"{plain(from_micro(micro)):f}"
