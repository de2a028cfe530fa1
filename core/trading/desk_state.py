"""How the desk stands at the moment of an order: what is held, what may still fill, what the day has brought."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import insert, select

from ..clock import Clock
from ..identifiers import OrderId, TokenId
from ..models import Market, OpenOrder, OrderSide, OrderStatus, Position, Trade, TradeStatus
from ..money import from_micro, to_micro
from ..portfolio.account_state import AccountState
from ..portfolio.cash_flow import FeeOf
from ..risk.kill_switch import KillSwitch
from ..risk.mandate import Mandate, MandateState
from ..risk.proposal import DeskState
from ..risk.worst_case import Claim, worst_case
from ..storage.database import Database
from ..storage.schema import days
from .journal import OrderJournal
from .order_plan import OrderPlan
from .order_record import OrderRecord
from .order_states import UNDER_WAY
from .run_ledger import cash_brought, fills_of_orders, holdings_of, resting_cost, tied_up

_POSITIONS_LAG = timedelta(minutes=2)
"""For so long after a trade the venue's list of positions may not show it yet."""

_LISTING_LAG = timedelta(seconds=10)
"""For so long after an order came to rest the venue's list of open orders may not show it yet."""

_MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class AccountView:
    """What an account, read at a moment, means for the gate: it is worked out once for both of the gate's looks.

    `shown` are the orders that the account shows, as open or by their fills. `trades` are its fills, oldest first, and
    `prices` those of its positions.
    """

    open_orders: tuple[OpenOrder, ...]
    held: tuple[Claim, ...]
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


class DeskStates:
    """Adds up the state of the desk from the account, as the venue tells it, and the journal."""

    def __init__(
        self, database: Database, journal: OrderJournal, kill_switch: KillSwitch, clock: Clock, *, account: str
    ) -> None:
        self._database = database
        self._journal = journal
        self._kill_switch = kill_switch
        self._clock = clock
        self._account = account
        self.region_refused_at: datetime | None = None

    def of(self, plan: OrderPlan, account: AccountView) -> DeskState:
        """The state with the order's own worst case in it. It holds no await."""
        now = self._clock.now()
        market = plan.intent.market
        under_way = self._under_way(account)
        placed = self._journal.by_orders([order.id for order in account.open_orders])
        claims = [
            *account.held,
            *(_open_claim(order, placed.get(order.id)) for order in account.open_orders),
            *(_planned_claim(record.plan) for record in under_way if record.plan is not None),
        ]
        worst = partial(worst_case, condition_id=market.condition_id, event=_event_of(market))
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        resting = {order.id for order in account.open_orders}
        resting |= {
            record.order_id
            for record in under_way
            if record.order_id is not None and record.plan is not None and record.plan.ticket.time_in_force.rests
        }
        return DeskState(
            halt=self._kill_switch.current(),
            open_orders=len(resting),
            unknown_orders=len(self._journal.unknown(market.condition_id)),
            exposure=worst([*claims, _planned_claim(plan)]),
            exposure_before=worst(claims),
            day_usd=self._journal.sent_since(midnight)[1],
            minute_orders=self._journal.sent_since(now - timedelta(minutes=1))[0],
            day_loss_usd=self._day_loss(midnight, account.equity),
            region_refused_at=self.region_refused_at,
            run=self._run(plan.intent.mandate, account, under_way) if plan.intent.mandate else None,
        )

    def _run(self, mandate: Mandate, account: AccountView, under_way: Sequence[OrderRecord]) -> MandateState:
        """How the run stands that wants the order; purchases on their way count as what they may cost."""
        order_ids = self._journal.order_ids_of_tokens(f"{mandate.run_id}/")
        fills = fills_of_orders(account.trades, order_ids)
        held = holdings_of(fills, account.fee_of)
        on_their_way = sum(
            (each.plan.worst_cost for each in under_way if each.plan is not None and each.order_id in order_ids),
            Decimal(0),
        )
        profit = cash_brought(fills, account.fee_of)
        for token_id, holding in held.items():
            price = account.prices.get(token_id)
            if price is None:
                # The venue lists a position some time after its fills: what was bought just now is no loss.
                price = _last_price(fills, token_id) or holding.cost / holding.shares
            profit += holding.shares * price
        return MandateState(
            mandate=mandate,
            tied_up_usd=tied_up(held) + resting_cost(account.open_orders, order_ids) + on_their_way,
            profit_usd=profit,
        )

    def _under_way(self, account: AccountView) -> list[OrderRecord]:
        """Orders that may have taken effect without the account, as it was read, showing it."""
        sent = self._journal.in_state(*UNDER_WAY) + self._journal.matched_since(account.read_at)
        lately = account.read_at - _LISTING_LAG
        return [
            record
            for record in sent
            if record.order_id not in account.shown
            # One that rested for a while and is listed no more has ended; a look at it will tell how.
            and (record.status is not OrderStatus.LIVE or record.updated_at >= lately)
        ]

    def _day_loss(self, midnight: datetime, worth: Decimal) -> Decimal:
        """Dollars the account is worth less than when it was first looked at today; money moved in hides a loss."""
        day = midnight.date().isoformat()
        of_today = select(days.c.equity).where(days.c.account == self._account, days.c.day == day)
        with self._database.reading() as connection:
            began = connection.execute(of_today).scalar()
        if began is None:
            with self._database.writing() as connection:
                if connection.execute(of_today).scalar() is None:  # another process may have been first
                    equity = to_micro(worth.quantize(_MICRO))
                    connection.execute(insert(days).values(account=self._account, day=day, equity=equity))
            return Decimal(0)
        return max(from_micro(began) - worth, Decimal(0))


def held_claims(account: AccountState, fee_of: FeeOf, *, now: datetime) -> list[Claim]:
    """What the account holds or has bought. Of resolved markets nothing can be lost any more."""
    claims = []
    positions = {position.token_id: position for position in account.positions}
    fills = _fills_of_late(account, now=now)
    for token_id, shares in _held_shares(account, fills).items():
        position = positions.get(token_id)
        if not shares or (position is not None and position.status not in ("", "OPEN")):
            continue
        if position is not None and position.size >= shares:
            claims.append(_held_claim(position, shares, position.cost + position.fees))
            continue
        cost = _cost(position, fills[token_id], shares, fee_of)
        claims.append(_held_claim(position or fills[token_id][0], shares, cost))
    return claims


def _held_claim(known_by: Position | Trade, shares: Decimal, cost: Decimal) -> Claim:
    """Shares that are held; of those known by a fill alone, the event is not known either."""
    if isinstance(known_by, Position):
        condition_id, event = known_by.condition_id, known_by.event_slug if known_by.neg_risk else ""
    else:
        condition_id, event = known_by.market_id, ""
    return Claim(
        condition_id=condition_id,
        token_id=known_by.token_id,
        event=event,
        first_outcome=_is_first(known_by.outcome),
        shares=shares,
        cost=cost,
        held=True,
    )


def equity(account: AccountState, *, now: datetime) -> Decimal:
    """Cash and shares at the venue's current prices, what is bought and not delivered at what it costs."""
    prices = {position.token_id: position.current_price for position in account.positions}
    worth = account.cash
    for token_id, shares in _held_shares(account, _fills_of_late(account, now=now), delivered_only=True).items():
        price = prices.get(token_id)
        if price is None:
            price = _last_price(account.trades, token_id)
        worth += shares * price
    return worth


def _last_price(trades: Sequence[Trade], token_id: TokenId) -> Decimal:
    """Of the newest delivered fill of an outcome; 0 where there is none."""
    delivered = (each for each in reversed(trades) if each.token_id == token_id and not each.status.undelivered)
    last = next(delivered, None)
    return last.price if last else Decimal(0)


def _fills_of_late(account: AccountState, *, now: datetime) -> dict[TokenId, list[Trade]]:
    """All fills, those that failed aside, of each outcome that was traded so lately that its position may lag."""
    lately = now - _POSITIONS_LAG
    newest_first = itertools.takewhile(lambda trade: trade.timestamp > lately, reversed(account.trades))
    fills: dict[TokenId, list[Trade]] = {trade.token_id: [] for trade in (*newest_first, *account.undelivered)}
    for trade in account.trades:
        if trade.token_id in fills and trade.status is not TradeStatus.FAILED:
            fills[trade.token_id].append(trade)
    return fills


def _held_shares(
    account: AccountState, fills_of_late: Mapping[TokenId, Sequence[Trade]], *, delivered_only: bool = False
) -> dict[TokenId, Decimal]:
    """Shares by outcome: those of the position list, or those of the trades where it lags behind them."""
    shares = {position.token_id: position.size for position in account.positions}
    for token_id, fills in fills_of_late.items():
        net = sum(
            (
                fill.size if fill.side is OrderSide.BUY else -fill.size
                for fill in fills
                if not (delivered_only and fill.status.undelivered)
            ),
            Decimal(0),
        )
        shares[token_id] = max(shares.get(token_id, Decimal(0)), net)
    return shares


def _cost(position: Position | None, fills: Sequence[Trade], shares: Decimal, fee_of: FeeOf) -> Decimal:
    """What the shares cost with fees; those beyond the position at the average of the purchases."""
    bought = [each for each in fills if each.side is OrderSide.BUY]
    size = sum((each.size for each in bought), Decimal(0))
    paid = sum((each.size * each.price + fee_of(each) for each in bought), Decimal(0))
    known = position.cost + position.fees if position else Decimal(0)
    beyond = shares - (position.size if position else Decimal(0))
    return known + (paid / size * beyond if size else beyond)


def _open_claim(order: OpenOrder, record: OrderRecord | None) -> Claim:
    left = order.original_size - order.size_matched
    market = record.intent.market if record else None
    fee = market.fees.taker_fee(left, order.price) if market else Decimal(0)
    sign = 1 if order.side is OrderSide.BUY else -1
    return Claim(
        condition_id=order.condition_id,
        token_id=order.token_id,
        event=_event_of(market) if market else "",
        first_outcome=_is_first(order.outcome),
        shares=sign * left,
        cost=sign * left * order.price + fee,
        held=False,
    )


def _planned_claim(plan: OrderPlan) -> Claim:
    market, outcome, ticket = plan.intent.market, plan.intent.outcome, plan.ticket
    buys = ticket.side is OrderSide.BUY
    fee = market.fees.taker_fee(ticket.shares, ticket.price)
    return Claim(
        condition_id=market.condition_id,
        token_id=outcome.token_id,
        event=_event_of(market),
        first_outcome=market.outcomes[0].token_id == outcome.token_id,
        shares=ticket.shares if buys else -ticket.shares,
        cost=plan.worst_cost if buys else fee - ticket.shares * ticket.price,
        held=False,
    )


def _event_of(market: Market) -> str:
    """The event whose markets exclude each other; a market that stands alone has none."""
    return market.event_slug if market.neg_risk else ""


def _is_first(outcome: str) -> bool:
    """Markets of neg-risk events are all of Yes and No, Yes first."""
    return outcome.casefold() == "yes"
