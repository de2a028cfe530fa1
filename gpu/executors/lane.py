"""One kind of worker: its queue, its seats, and what is done when a worker dies or will not stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import Busy, TaskFailed, WorkerLost
from ..interface import KindStatus, Model
from ..worker_kinds import WorkerKind
from .calls import Call, CallQueue, Part, Request
from .frames import Encoded

_ATTEMPTS = 2
_FIRST_RESTART_DELAY_S = 0.05
_LONGEST_RESTART_DELAY_S = 5.0


class WorkerDied(Exception):
    """The worker ended, or never became ready. The text says how."""


class Link(Protocol):
    """A running worker. What it sends goes to the `Ears` that it was opened with."""

    def send(self, request: Encoded) -> None:
        """Hand over a request. Never waits; a worker that is gone ignores it."""
        ...

    def stop(self, number: int) -> None:
        """Ask it to end a request that nobody waits for."""
        ...

    def kill(self) -> None: ...

    async def aclose(self) -> None:
        """Let it end; returns once nothing of it is left."""
        ...


@dataclass(frozen=True, slots=True)
class Ears:
    """What a link calls: with each message, and once with the reason when the worker has ended by itself."""

    message: Callable[[Mapping[str, Any]], None]
    died: Callable[[str], None]


Opener = Callable[[Ears], Awaitable[Link]]
"""Starts a worker and returns when it is ready for requests. Raises WorkerDied."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker can run: how to start it there, and how instead if that fails twice, with what to say then."""

    open: Opener
    fallback: Opener | None = None
    fallback_reason: str = ""


@dataclass(eq=False, slots=True)
class _Seat:
    place: Place
    link: Link | None = None
    starting: asyncio.Task[None] | None = None
    requests: dict[int, Request] = field(default_factory=dict)
    failures: int = 0
    degraded: str = ""
    description: Mapping[str, Any] = field(default_factory=dict)
    killer: asyncio.TimerHandle | None = None

    @property
    def running(self) -> Request | None:
        """What the worker computes: it takes requests in order."""
        return next(iter(self.requests.values()), None)


class Lane:
    """Hands the calls of one kind to its workers, each started when there is first something to do.

    An idle worker gets the next request at once; one that computes a batch gets at most one more to lie ready. A
    worker that dies is started anew after a pause that grows with each failure in a row, and each call that it had
    is tried once more, alone.
    """

    def __init__(self, kind: WorkerKind, places: Sequence[Place], *, threads: int, stop_grace_s: float) -> None:
        self._kind = kind
        self._threads = threads
        self._stop_grace_s = stop_grace_s
        self._seats = [_Seat(place) for place in places]
        self._queue = CallQueue()
        self._loop = asyncio.get_running_loop()
        self._dispatching: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._restarts = 0
        self._closed = False

    def add(self, call: Call) -> None:
        """Raises Busy."""
        waiting = self._queue.length("interactive") + self._queue.length("bulk")
        if waiting >= self._kind.queue_limit:
            raise Busy(waiting=waiting, limit=self._kind.queue_limit)
        self._queue.add(call)
        self._dispatch_soon()

    def forget(self, call: Call) -> None:
        """Nobody waits for this call any more."""
        self._queue.discard(call)
        for seat in self._seats:
            if any(not request.wanted for request in call.requests & set(seat.requests.values())):
                self._stop_unwanted(seat)
        call.requests.clear()

    def describe(self) -> KindStatus:
        known = next((seat.description for seat in self._seats if seat.description), {})
        return KindStatus(
            kind=self._kind.name,
            workers=len(self._seats),
            threads=known.get("threads", self._threads),
            running=sum(seat.link is not None for seat in self._seats),
            interactive=self._queue.length("interactive"),
            bulk=self._queue.length("bulk"),
            restarts=self._restarts,
            engine=known.get("engine", ""),
            device=known.get("device", ""),
            dtype=known.get("dtype", ""),
            models=tuple(Model(each["name"], each["sha256"]) for each in known.get("models", ())),
            engines=known.get("engines", {}),
            degraded=next((seat.degraded for seat in self._seats if seat.degraded), ""),
        )

    def extend(self, places: Sequence[Place]) -> None:
        """Have as many workers as there are `places`; those that run stay where they are."""
        self._seats += [_Seat(place) for place in places[len(self._seats) :]]
        self._dispatch_soon()

    async def start(self) -> None:
        """Start every worker now, and return once each is ready or could not be started."""
        for seat in self._seats:
            self._start(seat)
        await asyncio.gather(*(seat.starting for seat in self._seats if seat.starting), return_exceptions=True)

    async def aclose(self, reason: str) -> None:
        """End every worker; returns once none is left."""
        self._closed = True
        for handle in (self._dispatching, self._timer, *(seat.killer for seat in self._seats)):
            if handle is not None:
                handle.cancel()
        calls = self._queue.calls()
        calls += [part.call for seat in self._seats for each in seat.requests.values() for part in each.parts]
        for call in calls:
            call.fail(WorkerLost(task=call.task, reason=reason))
        starting = [seat.starting for seat in self._seats if seat.starting is not None]
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)
        links = [seat.link for seat in self._seats if seat.link is not None]
        await asyncio.gather(*(link.aclose() for link in links), *self._endings, return_exceptions=True)

    def _dispatch_soon(self) -> None:
        # Not at once: calls that are made in the same turn of the event loop go together.
        if self._dispatching is None and not self._closed:
            self._dispatching = self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._dispatching = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for seat in self._seats:
            if seat.link is not None and not seat.requests and (request := self._queue.for_idle()) is not None:
                self._send(seat, request)
        if not self._queue:
            return
        for seat in self._seats:
            if seat.link is None and seat.starting is None:
                self._start(seat)
                break
        for seat in self._seats:
            if _takes_more(seat) and (ready := self._queue.for_busy(self._loop.time())) is not None:
                self._send(seat, ready)
        due_s = self._queue.due_s()
        if due_s is not None and due_s > self._loop.time() and any(_takes_more(seat) for seat in self._seats):
            self._timer = self._loop.call_at(due_s, self._dispatch)

    def _send(self, seat: _Seat, request: Request) -> None:
        assert seat.link is not None
        seat.requests[request.number] = request
        seat.link.send(request.encode())

    def _start(self, seat: _Seat) -> None:
        if seat.link is None and seat.starting is None:
            seat.starting = asyncio.create_task(self._open(seat))

    async def _open(self, seat: _Seat) -> None:
        if seat.failures:
            delay_s = _FIRST_RESTART_DELAY_S * 2 ** (seat.failures - 1)
            await asyncio.sleep(min(delay_s, _LONGEST_RESTART_DELAY_S))
        seat.description = {}
        gone = False

        def died(reason: str) -> None:
            nonlocal gone
            gone = True
            if seat.link is not None:
                self._died(seat, reason)

        try:
            opener = seat.place.open if not seat.degraded or seat.place.fallback is None else seat.place.fallback
            link = await opener(Ears(lambda message: self._heard(seat, message), died))
        except WorkerDied as error:
            seat.starting = None
            self._failed(seat, str(error))
        else:
            seat.starting = None
            if gone:
                self._failed(seat, "it ended as soon as it was ready")
            else:
                seat.link = link
        self._dispatch_soon()

    def _heard(self, seat: _Seat, message: Mapping[str, Any]) -> None:
        if "description" in message:
            seat.description = message["description"]
            return
        request = seat.requests.get(message["number"])
        if request is None:
            return
        if "progress" in message:
            request.advance(message["progress"])
            return
        del seat.requests[request.number]
        seat.failures = 0
        self._let_live(seat)
        self._stop_unwanted(seat)
        if "answer" in message:
            request.settle(message["answer"])
        elif "error" in message:
            self._refused(request, message["error"])
        self._dispatch_soon()

    def _refused(self, request: Request, error: Mapping[str, str]) -> None:
        if len(request.parts) > 1:
            self._queue.bisect(request.parts)
        else:
            request.fail(lambda call: TaskFailed(task=call.task, **error))

    def _stop_unwanted(self, seat: _Seat) -> None:
        """Stop what nobody waits for; a worker that goes on computing it is killed after the grace."""
        if seat.link is None:
            return
        for request in seat.requests.values():
            if not request.wanted:
                seat.link.stop(request.number)
        running = seat.running
        if running is not None and not running.wanted and seat.killer is None:
            seat.killer = self._loop.call_later(self._stop_grace_s, self._kill, seat)

    def _let_live(self, seat: _Seat) -> None:
        if seat.killer is not None:
            seat.killer.cancel()
            seat.killer = None

    def _kill(self, seat: _Seat) -> None:
        seat.killer = None
        if seat.link is not None:
            seat.link.kill()

    def _died(self, seat: _Seat, reason: str) -> None:
        """A worker that had started has ended."""
        if self._closed:
            return
        link, seat.link = seat.link, None
        self._let_live(seat)
        lost, seat.requests = list(seat.requests.values()), {}
        if lost and lost[0].wanted:
            seat.failures += 1
            if seat.failures > _ATTEMPTS:
                self._degrade(seat, reason)
        self._restarts += 1
        parts = [part for request in lost for part in request.parts]
        for call in dict.fromkeys(part.call for part in parts):
            call.deaths += 1
            if call.deaths >= _ATTEMPTS:
                call.fail(WorkerLost(task=call.task, reason=reason))
        for each in _by_call(parts):
            self._queue.retry(each, alone=True)
        if link is not None:
            ending = asyncio.create_task(link.aclose())
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
        self._dispatch_soon()

    def _failed(self, seat: _Seat, reason: str) -> None:
        """A worker could not be started. The second time in a row those who wait are told."""
        seat.failures += 1
        self._restarts += 1
        if seat.failures < _ATTEMPTS:
            return
        if not self._degrade(seat, reason) and not any(other.link for other in self._seats):
            for call in self._queue.calls():
                self._queue.discard(call)
                call.fail(WorkerLost(task=call.task, reason=reason))

    def _degrade(self, seat: _Seat, reason: str) -> bool:
        """Have the worker started in the other way from now on, if there is one."""
        if seat.place.fallback is None or seat.degraded:
            return False
        seat.degraded = f"{seat.place.fallback_reason}: {reason}"
        seat.failures = 0
        return True


def _takes_more(seat: _Seat) -> bool:
    """Whether a second request may lie ready behind the one that runs."""
    running = seat.running
    return (
        seat.link is not None
        and len(seat.requests) == 1
        and running is not None
        and running.batched
        and not running.alone
    )


def _by_call(parts: Sequence[Part]) -> list[list[Part]]:
    calls: dict[Call, list[Part]] = {}
    for part in parts:
        calls.setdefault(part.call, []).append(part)
    return list(calls.values())
