"""A live desk with a webhook, on an exchange of the test's own, whose alerts a test looks at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from mcp import Client

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import Catalogue, load_catalogue
from polydesk.core.exchange.faults import Fault, FaultPlan
from polydesk.core.exchange.resolution import Resolutions
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.settings import load_settings
from polydesk.handlers.context import Desk
from polydesk.server.application import Application
from polydesk.server.build import build_server
from tests.support.asked_user import User
from tests.support.exchanges import live_urls
from tests.support.live_desk import LIVE_LIMITS
from tests.support.processes import KEY, WAIT_S, answer_of
from tests.support.webhook_receiver import Receiver, webhook_receiver


@dataclass
class Alerting:
    """`serving` closes the venue, `resolutions` decides its markets; `receiver` is the channel called phone."""

    client: Client
    application: Application
    venue: ExchangeServer
    receiver: Receiver
    serving: AsyncExitStack
    resolutions: Resolutions

    @property
    def exchange(self) -> Exchange:
        return self.venue.exchange

    async def desk(self) -> Desk:
        return await self.application.desk()

    async def arm(self, kind: str, **arguments: Any) -> dict[str, Any]:
        """A new rule."""
        return await answer_of(self.client, "manage_alerts", action="create", kind=kind, **arguments)

    async def holds(self, slug: str) -> bool:
        """Whether the account's shares of a market have arrived."""
        positions = (await answer_of(self.client, "get_portfolio"))["positions"]
        return slug in json.dumps(positions)

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            await (await self.desk()).alerts.look()

    async def told(self, kind: str) -> dict[str, Any]:
        """The one alert of a kind that reaches the receiver, however often the desk looks again."""
        await self.receiver.wait_for(1, lambda each: each["kind"] == kind)
        await self.look(times=3)
        await self.settled()
        (one,) = [each for each in self.receiver.documents if each["kind"] == kind]
        assert one["and_more"] == 0
        return one

    async def settled(self) -> Sequence[dict[str, Any]]:
        """The latest alerts as listed, once nothing that may be sent is on its way."""
        async with asyncio.timeout(WAIT_S):
            while True:
                alerts: list[dict[str, Any]] = (await answer_of(self.client, "manage_alerts", action="list")).get(
                    "alerts", []
                )
                if all("pending" not in each.get("delivered", {}).values() for each in alerts):
                    return alerts
                await asyncio.sleep(0.02)


@asynccontextmanager
async def alerting(
    folder: Path,
    *,
    faults: Sequence[Fault] = (),
    catalogue: Catalogue | None = None,
    channels: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Alerting]:
    """`channels` beside the phone."""
    listed = catalogue or load_catalogue()
    rules = ExchangeSettings(
        simulated_traders=False,
        starting_balance=Decimal(100_000),
        mined_after_s=0.05,
        confirmed_after_s=0.05,
        faults=FaultPlan.of(*faults),
    )
    async with AsyncExitStack() as opened:
        receiver = await opened.enter_async_context(webhook_receiver())
        serving = await opened.enter_async_context(AsyncExitStack())
        venue = await serving.enter_async_context(
            ExchangeServer(Exchange(listed, rules, ShiftedClock(listed.starts_at)))
        )
        given: dict[str, Any] = {
            "mode": "live",
            "compute": "inline",
            "private_key": KEY,
            "toolsets": ("all",),
            "max_retries": 0,
            "state_dir": folder,
            "alert_channels": json.dumps({"phone": receiver.channel(), **(channels or {})}),
        }
        limits = LIVE_LIMITS | {"max_order_usd": 5000, "max_day_usd": 50_000, "max_exposure_usd": 50_000}
        application = Application(load_settings(**live_urls(venue), **(given | limits | settings)))
        opened.push_async_callback(application.aclose)
        client = await opened.enter_async_context(
            Client(build_server(application), elicitation_callback=User(agree=True))
        )
        yield Alerting(client, application, venue, receiver, serving, Resolutions(venue.exchange))
