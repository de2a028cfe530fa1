"""Several strategies' beliefs as one, each weighing as much as it has been right where the market was wrong."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ..identifiers import ConditionId
from ..models import Market, TradingSignal
from .decision import Adjustment, Decision
from .declaration import Declaration, Need, Parameter, Parameters, largest_order
from .momentum import MeanReversionStrategy, MomentumStrategy
from .news_sentiment import NewsSentimentStrategy
from .option_ladder import OptionLadderStrategy
from .signals import buy_sides, buying, estimate, exit_cost, nothing, selling
from .statistical_arbitrage import StatisticalArbitrageStrategy
from .strategy import PolymarketStrategy, ReadingStrategy
from .surroundings import Holdings, StrategyAccount, Surroundings
from .time_series import deviation, log_odds, probability

_SHRINKAGE = 20
"""Scored beliefs that a member's record is worth before it has any: skill is taken for real slowly."""

_KEPT = 2_000
_DIFFERS = 0.005
"""A belief nearer to the price than this says nothing, and is not scored."""


@dataclass(slots=True)
class Record:
    """What a member believed and has not been scored yet, and its losses and the market's on what has been."""

    pending: deque[tuple[datetime, ConditionId, float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    noted: dict[ConditionId, datetime] = field(default_factory=dict)
    loss: float = 0.0
    market_loss: float = 0.0
    scored: int = 0

    def note(self, condition_id: ConditionId, value: float, level: float, *, now: datetime, horizon: timedelta) -> None:
        """Keep a belief to be scored, at most six of a market within a horizon: so none is lost before its time."""
        before = self.noted.get(condition_id)
        if before is None or now - before >= horizon / 6:
            self.noted[condition_id] = now
            self.pending.append((now, condition_id, value, level))

    @property
    def weight(self) -> float:
        """The part of the market's squared error that the member's beliefs took away, shrunk; 0 where they added."""
        if not self.market_loss:
            return 0.0
        return max(1 - self.loss / self.market_loss, 0.0) * self.scored / (self.scored + _SHRINKAGE)


class EnsembleStrategy(ReadingStrategy):
    """Asks its members what each market is worth, and trades on their weighted mean in log-odds.

    A member is scored when `horizon_hours` have passed: its belief and the price of then against the price of now. One
    that was no better than the price has no weight, and without weights there is no trade. The wider the members are
    apart, the wider the interval, and the smaller the bet.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="ensemble",
        summary=(
            "Combines the other strategies' estimates of each market (momentum, mean reversion, statistical "
            "arbitrage; news and option pricing where they can be had). Each weighs by how much better than the price "
            "its earlier estimates have proved since this run began; where they disagree the bet shrinks. Trades "
            "nothing until some member has shown skill."
        ),
        needs=frozenset({Need.BOOKS, Need.HISTORY}),
        parameters=(
            Parameter(
                name="horizon_hours",
                meaning="after so long a belief is held against the price",
                default=Decimal(6),
                low=Decimal("0.05"),
                high=Decimal(168),
                unit="hours",
            ),
            Parameter(
                name="least_weight",
                meaning="skill that some member must have shown",
                default=Decimal("0.05"),
                low=Decimal(0),
                high=Decimal(1),
            ),
            largest_order(50),
        ),
        every=timedelta(minutes=10),
        warm_up=timedelta(days=5),
    )

    def __init__(self, surroundings: Surroundings, parameters: Parameters) -> None:
        super().__init__(surroundings, parameters)
        kinds: list[type[PolymarketStrategy]] = [MomentumStrategy, MeanReversionStrategy, StatisticalArbitrageStrategy]
        if surroundings.news is not None and surroundings.read_news is not None:
            kinds.append(NewsSentimentStrategy)
        if surroundings.reference is not None:
            kinds.append(OptionLadderStrategy)
        # Members only say what they believe: that each holds something is the ensemble's business.
        alone = dataclasses.replace(surroundings, account=_Unburdened(surroundings.account))
        self._members = [kind.of(alone, kind.declaration.read_parameters(_lenient(kind.declaration))) for kind in kinds]
        self.records = {member.declaration.name: Record() for member in self._members}
        self._told: dict[str, float] = dict.fromkeys(self.records, 0.0)

    async def analyze_market(self, market: Market) -> TradingSignal:
        return (await self.analyze_markets([market]))[0]

    async def decide(self, markets: Sequence[Market]) -> Decision:
        signals = await self.analyze_markets(markets)
        return Decision(signals=signals, adjustments=self._reweighted())

    async def analyze_markets(self, markets: Sequence[Market]) -> list[TradingSignal]:
        """What the members believe together; each of their beliefs is written down to be scored later."""
        now, holdings = self._clock.now(), await self._account.holdings()
        levels = await self._midpoints(markets)
        self._score(levels, now)
        beliefs: dict[ConditionId, dict[str, tuple[float, float]]] = {}
        for member in self._members:
            name = member.declaration.name
            for market, signal in zip(markets, await member.analyze_markets(markets), strict=True):
                level = levels.get(market.condition_id)
                if level is None or not signal.low < signal.fair_value < signal.high or signal.low <= 0:
                    continue
                first = signal.token_id == market.outcomes[0].token_id
                value = float(signal.fair_value if first else 1 - signal.fair_value)
                half = float(signal.high - signal.low) / 2
                if abs(value - level) < _DIFFERS:
                    continue
                self.records[name].note(market.condition_id, value, level, now=now, horizon=self._horizon)
                beliefs.setdefault(market.condition_id, {})[name] = (value, half)
        return [await self._signal(market, beliefs.get(market.condition_id, {}), holdings, now) for market in markets]

    @property
    def _horizon(self) -> timedelta:
        return timedelta(hours=float(self._parameters["horizon_hours"]))

    async def _midpoints(self, markets: Sequence[Market]) -> dict[ConditionId, float]:
        found = {}
        for market in markets:
            book = await self._quotes.book(market.outcomes[0].token_id)
            if book is not None and book.midpoint is not None:
                found[market.condition_id] = float(book.midpoint)
        return found

    def _score(self, levels: dict[ConditionId, float], now: datetime) -> None:
        """Hold beliefs that have had their time against the prices of now; of markets without a price they are void."""
        due = now - self._horizon
        for record in self.records.values():
            while record.pending and record.pending[0][0] <= due:
                _, condition_id, value, then = record.pending.popleft()
                level = levels.get(condition_id)
                if level is not None:
                    record.loss += (value - level) ** 2
                    record.market_loss += (then - level) ** 2
                    record.scored += 1

    def _reweighted(self) -> list[Adjustment]:
        """Weights that have moved by a tenth or more since they were last told."""
        found = []
        for name, record in self.records.items():
            before, after = self._told[name], record.weight
            if abs(after - before) >= 0.1:
                self._told[name] = after
                reason = f"{record.scored} beliefs scored"
                found.append(
                    Adjustment(
                        f"weight of {name}",
                        round(Decimal(str(before)), 3),
                        round(Decimal(str(after)), 3),
                        reason,
                        self._clock.now(),
                    )
                )
        return found

    async def _signal(
        self, market: Market, beliefs: dict[str, tuple[float, float]], holdings: Holdings, now: datetime
    ) -> TradingSignal:
        first = market.outcomes[0]
        book = await self._quotes.book(first.token_id)
        if book is None or book.midpoint is None:
            return nothing(market, first, "the book has only one side, or none", now=now)
        least = float(self._parameters["least_weight"])
        weights = {name: self.records[name].weight for name in beliefs}
        weights = {name: weight for name, weight in weights.items() if weight >= least and weight > 0}
        if not weights:
            for number, outcome in enumerate(market.outcomes):
                held = holdings.of(outcome.token_id)
                if held.sellable >= Decimal("0.01"):
                    middle = float(book.midpoint)
                    side = buy_sides(market, book, estimate(middle, middle, middle))[number][1]
                    reason = "no member with skill believes in it any more"
                    return selling(market, outcome, side, shares=held.sellable, reason=reason, now=now)
            reason = "no member says anything" if not beliefs else "no member has shown skill yet"
            return nothing(market, first, reason, now=now)
        total = math.fsum(weights.values())
        ways = [log_odds(beliefs[name][0]) for name in weights]
        mean = math.fsum(way * weight for way, weight in zip(ways, weights.values(), strict=True)) / total
        value = probability(mean)
        half = math.fsum(beliefs[name][1] * weight for name, weight in weights.items()) / total
        half += deviation([beliefs[name][0] for name in weights])
        fair = estimate(value, value - half, value + half)
        told = ", ".join(f"{name} {beliefs[name][0]:.3f} (weight {weight:.2f})" for name, weight in weights.items())
        outcome, side, worth = buy_sides(market, book, fair)[0 if value > float(book.midpoint) else 1]
        return buying(
            market,
            outcome,
            side,
            worth,
            bankroll=holdings.cash,
            held_usd=holdings.of(outcome.token_id).cost,
            largest_order_usd=self._parameters["largest_order_usd"],
            exit_cost=exit_cost(market, side),
            reason=f"members say {told}",
            now=now,
        )


def _lenient(declaration: Declaration) -> dict[str, Decimal]:
    """Members may say what they would not trade on alone: their record tells what it is worth."""
    return {each.name: each.low for each in declaration.parameters if each.name == "significance"}


class _Unburdened:
    """An account as members see it: its cash, and nothing held."""

    def __init__(self, account: StrategyAccount) -> None:
        self._account = account

    async def holdings(self) -> Holdings:
        return dataclasses.replace(await self._account.holdings(), by_token={})
