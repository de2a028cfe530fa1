"""Buys sets of outcomes that together cost less than they are sure to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from ..identifiers import TokenId
from ..models import Market, TradingSignal
from ..money import round_down
from .decision import Basket, Decision
from .declaration import Declaration, Need, Parameter, Parameters
from .outcome_sets import Leg, OutcomeSet, Priced, outcome_sets, price_sets
from .signals import nothing, selling, taking
from .strategy import ReadingStrategy
from .surroundings import Holdings, Surroundings

_NOTHING = Decimal(0)
_LEAST_SHARES = Decimal("0.01")
_LEAST_ORDER_USD = Decimal(1)
_ASIDE = timedelta(minutes=10)


class ArbitrageStrategy(ReadingStrategy):
    """Looks for three kinds of sets: both outcomes of a market; the Noes of an event of which one market comes true at
    most; and the Yes of a question with the No of one that implies it.

    Legs are bought hardest to fill first. What a failed leg leaves is completed while the whole still pays, or sold.
    """

    declaration: ClassVar[Declaration] = Declaration(
        name="arbitrage",
        summary=(
            "Buys outcomes that together are sure to pay more than they cost with fees, as deep as the books are worth "
            "it: Yes and No of one market; No on every market of an event of which at most one comes true; Yes on a "
            "question and No on one that implies it (a nearer date, a higher threshold). Holds them to the end. What "
            "is sure is the arithmetic: a market that is voided, or rules that differ from what the questions say, "
            "can still lose."
        ),
        needs=frozenset({Need.BOOKS, Need.EVENTS}),
        parameters=(
            Parameter(
                name="least_profit",
                meaning="what a set must pay more than it costs with fees",
                default=Decimal("0.01"),
                low=Decimal("0.001"),
                high=Decimal("0.5"),
                unit="dollars a set",
            ),
            Parameter(
                name="largest_basket_usd",
                meaning="most that one basket costs",
                default=Decimal(100),
                low=Decimal(2),
                high=Decimal(100_000),
                unit="dollars",
            ),
        ),
        every=timedelta(seconds=10),
    )

    def __init__(self, surroundings: Surroundings, parameters: Parameters) -> None:
        super().__init__(surroundings, parameters)
        self._event_markets = surroundings.event_markets
        self._aside: dict[TokenId, datetime] = {}

    async def analyze_market(self, market: Market) -> TradingSignal:
        """Whether a set with this market pays. The signal is its leg here; only `decide` trades all of them."""
        decision = await self.decide([market])
        for basket in decision.baskets:
            for leg in basket.legs:
                if leg.market_id == market.condition_id:
                    return leg
        for signal in decision.signals:
            if signal.market_id == market.condition_id:
                return signal
        return nothing(
            market, market.outcomes[0], "no set with this market pays more than it costs", now=self._clock.now()
        )

    async def decide(self, markets: Sequence[Market]) -> Decision:
        now, holdings = self._clock.now(), await self._account.holdings()
        everything = await self._with_events(markets)
        books = {
            market.condition_id: book
            for market in everything
            if (book := await self._quotes.book(market.outcomes[0].token_id)) is not None
        }
        sets = list(outcome_sets(everything, books))
        # A set whose book cannot be read just now may still be whole.
        all_read = len(books) == len(everything)
        signals, mended = self._mend(sets, holdings, now, may_sell=all_read)
        cash = holdings.cash
        baskets: list[Basket] = []
        self._aside = {token_id: until for token_id, until in self._aside.items() if now < until}
        taken: set[TokenId] = {*mended, *self._aside}
        found = [(each, priced) for each in sets if (priced := self._priced(each, cash)) is not None]
        found.sort(key=lambda pair: (pair[0].payout - pair[1].cost) * pair[1].shares, reverse=True)
        for each, priced in found:
            tokens = {leg.outcome.token_id for leg in each.legs}
            if tokens & taken or priced.cost * priced.shares > cash:
                continue
            taken |= tokens
            cash -= priced.cost * priced.shares
            baskets.append(_basket(each, priced, now))
        return Decision(signals=signals, baskets=baskets)

    async def _with_events(self, markets: Sequence[Market]) -> list[Market]:
        """The markets, and the others of their events: a set is only as sure as it is whole."""
        found = {market.condition_id: market for market in markets}
        asked: set[str] = set()
        for market in markets:
            if market.neg_risk and market.event_slug not in asked:
                asked.add(market.event_slug)
                for each in await self._event_markets(market):
                    found.setdefault(each.condition_id, each)
        return [market for market in found.values() if market.tradable]

    def _priced(self, each: OutcomeSet, cash: Decimal) -> Priced | None:
        """As many sets as pay enough, and as the basket and the cash allow; None of too few to be an order."""
        most = min(self._parameters["largest_basket_usd"], cash)
        priced = price_sets(each, least_profit=self._parameters["least_profit"], most_usd=most)
        if priced is None:
            return None
        smallest = min(price * priced.shares for price in priced.average)
        return priced if smallest >= _LEAST_ORDER_USD else None

    def _mend(
        self, sets: Sequence[OutcomeSet], holdings: Holdings, now: datetime, *, may_sell: bool
    ) -> tuple[list[TradingSignal], set[TokenId]]:
        """Complete sets of which a leg is missing where that still pays, else sell what is left over of them.

        What belongs to a whole set is left alone, and what was sold is not bought again for a while: a leg that could
        not be had at this moment could not be had at the next one either.
        """
        spare = {token_id: holding.shares for token_id, holding in holdings.by_token.items()}
        concerned = [each for each in sets if any(spare.get(leg.outcome.token_id) for leg in each.legs)]
        for each in sorted(concerned, key=lambda each: -len(each.legs)):
            whole = min(spare.get(leg.outcome.token_id, _NOTHING) for leg in each.legs)
            for leg in each.legs if whole else ():
                spare[leg.outcome.token_id] -= whole
        signals: list[TradingSignal] = []
        touched: set[TokenId] = set()
        over = {
            leg.outcome.token_id: leg
            for each in concerned
            for leg in each.legs
            if spare.get(leg.outcome.token_id, _NOTHING) >= _LEAST_SHARES
        }
        for token_id, leg in over.items():
            if token_id in touched:
                continue
            completing = [
                found
                for each in concerned
                if leg in each.legs and (found := self._completing(each, spare, holdings, now)) is not None
            ]
            best = max(completing, key=lambda found: found[0].edge, default=None)
            touched.add(token_id)
            if best is not None:
                touched |= {signal.token_id for signal in best}
                signals += best
                continue
            if not may_sell:
                continue
            self._aside[token_id] = now + _ASIDE
            shares = min(spare[token_id], holdings.of(token_id).sellable)
            reason = "left over of a set whose other part costs too much now"
            signals.append(selling(leg.market, leg.outcome, leg.book, shares=shares, reason=reason, now=now))
        return signals, touched

    def _completing(
        self, each: OutcomeSet, spare: Mapping[TokenId, Decimal], holdings: Holdings, now: datetime
    ) -> list[TradingSignal] | None:
        """The purchases that make sets of what is left over, None where they would cost more than the sets pay."""
        # So many that no leg is bought beyond what completes the smallest of those that are there.
        there = [spare.get(leg.outcome.token_id, _NOTHING) for leg in each.legs]
        shares = round_down(min((size for size in there if size >= _LEAST_SHARES), default=_NOTHING), 2)
        missing = [leg for leg in each.legs if spare.get(leg.outcome.token_id, _NOTHING) < shares]
        paid = sum((_cost_a_share(holdings, leg) for leg in each.legs if leg not in missing), _NOTHING)
        rest = price_sets(
            OutcomeSet(tuple(missing), each.payout - paid, each.why),
            least_profit=_NOTHING,
            most_usd=holdings.cash,
            most_shares=shares,
        )
        if rest is None or rest.shares < shares or min(rest.average) * shares < _LEAST_ORDER_USD:
            return None
        return [
            taking(
                leg.market,
                leg.outcome,
                shares=shares,
                price=average,
                limit=worst,
                edge=each.payout - paid - rest.cost,
                reason=f"the missing part of a set: {each.why}",
                now=now,
            )
            for leg, worst, average in zip(missing, rest.worst, rest.average, strict=True)
        ]


def _basket(each: OutcomeSet, priced: Priced, now: datetime) -> Basket:
    profit = each.payout - priced.cost
    reason = f"{each.why}; a set costs {priced.cost:.4f} with fees and pays {each.payout}"
    legs = [
        (_depth(leg), taking(
            leg.market,
            leg.outcome,
            shares=priced.shares,
            price=average,
            limit=worst,
            edge=profit,
            reason=reason,
            now=now,
        ))
        for leg, worst, average in zip(each.legs, priced.worst, priced.average, strict=True)
    ]  # fmt: skip
    legs.sort(key=lambda pair: pair[0])
    return Basket(tuple(signal for _, signal in legs), round(priced.cost, 6), each.payout, reason, now)


def _depth(leg: Leg) -> Decimal:
    """Shares offered at the best price: of the thinnest leg it is least sure that it will fill."""
    return leg.book.best_ask.size if leg.book.best_ask is not None else _NOTHING


def _cost_a_share(holdings: Holdings, leg: Leg) -> Decimal:
    held = holdings.of(leg.outcome.token_id)
    return held.cost / held.shares if held.shares else _NOTHING
