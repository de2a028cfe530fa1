"""Calls that wait for a worker, and the requests that are made of them: merged, in pieces, in order of urgency.

Nothing here waits or talks to a worker; times are passed in.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import TaskFailed
from ..interface import Priority, Progress
from .frames import Encoded, encode_plain, encode_value

MOST_ITEMS: Mapping[Priority, int] = {"interactive": 256, "bulk": 64}
"""Items of one request. Those of bulk calls are smaller, because an interactive one may have to wait for it."""

COLLECT_S = 0.002
"""How long a call may wait for company while its worker computes something else."""


@dataclass(eq=False, slots=True)
class Call:
    """One `submit`. `items` are those of a batched task, each encoded; others have one item, the whole payload.

    `queued` while some of it has not been asked for, `deaths` counts workers that died with it.
    """

    task: str
    priority: Priority
    progress: Progress | None
    answer: asyncio.Future[Mapping[str, Any]]
    batched: bool
    items: list[bytes]
    options: Encoded
    arrived_s: float
    queued: bool = False
    deaths: int = 0
    requests: set[Request] = field(default_factory=set)
    _results: list[Any] = field(default_factory=list)
    _finished: int = 0
    _told: float = -1.0

    @classmethod
    def of(
        cls,
        task: str,
        payload: Mapping[str, Any],
        *,
        batched: bool,
        priority: Priority,
        progress: Progress | None,
        now_s: float,
    ) -> Call:
        """Raises TypeError or ValueError for a payload that is not plain."""
        items, options = [b""], payload
        if batched:
            if not isinstance(payload.get("items"), list):
                raise TypeError(f"{task} takes a list of items")
            items = [encode_plain(item) for item in payload["items"]]
            options = {name: value for name, value in payload.items() if name != "items"}
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        call = cls(task, priority, progress, future, batched, items, encode_value(options), now_s)
        call._results = [None] * len(items)
        return call

    @property
    def wanted(self) -> bool:
        """False once it is answered, or its caller has gone."""
        return not self.answer.done()

    @property
    def key(self) -> object:
        """Calls with equal keys may share a request."""
        return (self.task, self.options.json) if self.batched and not self.options.arrays else self

    def fail(self, error: Exception) -> None:
        if self.wanted:
            self.answer.set_exception(error)

    def advance(self, fraction: float, *, items: int) -> None:
        """Progress within `items` of the call's items."""
        if self.progress is None or not self.wanted:
            return
        done = (self._finished + fraction * items) / max(1, len(self.items))
        if done <= self._told:
            return
        self._told = done
        try:
            self.progress(done)
        except Exception as error:
            # It is the caller's own callback: its failure belongs to the caller, not to the worker.
            self.fail(error)

    def settle(self, answer: Mapping[str, Any], results: list[Any], start: int) -> None:
        """Take the results of the items from `start` on; the last ones answer the call."""
        if not self.batched:
            if self.wanted:
                self.answer.set_result(answer)
            return
        self._results[start : start + len(results)] = results
        self.advance(1.0, items=len(results))
        self._finished += len(results)
        if self._finished == len(self.items) and self.wanted:
            self.answer.set_result({**answer, "items": self._results})


@dataclass(frozen=True, slots=True)
class Part:
    """Items `start` to `stop` of a call."""

    call: Call
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start


@dataclass(eq=False, slots=True)
class Request:
    """What one message to a worker asks for: parts of calls with one key. `alone`: nothing may wait behind it."""

    number: int
    parts: list[Part]
    alone: bool

    @property
    def wanted(self) -> bool:
        return any(part.call.wanted for part in self.parts)

    @property
    def batched(self) -> bool:
        return self.parts[0].call.batched

    def encode(self) -> Encoded:
        """The message for a worker; `reports` in it asks for progress."""
        call = self.parts[0].call
        options = call.options.json
        if call.batched:
            items = b",".join(itertools.chain.from_iterable(p.call.items[p.start : p.stop] for p in self.parts))
            payload = b'{"items":[%b]%b' % (items, b"," + options[1:] if len(options) > 2 else b"}")
        else:
            payload = options
        reports = b"true" if any(part.call.progress is not None for part in self.parts) else b"false"
        head = b'{"number":%d,"task":%b,"reports":%b,"payload":%b}'
        return Encoded(head % (self.number, encode_plain(call.task), reports, payload), call.options.arrays)

    def advance(self, fraction: float) -> None:
        for part in self.parts:
            part.call.advance(fraction, items=part.size)

    def settle(self, answer: Mapping[str, Any]) -> None:
        """Hand each call its share of the answer, or TaskFailed if that does not have one entry per item."""
        results: list[Any] = [answer]
        if self.batched:
            results = answer["items"] if isinstance(answer.get("items"), list) else []
            if len(results) != sum(part.size for part in self.parts):
                reason = f"{len(results)} results for {sum(part.size for part in self.parts)} items"
                self.fail(lambda call: TaskFailed(task=call.task, kind="WrongAnswer", reason=reason))
                return
        position = 0
        for part in self.parts:
            part.call.settle(answer, results[position : position + part.size], part.start)
            position += part.size

    def fail(self, error: Callable[[Call], Exception]) -> None:
        for part in self.parts:
            part.call.fail(error(part.call))


class CallQueue:
    """Waiting calls of one kind of worker; what is retried goes first, then what is interactive, then bulk.

    Calls with one key are served in order of arrival, different keys in turns.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._retries: deque[tuple[list[Part], bool]] = deque()
        self._waiting: dict[Priority, OrderedDict[object, deque[Part]]] = {
            "interactive": OrderedDict(),
            "bulk": OrderedDict(),
        }

    def add(self, call: Call) -> None:
        call.queued = True
        self._waiting[call.priority].setdefault(call.key, deque()).append(Part(call, 0, len(call.items)))

    def discard(self, call: Call) -> None:
        """Forget what still waits of a call."""
        if not call.queued:
            return
        call.queued = False
        waiting = self._waiting[call.priority]
        if (parts := waiting.get(call.key)) is not None:
            for part in [part for part in parts if part.call is call]:
                parts.remove(part)
            if not parts:
                del waiting[call.key]

    def length(self, priority: Priority) -> int:
        """Calls that have not been begun, or not to their end."""
        return sum(len(parts) for parts in self._waiting[priority].values())

    def calls(self) -> list[Call]:
        """All of them, with those to be retried."""
        parts = [part for retried, _ in self._retries for part in retried]
        for waiting in self._waiting.values():
            parts += [part for each in waiting.values() for part in each]
        return list(dict.fromkeys(part.call for part in parts))

    def __bool__(self) -> bool:
        return bool(self._retries or any(self._waiting.values()))

    def retry(self, parts: list[Part], *, alone: bool) -> None:
        """Ask for these parts again before anything else, and for nothing together with them."""
        self._retries.append((parts, alone))

    def bisect(self, parts: list[Part]) -> None:
        """Ask for each half of these parts again: one of their calls spoils the others' answer."""
        middle = len(parts) // 2
        self.retry(parts[:middle], alone=False)
        self.retry(parts[middle:], alone=False)

    def for_idle(self) -> Request | None:
        """The next request for a worker that has nothing to do."""
        while self._retries:
            parts, alone = self._retries.popleft()
            if parts := [part for part in parts if part.call.wanted]:
                return self._request(parts, alone=alone)
        for priority in self._waiting:
            if self._waiting[priority]:
                return self._request(self._take(priority), alone=False)
        return None

    def for_busy(self, now_s: float) -> Request | None:
        """The next request for a worker that computes a batch, to lie ready when it has done that.

        Only interactive batches that are full or have waited `COLLECT_S`: what else waits would not gain by it.
        """
        if self._retries or (due_s := self.due_s()) is None:
            return None
        parts = next(iter(self._waiting["interactive"].values()))
        if due_s > now_s and sum(part.size for part in parts) < MOST_ITEMS["interactive"]:
            return None
        return self._request(self._take("interactive"), alone=False)

    def due_s(self) -> float | None:
        """When the next interactive batch has waited long enough for company; None if none waits."""
        for parts in self._waiting["interactive"].values():
            return parts[0].call.arrived_s + COLLECT_S if parts[0].call.batched else None
        return None

    def _take(self, priority: Priority) -> list[Part]:
        """At most MOST_ITEMS items of the calls whose turn it is."""
        waiting = self._waiting[priority]
        key, parts = next(iter(waiting.items()))
        taken: list[Part] = []
        room = MOST_ITEMS[priority]
        while parts and room > 0:
            part = parts.popleft()
            if part.size > room:
                parts.appendleft(Part(part.call, part.start + room, part.stop))
                part = Part(part.call, part.start, part.start + room)
            else:
                part.call.queued = False
            taken.append(part)
            room -= part.size
        if parts:
            waiting.move_to_end(key)
        else:
            del waiting[key]
        return taken

    def _request(self, parts: list[Part], *, alone: bool) -> Request:
        request = Request(next(self._numbers), parts, alone)
        for part in parts:
            part.call.requests.add(request)
        return request
