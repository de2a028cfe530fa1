"""Conditions on what becomes of orders: their turns, and those that are kept as dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..identifiers import ConditionId
from ..storage.audit_log import AuditEntry
from ..trading.order_record import OrderRecord
from ..trading.since_last_seen import ORDER_TURNS
from ..untrusted_text import quoted
from .levels import Judgement, Memory, Occurrence
from .rules import AlertRule

WORDS: Mapping[str, str] = {**ORDER_TURNS, "order.dead": "failed"}
"""The same as words of a rule: whoever asks to be told of failed orders means those that are dead."""

LETTER_KEPT = "letter.kept"

_KEEP_EVERY = 200
"""So many entries are read again at most after a restart; what they told is known and told no more."""


@dataclass(frozen=True, slots=True)
class AuditSeen:
    """New entries of the audit log, oldest first, up to number `last`; `records` are their orders by attempt."""

    entries: Sequence[AuditEntry]
    records: Mapping[str, OrderRecord]
    last: int


def judge_orders(rule: AlertRule, memory: Memory, seen: AuditSeen, now: datetime) -> Judgement:
    """Orders that took one of the rule's turns since it was made."""
    after = int(memory.get("after", seen.last))
    told = []
    for entry in seen.entries:
        word = WORDS.get(entry.kind)
        record = seen.records.get(entry.attempt_id or "")
        if entry.number <= after or word not in rule.words or record is None:
            continue
        if rule.target is not None and record.intent.market.condition_id != rule.target.condition_id:
            continue
        told.append(_turn(entry, word, record))
    return _read_up_to(seen.last, memory, after, told)


def judge_letters(rule: AlertRule, memory: Memory, seen: AuditSeen, now: datetime) -> Judgement:
    """Orders and cancels that failed for good since the rule was made."""
    after = int(memory.get("after", seen.last))
    told = [
        Occurrence(
            f"letter/{entry.detail['letter_id']}",
            f"a dead letter is kept: {quoted(str(entry.detail['cause']), 160)}",
            {"letter_id": entry.detail["letter_id"], "attempt_id": entry.attempt_id},
        )
        for entry in seen.entries
        if entry.number > after and entry.kind == LETTER_KEPT
    ]
    return _read_up_to(seen.last, memory, after, told)


def turns_in(entries: Sequence[AuditEntry], rule: AlertRule, markets: Mapping[str, ConditionId]) -> list[datetime]:
    """When orders took one of the rule's turns; `markets` are those of the attempts."""
    return [
        entry.at
        for entry in entries
        if WORDS.get(entry.kind) in rule.words
        and entry.attempt_id is not None
        and (rule.target is None or markets.get(entry.attempt_id) == rule.target.condition_id)
    ]


def _read_up_to(last: int, memory: Memory, after: int, told: Sequence[Occurrence]) -> Judgement:
    kept = int(memory.get("kept", -_KEEP_EVERY))
    keep = bool(told) or last - kept >= _KEEP_EVERY
    return Judgement({"after": max(last, after), "kept": last if keep else kept}, tuple(told), keep=keep)


def _turn(entry: AuditEntry, word: str, record: OrderRecord) -> Occurrence:
    intent = record.intent
    why = f": {quoted(record.refusal.message, 120)}" if record.refusal and word in ("failed", "rejected") else ""
    outcome = quoted(intent.outcome.label, 40)
    facts: dict[str, Any] = {
        "attempt_id": record.attempt_id,
        "order_id": record.order_id,
        "what": word,
        "market": intent.market.slug,
        "outcome": outcome,
        "side": intent.side.value,
    }
    said = f'the {intent.side.value} of {outcome} in "{quoted(intent.market.question, 80)}" is {word}{why}'
    return Occurrence(f"order/{record.attempt_id}/{word}", said, facts)
