"""A strategy's run as one process carries it on: what is looked at, and what ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from ..identifiers import ConditionId
from ..models import Market
from ..strategies.look import look
from ..strategies.strategy import PolymarketStrategy
from ..strategies.surroundings import Surroundings
from ..venues.venue import Venue
from .desk import TradingDesk
from .run_book import Run, RunStatus
from .run_notes import RunNotes, note_look
from .run_standing import FILLS_LAG
from .strategy_plan import StrategyPlan

_WEIGHED_EVERY_S = 30.0
"""So often at least it is looked at what a run with orders has lost, however far apart its strategy looks."""

_NOT_LISTED = "fills_not_listed"

FindMarket = Callable[[ConditionId], Awaitable[Market]]


@dataclass(frozen=True, slots=True)
class RunEnd:
    """That a run is over, and why."""

    status: RunStatus
    cause: str


@dataclass(slots=True)
class CarriedRun:
    """A run with its strategy. `blind` counts the looks in a row that failed."""

    run: Run
    plan: StrategyPlan
    strategy: PolymarketStrategy
    surroundings: Surroundings
    notes: RunNotes
    desk: TradingDesk
    venue: Venue
    find_market: FindMarket
    blind: int = 0
    _weighed_at: datetime | None = None

    def weighs(self, now: datetime) -> bool:
        """Whether it is time to look at what the run has lost, though its strategy does not look yet."""
        passed_s = (now - self._weighed_at).total_seconds() if self._weighed_at is not None else _WEIGHED_EVERY_S
        if 0 <= passed_s < _WEIGHED_EVERY_S:
            return False
        return bool(self.desk.journal.order_ids_of_tokens(f"{self.run.run_id}/"))

    async def weigh(self) -> RunEnd | None:
        """Note what the run has earned; why it is over, if it has lost too much. Raises what the reads raise."""
        now = self.surroundings.clock.now()
        self._weighed_at = now
        holdings = await self.surroundings.account.holdings()
        self.notes.earned(holdings.earned.values(), now)
        if holdings.profit > -self.plan.max_loss_usd:
            return None
        return RunEnd(RunStatus.STOPPED, f"it has lost ${-holdings.profit:.2f}, as much as it was allowed to")

    async def look(self) -> RunEnd | None:
        """Have the strategy look at its markets, and carry out what it decides; why the run is over, if it is.

        Raises what the reads raise.
        """
        if await self._waits_for_fills():
            self.notes.problems[_NOT_LISTED] = self.notes.problems.get(_NOT_LISTED, 0) + 1
            return None
        markets = [await self.find_market(condition_id) for condition_id in self.plan.markets]
        if all(market.closed for market in markets):
            return RunEnd(RunStatus.DONE, "all of its markets have ended")
        open_markets = [market for market in markets if market.tradable]
        if open_markets:
            slugs: dict[str, str] = {market.condition_id: market.slug for market in open_markets}
            note_look(self.notes, await look(self.strategy, open_markets), slugs)
        return None

    async def _waits_for_fills(self) -> bool:
        """Whether the venue does not list yet what an order of the run has matched: until then a strategy would not
        see what it holds, and buy it once more."""
        lately = self.desk.journal.matched_since(self.surroundings.clock.now() - FILLS_LAG)
        matched = {
            each.order_id
            for each in lately
            if (each.client_token or "").startswith(f"{self.run.run_id}/") and each.result and each.result.taking
        }
        return bool(matched) and not matched <= {trade.order_id for trade in await self.venue.trades()}
