"""The desk's side of a soak: clients that place orders until they are told to stop, in a process made to be killed.

`python -m polydesk.server.soak.worker FILE` reads a WorkPlan from FILE and prints the number of each order that has
come to an end. With `settle` it places nothing: it waits until every order's fate is known, cancels what rests, and
prints what the desk believes it owns.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ...core.errors import InputRejected, OrderError, PolymarketAPIError
from ...core.models import Market, OrderSide, OrderStatus, Trade, TradeStatus
from ...core.money import to_micro
from ...core.polymarket.gamma import GammaClient
from ...core.settings import load_settings
from ...core.trading.consent import NoConsent
from ...core.trading.desk import TradingDesk
from ...core.venues.polymarket import PolymarketVenue
from ..sites import open_site
from ..trading_desk import build_trading_desk
from .orders import order_of, token_of

ARRIVAL_WINDOW = timedelta(seconds=1.5)
"""The exchange of a soak is near: what it has not heard of by then was lost on the way."""

_TRIES = 60
_PAUSE_S = 0.05
_BLOCKED_S = 0.4
_CANCEL_EVERY = 12
_OLD = timedelta(seconds=2)
_SETTLED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class WorkPlan:
    """What one process of the desk does. `ended` are the orders that earlier ones have seen to their end.

    Processes that run side by side are told apart by `lane`, and share the orders among them.
    """

    settings: dict[str, Any]
    seed: int
    clients: int
    lanes: int = 1
    lane: int = 0
    ended: tuple[int, ...] = ()
    settle: bool = False

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> WorkPlan:
        document = json.loads(file.read_text(encoding="utf-8"))
        return cls(**document | {"ended": tuple(document["ended"])})


@dataclass(frozen=True, slots=True)
class Belief:
    """What the desk thinks of itself at the end: millionths of a dollar spent, and of shares held by token."""

    spent_micro: int
    shares_micro: dict[str, int]
    open_orders: int


async def run(plan: WorkPlan) -> None:
    settings = load_settings(**plan.settings)
    async with AsyncExitStack() as opened:
        site = await open_site(settings, opened)
        venue = PolymarketVenue(site.clob, site.data, site.clock)
        desk = build_trading_desk(
            settings, site, venue, opened, consent=NoConsent(), arrival_window=ARRIVAL_WINDOW
        ).trading
        await opened.enter_async_context(desk)
        if plan.settle:
            print(json.dumps(asdict(await _settle(desk, venue))), flush=True)
            return
        markets = await _markets(site.public.gamma)
        ended = frozenset(plan.ended)
        pairs = (pair for pair in _naturals() if pair % plan.lanes == plan.lane)
        numbers = (number for pair in pairs for number in (2 * pair, 2 * pair + 1) if number not in ended)
        await asyncio.gather(*(_client(desk, markets, plan.seed, numbers) for _ in range(plan.clients)))


async def _markets(gamma: GammaClient) -> list[Market]:
    while True:
        with suppress(PolymarketAPIError):
            page = await gamma.markets(limit=50, closed=False)
            return sorted((market for market in page.markets if market.tradable), key=lambda market: market.id)
        await asyncio.sleep(_PAUSE_S)


def _naturals() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


async def _client(desk: TradingDesk, markets: Sequence[Market], seed: int, numbers: Iterator[int]) -> None:
    """Place one order after the other, as a host does that repeats a call until it has an answer."""
    for number in numbers:
        await _see_through(desk, markets, seed, number)
        print(number, flush=True)
        if number % _CANCEL_EVERY == 0:
            with suppress(PolymarketAPIError):
                await desk.cancels.of_kind(side=None, older_than=_OLD, condition_id=None)


async def _see_through(desk: TradingDesk, markets: Sequence[Market], seed: int, number: int) -> None:
    intent, token = order_of(seed, number, markets), token_of(seed, number)
    for _ in range(_TRIES):
        try:
            placement = await desk.place(intent, client_token=token)
        except InputRejected as error:
            if error.retry_after_s is None:
                return  # refused before anything was sent
            await asyncio.sleep(_BLOCKED_S)
        except OrderError as error:
            if error.restriction is None:
                return  # the venue said no to this very order
        except PolymarketAPIError:
            pass  # the same token again: it cannot place a second one
        else:
            if placement.record.status not in (OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.DRAFT):
                return
        await asyncio.sleep(_PAUSE_S)


async def _settle(desk: TradingDesk, venue: PolymarketVenue) -> Belief:
    """Wait for the fate of every order and trade, and take everything off the book."""
    unfinished = (OrderStatus.DRAFT, OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.DELAYED)
    trades: tuple[Trade, ...] = ()
    open_orders = -1
    with suppress(TimeoutError):
        async with asyncio.timeout(_SETTLED_WITHIN_S):
            while True:
                with suppress(PolymarketAPIError):
                    await desk.cancels.of_everything()
                    resting, trades = await desk.refresh()
                    open_orders = len(resting)
                    settling = any(trade.status.settling for trade in trades)
                    if not (open_orders or settling or desk.journal.in_state(*unfinished, OrderStatus.LIVE)):
                        break
                await asyncio.sleep(_PAUSE_S)
    return Belief(*_flows(desk, trades), open_orders=open_orders)


def _flows(desk: TradingDesk, trades: Sequence[Trade]) -> tuple[int, dict[str, int]]:
    """Dollars that left the account, net and with fees, and the shares that came of them."""
    spent = Decimal(0)
    shares: dict[str, int] = {}
    for trade in trades:
        if trade.status is TradeStatus.FAILED:
            continue
        sign = 1 if trade.side is OrderSide.BUY else -1
        spent += sign * trade.size * trade.price + desk.fee_of(trade)
        shares[trade.token_id] = shares.get(trade.token_id, 0) + sign * to_micro(trade.size)
    return to_micro(spent), {token: held for token, held in shares.items() if held}


if __name__ == "__main__":
    asyncio.run(run(WorkPlan.read(Path(sys.argv[1]))))
