"""How the desk stands at the moment of an order: what is held, what may still fill, what the day has brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from sqlalchemy import insert, select

from ..clock import Clock
from ..identifiers import OrderId, TokenId
from ..models import OrderSide, OrderStatus
from ..money import from_micro, to_micro
from ..risk.kill_switch import KillSwitch
from ..risk.mandate import Mandate, MandateState
from ..risk.proposal import DeskState
from ..risk.worst_case import Claim, worst_by_event, worst_by_market, worst_case
from ..storage.database import Database
from ..storage.schema import days
from .account_claims import event_of, open_claim, planned_claim
from .account_view import AccountView
from .journal import OrderJournal
from .order_plan import OrderPlan
from .order_record import OrderRecord
from .order_states import UNDER_WAY
from .position_journal import set_changes
from .run_standing import FILLS_LAG, run_state

_LISTING_LAG = timedelta(seconds=10)
"""For so long after an order came to rest the venue's list of open orders may not show it yet."""

_MICRO = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the account has at stake and has used of its limits.

    `worst_by_event` are dollars that can be lost at most, by neg-risk event and, of markets that stand alone, by
    condition id; `worst_of_a_market` is the most in any one market, `worst` the sum over events. `day_usd` is the worst
    cost of what was sent today (UTC), `day_loss_usd` what the account is worth less than when the day was first looked
    at, `minute_orders` how many orders were sent in the last minute.
    """

    worst_by_event: Mapping[str, Decimal]
    worst_of_a_market: Decimal
    worst: Decimal
    open_orders: int
    day_usd: Decimal
    day_loss_usd: Decimal
    minute_orders: int


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
        market, mandate = plan.intent.market, plan.intent.mandate
        sells = plan.ticket.token_id if plan.ticket.side is OrderSide.SELL else None
        under_way = self._under_way(account)
        claims = self._claims(account, under_way)
        worst = partial(worst_case, condition_id=market.condition_id, event=event_of(market))
        midnight = _midnight(now)
        return DeskState(
            halt=self._kill_switch.current(),
            open_orders=len(_resting(account, under_way)),
            unknown_orders=len(self._journal.unknown(market.condition_id)),
            exposure=worst([*claims, planned_claim(plan)]),
            exposure_before=worst(claims),
            day_usd=self._journal.sent_since(midnight)[1],
            minute_orders=self._journal.sent_since(now - timedelta(minutes=1))[0],
            day_loss_usd=self._day_loss(midnight, account.equity),
            region_refused_at=self.region_refused_at,
            run=self._run(mandate, account, under_way, sells=sells) if mandate else None,
        )

    def standing(self, account: AccountView) -> Standing:
        """How much of its limits the account uses, without any order in view. It holds no await."""
        now = self._clock.now()
        under_way = self._under_way(account)
        claims = self._claims(account, under_way)
        by_event = worst_by_event(claims)
        return Standing(
            worst_by_event=by_event,
            worst_of_a_market=max(worst_by_market(claims).values(), default=Decimal(0)),
            worst=sum(by_event.values(), Decimal(0)),
            open_orders=len(_resting(account, under_way)),
            day_usd=self._journal.sent_since(_midnight(now))[1],
            day_loss_usd=self._day_loss(_midnight(now), account.equity),
            minute_orders=self._journal.sent_since(now - timedelta(minutes=1))[0],
        )

    def _claims(self, account: AccountView, under_way: Sequence[OrderRecord]) -> list[Claim]:
        """What is held, what rests, and what may have taken effect without the account showing it."""
        placed = self._journal.by_orders([order.id for order in account.open_orders])
        return [
            *account.held,
            *(open_claim(order, placed.get(order.id)) for order in account.open_orders),
            *(planned_claim(record.plan) for record in under_way if record.plan is not None),
        ]

    def run(self, mandate: Mandate, account: AccountView) -> MandateState:
        """How a strategy's run stands, without any order in view. It holds no await."""
        return self._run(mandate, account, self._under_way(account), sells=None)

    def _run(
        self, mandate: Mandate, account: AccountView, under_way: Sequence[OrderRecord], *, sells: TokenId | None
    ) -> MandateState:
        order_ids = self._journal.order_ids_of_tokens(f"{mandate.run_id}/")
        return run_state(
            mandate,
            account,
            order_ids,
            on_their_way=under_way,
            sent_lately=[
                *self._may_trade(account),
                *self._journal.matched_since(self._clock.now() - FILLS_LAG),
            ]
            if sells
            else (),
            changes=set_changes(self._database, self._account) if order_ids else (),
            sells=sells,
        )

    def _under_way(self, account: AccountView) -> list[OrderRecord]:
        """Orders that may have taken effect without the account, as it was read, showing it."""
        sent = self._may_trade(account) + self._journal.matched_since(account.read_at)
        return [record for record in sent if record.order_id not in account.shown]

    def _may_trade(self, account: AccountView) -> list[OrderRecord]:
        """Orders on their way, and those that rest or have come to rest a moment ago."""
        lately = account.read_at - _LISTING_LAG
        resting = {order.id for order in account.open_orders}
        return [
            record
            for record in self._journal.in_state(*UNDER_WAY)
            # One that rested for a while and is listed no more has ended; a look at it will tell how.
            if record.status is not OrderStatus.LIVE or record.order_id in resting or record.updated_at >= lately
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


def _resting(account: AccountView, under_way: Sequence[OrderRecord]) -> set[OrderId]:
    """Orders that rest, or will once the venue has told of them."""
    listed = {order.id for order in account.open_orders}
    return listed | {
        record.order_id
        for record in under_way
        if record.order_id is not None and record.plan is not None and record.plan.ticket.time_in_force.rests
    }


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
