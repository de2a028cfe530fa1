"""What hosts can read by address, beside calling tools: the same answers as those of the tools named here."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .answer import Answer
from .context import Desk
from .toolspec import Toolset

SCHEME = "polymarket://"
GUIDE = f"{SCHEME}guide"


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """A resource of the desk. `uri` may hold `{slug}`, which `read` is then given."""

    uri: str
    title: str
    description: str
    toolset: Toolset
    read: Callable[..., Awaitable[Answer]]

    @property
    def name(self) -> str:
        return self.uri.removeprefix(SCHEME).split("/")[0]

    def matches(self, uri: str) -> bool:
        """Whether an address is this resource's."""
        return uri.startswith(self.uri.removesuffix("{slug}")) if "{" in self.uri else uri == self.uri


async def _status(desk: Desk) -> Answer:
    from .operations import get_status

    # Hosts read unasked: what happened since the agent last looked stays untold for the agent.
    return await get_status(dataclasses.replace(desk, caller=f"{desk.caller} (resource)"))


async def _portfolio(desk: Desk) -> Answer:
    from .portfolio import get_portfolio

    return await get_portfolio(desk)


async def _market(desk: Desk, slug: str) -> Answer:
    from .markets import get_market

    return await get_market(desk, markets=[slug], detail="full")


async def _alerts(desk: Desk) -> Answer:
    from .alerts import manage_alerts

    return await manage_alerts(desk, "list")


RESOURCES = (
    ResourceSpec(
        f"{SCHEME}status", "Desk status", "Which money, what is halted, limited or waiting", Toolset.OPERATIONS, _status
    ),
    ResourceSpec(
        f"{SCHEME}alerts",
        "Alerts",
        "What rules have told, and which watch; to subscribe to",
        Toolset.OPERATIONS,
        _alerts,
    ),
    ResourceSpec(
        f"{SCHEME}portfolio",
        "Portfolio",
        "Cash, positions, profit and loss, open orders",
        Toolset.PORTFOLIO,
        _portfolio,
    ),
    ResourceSpec(
        f"{SCHEME}market/{{slug}}", "Market", "One market: prices, rules, volume, holders", Toolset.MARKETS, _market
    ),
)


def resource_of(uri: str) -> ResourceSpec | None:
    """The resource of the desk at an address; None for any other, such as the guide."""
    return next((each for each in RESOURCES if each.matches(uri)), None)
