"""An account's profit as its cash flows tell it, held against the balances that the venue shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ..identifiers import ConditionId, TokenId
from ..models import Position, Trade
from ..polymarket.wire.data_api import Activity
from ..venues.venue import Venue
from .books import Books, keep_books
from .cash_flow import CashFlows, FeeOf, flows_of, sets_in

ReadActivity = Callable[[], Awaitable[Sequence[Activity]]]
"""Everything in the public record of the account."""

TokensOf = Callable[[ConditionId], Awaitable[tuple[TokenId, ...]]]
"""The outcomes of a market."""

LOOKS = 3
"""How often balances are read again because a trade settled meanwhile."""


@dataclass(frozen=True, slots=True)
class ShareDifference:
    """Shares of one outcome: what the flows say should be there, and what the venue shows."""

    token_id: TokenId
    expected: Decimal
    at_venue: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """Dollars. The profits count confirmed trades only; the expected balances count what the venue shows as well.

    `unrealized` is at present prices and after entry fees; holdings without a price are left out of it.
    """

    paid_in: Decimal
    income: Decimal
    realized: Decimal
    unrealized: Decimal
    fees: Decimal
    expected_cash: Decimal
    venue_cash: Decimal
    shares: tuple[ShareDifference, ...]
    not_indexed: int
    not_counted: tuple[str, ...]

    @property
    def cash_difference(self) -> Decimal:
        """How much more the venue shows than is expected."""
        return self.venue_cash - self.expected_cash

    @property
    def ties(self) -> bool:
        return not self.cash_difference and not self.shares

    @property
    def may_be(self) -> tuple[str, ...]:
        """What a difference may come from, the likeliest first; empty when there is none."""
        if self.ties:
            return ()
        causes = []
        if self.not_indexed:
            causes.append(f"{self.not_indexed} trades are not in the public record yet and counted at price x size")
        if self.not_counted:
            causes.append(f"records of these kinds are not counted: {', '.join(self.not_counted)}")
        if self.cash_difference > 0:
            causes.append("a deposit, reward or redemption that the public record does not show yet")
        if self.cash_difference < 0:
            causes.append("a withdrawal or split that the public record does not show yet")
        if self.shares:
            causes.append("shares sent to or from another wallet, or a split, merge or redemption not shown yet")
        return tuple(causes)


async def read_statement(venue: Venue, *, activity: ReadActivity, tokens_of: TokensOf, fee_of: FeeOf) -> Statement:
    """Read fills, balances and the public record, and hold them against each other.

    Raises what the venue's reads raise.
    """
    for _ in range(LOOKS):
        before = await venue.trades()
        balance, positions, record = await asyncio.gather(venue.balance(), venue.positions(), activity())
        trades = await venue.trades()
        if shown_by_balances(before) == shown_by_balances(trades):
            break
    conditions = sorted(sets_in(record))
    outcomes = await asyncio.gather(*(tokens_of(each) for each in conditions))
    flows = flows_of(trades, record, fee_of=fee_of, tokens_of=dict(zip(conditions, outcomes, strict=True)))
    delivered = keep_books(flow for flow in flows.items if flow.delivered)
    prices = {each.token_id: each.current_price for each in positions if each.current_price is not None}
    final = keep_books(flow for flow in flows.items if flow.final)
    return _statement(
        final, delivered, flows, prices, balance.collateral, await _differences(venue, delivered, positions)
    )


def shown_by_balances(trades: Sequence[Trade]) -> set[tuple[str, str]]:
    """The fills that the balances show."""
    return {(trade.id, trade.order_id) for trade in trades if not trade.status.undelivered}


def _statement(
    final: Books,
    delivered: Books,
    flows: CashFlows,
    prices: dict[TokenId, Decimal],
    venue_cash: Decimal,
    shares: tuple[ShareDifference, ...],
) -> Statement:
    return Statement(
        paid_in=final.paid_in,
        income=final.income,
        realized=final.realized,
        unrealized=final.unrealized(prices),
        fees=final.fees,
        expected_cash=delivered.cash,
        venue_cash=venue_cash,
        shares=shares,
        not_indexed=flows.inexact,
        not_counted=flows.not_counted,
    )


async def _differences(venue: Venue, books: Books, positions: Sequence[Position]) -> tuple[ShareDifference, ...]:
    """Outcomes whose shares are not as expected. The public record lags, so the venue's own balance decides."""
    expected = books.shares()
    public = {each.token_id: each.size for each in positions if each.size}
    doubtful = sorted(each for each in expected | public if expected.get(each, 0) != public.get(each, 0))
    balances = await asyncio.gather(*(venue.token_balance(token_id) for token_id in doubtful))
    return tuple(
        ShareDifference(token_id, expected.get(token_id, Decimal(0)), at_venue)
        for token_id, at_venue in zip(doubtful, balances, strict=True)
        if at_venue != expected.get(token_id, Decimal(0))
    )
