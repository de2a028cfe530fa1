"""When something that comes and goes is told: once when it begins, and again only after it was clearly over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Memory = Mapping[str, Any]
"""What a condition must know at its next look, as plain JSON values."""

_WAITING = "since"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something a rule tells of. `event` names it, so that it is told once; `text` is one line with strangers' words
    quoted, `facts` the same as plain JSON values."""

    event: str
    text: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a look led to. `keep` says whether `memory` must be written down even when nothing happened."""

    memory: Memory
    occurrences: tuple[Occurrence, ...] = ()
    keep: bool = True


def level(
    memory: Memory, *, inside: bool, over: bool, now: datetime, lasting_s: float, silent_first: bool = False
) -> tuple[Memory, int | None]:
    """What to remember, and how many times it has begun by now when this look is where it begins, else None.

    It begins when it has been `inside` for `lasting_s` seconds of looks, and must have been `over` before it can begin
    again; a value between the two changes nothing. With `silent_first` what is inside at the first look has begun
    before anybody asked.
    """
    raised, times = memory.get("raised"), int(memory.get("times", 0))
    if raised is None and inside and silent_first:
        return {"raised": True, "times": times}, None
    if raised:
        return {"raised": not over, "times": times}, None
    if not inside:
        return {"raised": False, "times": times}, None
    since = float(memory.get(_WAITING, now.timestamp()))
    if now.timestamp() - since < lasting_s:
        return {"raised": False, "times": times, _WAITING: since}, None
    return {"raised": True, "times": times + 1}, times + 1


def after_restart(memory: Memory) -> Memory:
    """A memory of another process: nobody looked meanwhile, so what must last begins to last anew."""
    return {
        name: after_restart(value) if isinstance(value, Mapping) else value
        for name, value in memory.items()
        if name != _WAITING
    }
