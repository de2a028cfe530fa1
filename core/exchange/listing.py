"""One market as the exchange lives it: its rules, its book, and what has become of its recording."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..money import FeeSchedule, to_micro
from .book import OrderBook, Side
from .catalogue import RecordedMarket
from .engine import MatchingEngine
from .fees import TakerFee
from .history import MidpointHistory
from .units import UNIT, price_decimal, price_units

_FINE_TICK = 10
_FINE_TICK_ABOVE = 9600
_FINE_TICK_BELOW = 400
"""A book on the 0.01 tick moves to 0.001 once its price is above 0.96 or below 0.04."""


@dataclass(frozen=True, slots=True)
class LastTrade:
    """The latest trade of a market, as its taker saw it. `price` in price units."""

    outcome: int
    price: int
    side: Side


class Listing:
    """A market that is, or was, traded here.

    `seconds_delay` is how long marketable orders of a sports market wait, `taker_delay` says whether those of a fast
    price market do. `tick` is in price units, `min_size` in millionths of a share, `volume` the dollars (millionths)
    traded here. `winner` is the index of the winning outcome after a resolution here or in the recording, None while
    open or after a split payout; `oracle_steps` are what the oracle did with the market here: proposed, disputed,
    resolved. The tick of a `mirrored` market changes when the market that it follows says so.
    """

    def __init__(self, recorded: RecordedMarket) -> None:
        gamma = recorded.gamma
        tokens: list[str] = json.loads(gamma["clobTokenIds"])
        outcomes: list[str] = json.loads(gamma["outcomes"])
        self.recorded = recorded
        self.gamma_id: str = str(gamma["id"])
        self.condition_id: str = gamma["conditionId"]
        self.tokens: tuple[str, str] = (tokens[0], tokens[1])
        self.outcomes: tuple[str, str] = (outcomes[0], outcomes[1])
        self.closed: bool = bool(gamma.get("closed", False))
        self.take_terms(recorded)
        self.winner = _recorded_winner(gamma) if self.closed else None
        self.resolved_here = False
        self.oracle_steps: list[str] = []
        self.mirrored = False
        self.book = OrderBook()
        self.taker_fee = TakerFee(self.fees)
        self.engine = MatchingEngine(self.book, self.taker_fee)
        self.history = MidpointHistory(recorded.history)
        self.volume = 0
        self.changed_at_ms: int | None = None
        self._last_price = Decimal(json.loads(gamma.get("outcomePrices") or '["0.5", "0.5"]')[0])
        self.last_trade: LastTrade | None = None
        if recorded.last_trade_price is not None:
            self.last_trade = LastTrade(0, price_units(recorded.last_trade_price), "BUY")

    def take_terms(self, recorded: RecordedMarket) -> None:
        """Let what a market now says of itself hold for orders from here on."""
        gamma, clob = recorded.gamma, recorded.clob
        self.recorded = recorded
        self.neg_risk: bool = bool(clob.get("nr", gamma.get("negRisk", False)))
        self.tick = price_units(_decimal(clob.get("mts", gamma.get("orderPriceMinTickSize"))))
        self.min_size = to_micro(_decimal(clob.get("mos", gamma.get("orderMinSize", 5))))
        self.fees = _fees(clob, gamma)
        self.seconds_delay = float(clob.get("sd") or gamma.get("secondsDelay") or 0)
        self.taker_delay = bool(clob.get("itode", False))
        self.accepting_orders: bool = not self.closed and bool(gamma.get("acceptingOrders", True))

    def remember_price(self, price: Decimal) -> None:
        """What a share of the first outcome counted for when it was last known, for as long as no book tells."""
        self._last_price = price

    def outcome_of(self, token_id: str) -> int:
        return self.tokens.index(token_id)

    @property
    def tick_decimal(self) -> Decimal:
        return price_decimal(self.tick)

    @property
    def midpoint(self) -> Decimal | None:
        """Of the first outcome, None while a side is empty."""
        bid, ask = self.book.bids.best, self.book.asks.best
        return None if bid is None or ask is None else Decimal(bid + ask) / (2 * UNIT)

    @property
    def prices(self) -> tuple[Decimal, Decimal]:
        """What a share of each outcome counts for: its payout once resolved, else the (last) midpoint."""
        if self.resolved_here:
            first = Decimal("0.5") if self.winner is None else Decimal(1 - self.winner)
        else:
            midpoint = None if self.closed else self.midpoint
            first = self._last_price if midpoint is None else midpoint
        return first, 1 - first

    def note_change(self, now_ms: int, *, best_changed: bool) -> int | None:
        """Keep what follows from a change of the book: when it was, the midpoint's history, and a finer tick where the
        price calls for it. The former tick when that happened.
        """
        self.changed_at_ms = now_ms
        if not best_changed or (midpoint := self.midpoint) is None:
            return None
        self._last_price = midpoint
        self.history.add(now_ms // 1000, midpoint)
        if self.mirrored or self.tick != UNIT // 100 or _FINE_TICK_BELOW <= midpoint * UNIT <= _FINE_TICK_ABOVE:
            return None
        former, self.tick = self.tick, _FINE_TICK
        return former


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value))


def _fees(clob: Any, gamma: Any) -> FeeSchedule:
    """The schedule that is charged. The compact object has it under `fd`, the catalogue under `feeSchedule`."""
    schedule = gamma.get("feeSchedule") or {}
    compact = clob.get("fd")
    if compact:
        return FeeSchedule(
            rate=_decimal(compact["r"]),
            exponent=int(compact.get("e", 1)),
            taker_only=bool(compact.get("to", True)),
            rebate_rate=_decimal(schedule.get("rebateRate", 0)),
        )
    if not schedule or not gamma.get("feesEnabled", True):
        return FeeSchedule()
    return FeeSchedule(
        rate=_decimal(schedule.get("rate", 0)),
        exponent=int(schedule.get("exponent", 1)),
        taker_only=bool(schedule.get("takerOnly", True)),
        rebate_rate=_decimal(schedule.get("rebateRate", 0)),
    )


def _recorded_winner(gamma: Any) -> int | None:
    prices = [Decimal(price) for price in json.loads(gamma.get("outcomePrices") or "[]")]
    return prices.index(Decimal(1)) if Decimal(1) in prices else None
