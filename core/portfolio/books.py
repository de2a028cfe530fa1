"""What an account's movements add up to: cash, holdings at average cost, and profit after fees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from ..identifiers import ConditionId, TokenId
from .cash_flow import CashFlow, FlowKind

_MICRO = Decimal("0.000001")


@dataclass(slots=True)
class Holding:
    """Shares of one outcome and the dollars they cost, fees included, by average cost.

    More may be sold than was ever seen to arrive: shares are then negative, and such shares cost nothing.
    """

    condition_id: ConditionId
    shares: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def acquire(self, shares: Decimal, cost: Decimal) -> None:
        self.shares += shares
        self.cost += cost

    def release(self, shares: Decimal) -> Decimal:
        """Take shares out; the dollars that these had cost, in whole millionths, so that nothing is lost."""
        if shares >= self.shares:
            cost = self.cost
        else:
            cost = (self.cost * shares / self.shares).quantize(_MICRO, rounding=ROUND_HALF_EVEN)
        self.shares -= shares
        self.cost -= cost
        return cost


@dataclass(slots=True)
class Books:
    """Dollars. `paid_in` is net of what was taken out, `realized` what sales, merges and redemptions brought over
    their cost, after all fees; `fees` are those paid so far and already part of cost or proceeds.

    At all times cash = paid_in + income + realized - the cost of what is held.
    """

    cash: Decimal = Decimal(0)
    paid_in: Decimal = Decimal(0)
    income: Decimal = Decimal(0)
    realized: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    holdings: dict[TokenId, Holding] = field(default_factory=dict)

    @property
    def cost(self) -> Decimal:
        """Dollars that went into what is still held."""
        return sum((holding.cost for holding in self.holdings.values()), Decimal(0))

    def shares(self) -> dict[TokenId, Decimal]:
        """Shares by outcome, without what is no longer held."""
        return {token_id: holding.shares for token_id, holding in self.holdings.items() if holding.shares}

    def unrealized(self, prices: Mapping[TokenId, Decimal]) -> Decimal:
        """What selling everything at these prices (dollars per share) would bring over its cost.

        Holdings without a price are left out.
        """
        held = [(holding, prices[token_id]) for token_id, holding in self.holdings.items() if token_id in prices]
        return sum((holding.shares * price - holding.cost for holding, price in held), Decimal(0))


def keep_books(flows: Iterable[CashFlow]) -> Books:
    """Book movements, oldest first."""
    books = Books()
    for flow in flows:
        books.cash += flow.cash
        books.fees += flow.fee
        match flow.kind:
            case FlowKind.TRANSFER:
                books.paid_in += flow.cash
            case FlowKind.INCOME:
                books.income += flow.cash
            case FlowKind.BUY | FlowKind.SPLIT:
                _acquire(books, flow)
            case FlowKind.SELL | FlowKind.MERGE:
                held = [_holding(books, flow, token_id) for token_id in flow.token_ids]
                books.realized += flow.cash - sum((each.release(-flow.shares) for each in held), Decimal(0))
            case FlowKind.REDEEM:
                held = [each for each in books.holdings.values() if each.condition_id == flow.condition_id]
                books.realized += flow.cash - sum((each.release(each.shares) for each in held), Decimal(0))
    return books


def _acquire(books: Books, flow: CashFlow) -> None:
    """Each outcome of a new set bears the same part of its dollar."""
    left = -flow.cash
    for behind, token_id in zip(reversed(range(len(flow.token_ids))), flow.token_ids, strict=True):
        cost = (left / (behind + 1)).quantize(_MICRO, rounding=ROUND_HALF_EVEN) if behind else left
        left -= cost
        _holding(books, flow, token_id).acquire(flow.shares, cost)


def _holding(books: Books, flow: CashFlow, token_id: TokenId) -> Holding:
    return books.holdings.setdefault(token_id, Holding(flow.condition_id))
