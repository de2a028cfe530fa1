"""`polydesk doctor`: what keeps the account from trading, and what a person can do about it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from typing import Any

from ..core.diagnosis.account import Diagnosis, diagnose
from ..core.diagnosis.findings import Finding, finding
from ..core.errors import ConfigurationError
from ..core.polymarket.signing import Signer
from ..core.settings import Settings
from .sites import open_subject
from .wallet import open_signer

_LABELS = {"blocks": "STOPS ", "limits": "LIMITS", "note": "note  "}


async def check_account(settings: Settings, *, error: str | None = None) -> Diagnosis:
    """Look at the account of the settings, read-only; `error` is a text of the venue to explain.

    Raises ConfigurationError for addresses that may not be used.
    """
    told = [error] if error else []
    found: list[Finding] = []
    signer: Signer | None = None
    if settings.trades_real_money:
        try:
            signer = open_signer(settings)
        except ConfigurationError as problem:
            found.append(finding("key_locked", reason=problem.message))
        try:
            settings.check_limits()
        except ConfigurationError as problem:
            found.append(finding("limits_missing", reason=problem.message))
    async with AsyncExitStack() as opened:
        subject = await open_subject(settings, opened, signer=signer)
        diagnosis = await diagnose(replace(subject, told=told, found=found))
    if any(each.code == "key_locked" for each in found):
        others = tuple(each for each in diagnosis.findings if each.code != "no_key")
        return replace(diagnosis, findings=others)
    return diagnosis


def as_json(diagnosis: Diagnosis) -> str:
    """The whole diagnosis as one line."""
    wallets = [
        {"kind": each.kind, "address": each.address, "signature_type": int(each.signature_type)}
        for each in diagnosis.wallets
    ]
    money: dict[str, Any] | None = None
    if diagnosis.money is not None:
        money = {name: f"{amount:f}" for name, amount in asdict(diagnosis.money).items()}
    return json.dumps(
        {
            "can_trade": diagnosis.can_trade,
            "findings": [asdict(each) for each in diagnosis.findings],
            "money": money,
            "wallets": wallets,
            "facts": diagnosis.facts,
        }
    )


def lines_of(diagnosis: Diagnosis) -> list[str]:
    """The diagnosis for a person."""
    lines = []
    for each in diagnosis.findings:
        lines.append(f"{_LABELS[each.weight]}  {each.cause}")
        if each.fix:
            lines.append(f"        Fix: {each.fix}.")
        if each.said and each.said not in each.cause:
            lines.append(f"        The venue said: {each.said}")
    if not diagnosis.findings:
        lines.append("Nothing stands in the way of trading.")
    if diagnosis.money is not None:
        money = diagnosis.money
        lines.append(
            f"Money: ${money.cash:f} in cash, ${money.reserved:f} promised to open orders, ${money.unsettled:f} owed "
            f"for matched trades, ${money.free:f} free."
        )
    lines += [f"{name}: {told}" for name, told in diagnosis.facts.items()]
    if diagnosis.wallets:
        lines.append("Wallets that the key may own:")
        lines += [
            f"  {each.address}  {each.kind} (signature type {int(each.signature_type)})" for each in diagnosis.wallets
        ]
    return lines
