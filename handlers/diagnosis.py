"""The tool that says why the account cannot trade."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from ..core.diagnosis.findings import Finding, finding
from ..core.untrusted_text import quoted
from .answer import AccountAnswer, Answer, Num, When
from .context import Desk
from .toolspec import Toolset, ToolSpec

_RECENT = timedelta(hours=1)
_REFUSALS = 3


class FindingLine(Answer):
    """What stands in the way, or is only good to know; `said` are the venue's words."""

    code: str
    weight: str
    cause: str
    fix: str | None = None
    said: str | None = None


class DiagnosisAnswer(AccountAnswer):
    as_of: When
    can_trade: bool
    findings: list[FindingLine]
    money: dict[str, Num] | None = None
    wallets: list[str] | None = None
    facts: dict[str, str]


async def diagnose_account(
    desk: Desk,
    error: Annotated[str | None, Field(description="Error text of the venue to explain.", max_length=500)] = None,
) -> DiagnosisAnswer:
    """Find why orders or balances fail: wallet, signature type, API key, region, clock, allowance, held cash, streams.

    One cause and one fix each; changes nothing. Fixes are for the user, not for you.
    """
    told = [error] if error else []
    diagnosis = await desk.diagnose([*told, *_recent_refusals(desk)], _of_the_desk(desk))
    money = diagnosis.money
    return DiagnosisAnswer(
        **desk.heading,
        as_of=desk.clock.now(),
        can_trade=diagnosis.can_trade,
        findings=[
            FindingLine(
                code=each.code,
                weight=each.weight,
                cause=each.cause,
                fix=each.fix or None,
                said=each.said if each.said not in each.cause else None,
            )
            for each in diagnosis.findings
        ],
        money={
            "cash": money.cash,
            "reserved": money.reserved,
            "unsettled": money.unsettled,
            "free": money.free,
            "allowance": money.allowance,
        }
        if money
        else None,
        wallets=[f"{each.address} {each.kind}, type {int(each.signature_type)}" for each in diagnosis.wallets] or None,
        facts=diagnosis.facts,
    )


def _recent_refusals(desk: Desk) -> list[str]:
    """What the venue said when it last refused orders."""
    since = desk.clock.now() - _RECENT
    said = [
        record.refusal.message
        for record in desk.trading.journal
        if record.refusal is not None and record.refusal.stage == "venue" and record.updated_at >= since
    ]
    return list(dict.fromkeys(reversed(said)))[:_REFUSALS]


def _of_the_desk(desk: Desk) -> list[Finding]:
    """What keeps this desk from trading, whatever the venue says."""
    found = []
    if desk.trading.halt is not None:
        found.append(finding("halted", reason=quoted(desk.trading.halt.reason, 100)))
    if desk.read_only:
        found.append(finding("read_only"))
    return found


TOOLS = (ToolSpec("polymarket_diagnose_account", Toolset.OPERATIONS, "Account doctor ({MODE})", diagnose_account),)
