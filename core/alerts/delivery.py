"""Carries alerts to their channels: at least once each, again after failures up to a bound, and never too many."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Self

from ..background_tasks import cancelled, logs_failure
from ..clock import Clock
from ..telemetry.redaction import redacted
from .channel import Channel, ChannelFailed, Message
from .delivery_book import Delivery, DeliveryBook

_log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 5.0
"""A delivery that its pace holds back is looked at so often, and so is what another process has written."""

_HELD_BACK_S = 1.0
_SENT_WITHIN_S = 60.0
"""No channel takes longer."""

_ENDS_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class RetryTerms:
    """`attempts` in all; between them `first_s` seconds, doubled each time, shortened by up to half at random."""

    attempts: int = 8
    first_s: float = 2.0
    longest_s: float = 300.0

    def wait_s(self, attempts: int, random: Random) -> float:
        """Seconds to wait after so many attempts."""
        whole = min(self.first_s * 2.0 ** (attempts - 1), self.longest_s)
        return float(whole * random.uniform(0.5, 1.0))


class Deliverer:
    """Sends what the book holds for the channels there are. An `async with` runs it; `nudge` says there is more."""

    def __init__(
        self,
        book: DeliveryBook,
        channels: Mapping[str, Channel],
        *,
        clock: Clock,
        random: Random,
        mode: str,
        retry: RetryTerms | None = None,
    ) -> None:
        self._book = book
        self._channels = channels
        self._clock = clock
        self._random = random
        self._mode = mode
        self._retry = retry or RetryTerms()
        self._news = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._sending: dict[int, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self._book.take_over(now=self._clock.now())
        self._news.set()  # a process before may have left something
        self._running = asyncio.create_task(self._run(), name="delivery of alerts")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            await cancelled(self._running)
        if self._sending:
            await asyncio.wait(list(self._sending.values()), timeout=_ENDS_WITHIN_S)
        for task in list(self._sending.values()):
            await cancelled(task)

    def nudge(self) -> None:
        """Something new is to be delivered."""
        self._news.set()

    async def send_now(self, channel: str, message: Message) -> None:
        """Send once, without writing it down. Raises ChannelFailed."""
        await self._channels[channel].send(message)

    async def _run(self) -> None:
        failing = False
        while True:
            try:
                await self._until_due()
                for delivery in self._book.take_due(now=self._clock.now()):
                    if delivery.number not in self._sending:
                        self._begin(delivery)
            except Exception:
                # What waits is in the file, and goes out once that can be used again.
                if not failing:
                    _log.exception("alerts are not delivered for now; the status tool still tells them")
                failing = True
                await self._clock.sleep(_LONGEST_WAIT_S)
            else:
                failing = False

    async def _until_due(self) -> None:
        wait_s = self._wait_s()
        if wait_s is None:
            await self._news.wait()
        elif wait_s > 0 and not self._news.is_set():
            await self._rest(wait_s)
        self._news.clear()

    def _wait_s(self) -> float | None:
        """Seconds until something may be due; None while nothing waits."""
        due = self._book.next_due()
        if due is None:
            return None
        # What is due already was held back by its pace.
        return min(max((due - self._clock.now()).total_seconds(), _HELD_BACK_S), _LONGEST_WAIT_S)

    async def _rest(self, seconds: float) -> None:
        """Until the time has passed or there is news."""
        waits = {asyncio.ensure_future(self._clock.sleep(seconds)), asyncio.ensure_future(self._news.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _begin(self, delivery: Delivery) -> None:
        now = self._clock.now()
        self._book.attempted(delivery, now=now, again_at=now + timedelta(seconds=_SENT_WITHIN_S))
        task = asyncio.create_task(self._send(delivery), name=f"delivery {delivery.delivery_id}")
        self._sending[delivery.number] = task
        task.add_done_callback(lambda _: self._sending.pop(delivery.number, None))
        task.add_done_callback(logs_failure(_log, "an alert was not delivered"))

    async def _send(self, delivery: Delivery) -> None:
        channel = self._channels.get(delivery.channel)
        try:
            if channel is None:
                raise ChannelFailed("no channel of this name is configured", lasting=True)
            await channel.send(message_of(delivery, self._mode))
        except ChannelFailed as failure:
            self._failed(delivery, failure)
        except Exception as error:
            # It counts as an attempt, or a channel with a defect would be tried for ever and nobody would see it.
            _log.exception("channel %s failed in a way that no channel should", delivery.channel)
            self._failed(delivery, ChannelFailed(f"it failed with {type(error).__name__}"))
        else:
            self._book.delivered(delivery, now=self._clock.now())
        self._news.set()

    def _failed(self, delivery: Delivery, failure: ChannelFailed) -> None:
        now, attempts, why = self._clock.now(), delivery.attempts + 1, redacted(str(failure))
        if failure.lasting or attempts >= self._retry.attempts:
            self._book.give_up(delivery, why, now=now)
            _log.error("alert %s was not delivered by channel %s: %s", delivery.alert.alert_id, delivery.channel, why)
            return
        wait_s = self._retry.wait_s(attempts, self._random)
        self._book.retry(delivery, why, now=now, at=now + timedelta(seconds=wait_s))
        _log.warning("channel %s did not take alert %s: %s", delivery.channel, delivery.alert.alert_id, why)


def message_of(delivery: Delivery, mode: str) -> Message:
    """What is sent: the alert, and how many more came before it could be, with the last of them."""
    alert, more = delivery.alert, len(delivery.folded)
    said = alert.text
    if more:
        said += f" (and {more} more, the last: {delivery.folded[-1].text})"
    document = {
        "id": delivery.delivery_id,
        "alert_id": alert.alert_id,
        "rule_id": alert.rule_id,
        "kind": alert.kind.value,
        "mode": mode,
        "at": _written(alert.at),
        "text": alert.text,
        "facts": dict(alert.facts),
        "and_more": more,
        **({"last": {"at": _written(delivery.folded[-1].at), "text": delivery.folded[-1].text}} if more else {}),
    }
    return Message(delivery.delivery_id, f"polydesk ({mode}): {alert.kind.value}", said, document, alert.at)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
