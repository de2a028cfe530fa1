"""Alerts of one desk as tools and people use them: rules, what they told, and whom it reaches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from random import Random
from typing import Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..errors import InputRejected
from ..untrusted_text import quoted
from .alert_book import Alert, AlertBook, WatchedRule
from .channel import Channel, ChannelFailed, Message
from .delivery import Deliverer, RetryTerms
from .delivery_book import DeliveryBook, FailedDelivery
from .levels import Memory
from .observing import Observer
from .rules import AlertKind, AlertRule
from .sources import AlertSources
from .watch import AlertWatch

_tell_failure = logs_failure(logging.getLogger(__name__), "somebody was not told of new alerts")

_TROUBLES_SHOWN = timedelta(days=1)

Publish = Callable[[], Awaitable[None]]
"""Lets clients that subscribed know that there are new alerts."""


class AlertDesk:
    """An `async with` runs the watch and the delivery. Nothing is told twice, and nothing is lost by a restart."""

    def __init__(
        self,
        book: AlertBook,
        deliveries: DeliveryBook,
        sources: AlertSources,
        channels: Mapping[str, Channel],
        *,
        defaults: frozenset[str],
        clock: Clock,
        random: Random,
        mode: str,
        publish: Publish,
        retry: RetryTerms | None = None,
    ) -> None:
        self.book = book
        self.sources = sources
        self._deliveries = deliveries
        self._channels = channels
        self._defaults = defaults
        self._clock = clock
        self._mode = mode
        self._publish = publish
        self._deliverer = Deliverer(deliveries, channels, clock=clock, random=random, mode=mode, retry=retry)
        self._watch = AlertWatch(
            book,
            Observer(sources),
            clock=clock,
            channels=frozenset(channels),
            told=self._told,
            file_failed=self._file_failed,
        )
        self._running = AsyncExitStack()
        self._telling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.book.keep_defaults(self._defaults, now=self._clock.now())
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(self._deliverer)
            await opened.enter_async_context(self._watch)
            self._running = opened.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()
        for task in list(self._telling):
            await cancelled(task)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels that are configured."""
        return tuple(sorted(self._channels))

    def check_channel(self, name: str | None) -> None:
        """Raises InputRejected `unknown_channel`."""
        if name is not None and name not in self._channels:
            known = ", ".join(self.channels)
            raise InputRejected(
                f"No channel is called {quoted(name, 40)!r}.",
                code="unknown_channel",
                fix=f"use one of {known}, or leave channel out for all"
                if known
                else "leave channel out; a person names channels in POLYMARKET_ALERT_CHANNELS",
            )

    async def create(self, rule: AlertRule) -> tuple[WatchedRule, bool]:
        """Let a rule watch, and whether it is new. It has looked once when this returns: what comes after is told.

        Raises InputRejected.
        """
        self.check_channel(rule.channel)
        made = self.book.add(rule, now=self._clock.now(), memory=self._first_memory(rule))
        self._watch.changed()
        await self._watch.look()
        return made

    def delete(self, rule_id: str) -> WatchedRule:
        found = self.book.delete(rule_id)
        self._watch.changed()
        return found

    def snooze(self, rule_id: str, until: datetime | None) -> WatchedRule:
        found = self.book.snooze(rule_id, until)
        self._watch.changed()
        return found

    def tell(self, principal: str) -> list[Alert]:
        """What somebody has not been told yet, which is then told."""
        return self.book.tell(principal, now=self._clock.now())

    def delivery_states(self) -> dict[int, dict[str, str]]:
        return self._deliveries.states()

    def delivery_troubles(self) -> list[FailedDelivery]:
        """Deliveries of the last day that failed, given up or still tried."""
        return self._deliveries.troubles(since=self._clock.now() - _TROUBLES_SHOWN)

    async def look(self) -> None:
        """Look at everything now, be it due or not."""
        await self._watch.look(at_everything=True)

    def _first_memory(self, rule: AlertRule) -> Memory:
        """What happened to orders before the rule was made is not told; what happens from this moment on is."""
        if rule.kind not in (AlertKind.ORDER, AlertKind.DEAD_LETTER):
            return {}
        last = self.sources.audit.last_number()
        return {"after": last, "kept": last}

    def _told(self, _: Sequence[Alert]) -> None:
        self._deliverer.nudge()
        self._begin(self._publish())

    def _file_failed(self, cause: str) -> None:
        """What cannot be written down is said at once, as far as there are channels; once, and without a repeat."""
        now = self._clock.now()
        said = f"the desk's file fails, and alerts cannot be kept: {cause}"
        document = {"kind": "system_health", "mode": self._mode, "text": said, "facts": {"what": "desk file"}}
        stamp = f"file-{int(now.timestamp())}"
        message = Message(stamp, f"polydesk ({self._mode}): system_health", said, {"id": stamp, **document}, now)
        for name in self._channels:
            self._begin(self._send_unwritten(name, message))

    async def _send_unwritten(self, channel: str, message: Message) -> None:
        with suppress(ChannelFailed):  # the log has said that the file fails
            await self._deliverer.send_now(channel, message)

    def _begin(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        task.add_done_callback(_tell_failure)
