"""An account, read at a moment, as the gate weighs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..identifiers import OrderId, TokenId
from ..models import OpenOrder, Trade
from ..portfolio.account_state import AccountState
from ..portfolio.cash_flow import FeeOf
from ..risk.worst_case import Claim
from .account_claims import at_stake, equity, held_claims


@dataclass(frozen=True, slots=True)
class AccountView:
    """What an account means for the gate: it is worked out once for both of the gate's looks.

    `shown` are the orders that the account shows, as open or by their fills. `trades` are its fills, oldest first, and
    `prices` those of its positions. `at_stake` are its shares in markets that are not decided, by outcome.
    """

    open_orders: tuple[OpenOrder, ...]
    held: tuple[Claim, ...]
    at_stake: Mapping[TokenId, Decimal]
    equity: Decimal
    shown: frozenset[OrderId]
    trades: tuple[Trade, ...]
    prices: Mapping[TokenId, Decimal]
    fee_of: FeeOf
    read_at: datetime

    @classmethod
    def of(cls, account: AccountState, fee_of: FeeOf, *, now: datetime) -> AccountView:
        filled = (trade.order_id for trade in account.trades)
        return cls(
            open_orders=account.open_orders,
            held=tuple(held_claims(account, fee_of, now=now)),
            at_stake=at_stake(account, now=now),
            equity=equity(account, now=now),
            shown=frozenset([*(order.id for order in account.open_orders), *filled]),
            trades=account.trades,
            prices={
                position.token_id: position.current_price
                for position in account.positions
                if position.current_price is not None
            },
            fee_of=fee_of,
            read_at=account.read_at,
        )
