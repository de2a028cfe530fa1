"""What makers earn: liquidity rewards, sampled each minute, and shares of taker fees, both paid at the end of the day.

Rewards are the sponsors' money, which enters the exchange when it is paid; rebates come out of the fees it took. What
an account earned in a day is paid from a dollar on, by kind; less is not paid.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Literal

from ..clock import unix_ms
from ..money import MICRO, to_micro
from .book import Order
from .events import ExchangeEvent, OrderChanged, TradeChanged, WalletActed
from .ledger import Account
from .ledger_schema import EARNINGS
from .listing import Listing
from .rewards import programme_of, reward_shares
from .trades import Trade
from .units import price_decimal
from .venue import Exchange
from .wallet_activity import ActivityKind

_MINUTES_A_DAY = 1440
_SAMPLE_MS = 60_000
_Kind = Literal["reward", "made", "pool", "paid"]


@dataclass(slots=True)
class _Day:
    """What was earned on one day, in millionths of a dollar: by (account, condition), and by condition."""

    rewards: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    made: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    pools: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def rebates(self) -> dict[tuple[str, str], int]:
        """Each maker's part of a market's pool, by the fees its fills would have cost a taker."""
        totals: defaultdict[str, int] = defaultdict(int)
        for (_, condition_id), equivalent in self.made.items():
            totals[condition_id] += equivalent
        return {
            key: self.pools[key[1]] * equivalent // totals[key[1]]
            for key, equivalent in self.made.items()
            if equivalent
        }


class RewardPayments:
    """Earnings of all accounts of one exchange, by day (UTC)."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._days: defaultdict[date, _Day] = defaultdict(_Day)
        self._due: set[date] = set()
        self._sampling = False
        self._restore()
        exchange.events.subscribe(self._on_event, OrderChanged, TradeChanged)

    def _restore(self) -> None:
        """Go on from what former runs stored: days that were not paid are paid when they are over, at once if so."""
        paid = set()
        for text, kind, address, condition_id, amount in self._exchange.records.stored(EARNINGS):
            day = date.fromisoformat(text)
            earned = self._days[day]
            match kind:
                case "paid":
                    paid.add(day)
                case "pool":
                    earned.pools[condition_id] = amount
                case "made":
                    earned.made[address, condition_id] = amount
                case _:
                    earned.rewards[address, condition_id] = amount
        for day in self._days:
            if day in paid:
                self._due.add(day)
            else:
                self._pay_at_the_end_of(day)
        for order in self._exchange.registry.resting_orders():
            if order.owner:
                self._sample_from(self._exchange.markets.by_condition[order.condition_id])

    def _keep(self, day: date, kind: _Kind, address: str, condition_id: str, amount: int) -> None:
        self._exchange.records.keep(EARNINGS, (day.isoformat(), kind, address, condition_id, amount))

    def rewards(self, account: Account, day: date) -> dict[str, int]:
        """Liquidity rewards of a day by condition, in millionths of a dollar."""
        return _own(self._days[day].rewards, account)

    def rebates(self, account: Account, day: date) -> dict[str, int]:
        """Maker rebates of a day by condition, in millionths of a dollar."""
        return _own(self._days[day].rebates(), account)

    def _on_event(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged(kind="PLACEMENT") if event.order.owner:
                self._sample_from(event.listing)
            case TradeChanged() if event.trade.status == "MINED" and event.trade.fee:
                self._share_fee(event.trade, event.listing)

    def _sample_from(self, listing: Listing) -> None:
        """Begin to sample with the next minute, where orders of a market may score."""
        if not self._sampling and programme_of(listing) is not None:
            self._sampling = True
            self._exchange.agenda.at(self._next_sample_ms(), self._sample)

    def _next_sample_ms(self) -> int:
        return (self._exchange.now_ms // _SAMPLE_MS + 1) * _SAMPLE_MS

    def _sample(self) -> None:
        """Credit a minute of each programme to the accounts whose orders score now; go on while there are any."""
        day = self._today()
        resting: defaultdict[str, list[Order]] = defaultdict(list)
        for condition_id in {each.condition_id for each in self._exchange.registry.resting_orders() if each.owner}:
            self._exchange.markets.by_condition[condition_id].book.stand_for_all()
        for order in self._exchange.registry.resting_orders():
            resting[order.condition_id].append(order)
        self._sampling = False
        for condition_id, orders in resting.items():
            listing = self._exchange.markets.by_condition[condition_id]
            rate = _daily_rate(listing)
            clients = {order.account.address for order in orders if order.owner}
            if not rate or not clients:
                continue
            self._sampling = True
            for address, share in reward_shares(listing, orders).items():
                if address in clients:
                    rewards = self._days[day].rewards
                    rewards[address, condition_id] += int(rate * share * MICRO / _MINUTES_A_DAY)
                    self._keep(day, "reward", address, condition_id, rewards[address, condition_id])
                    self._pay_at_the_end_of(day)
        if self._sampling:
            self._exchange.agenda.at(self._next_sample_ms(), self._sample)

    def _share_fee(self, trade: Trade, listing: Listing) -> None:
        rebate = listing.fees.rebate_rate
        if not rebate:
            return
        day = self._today()
        earned = self._days[day]
        condition_id = listing.condition_id
        earned.pools[condition_id] += int(trade.fee * rebate)
        self._keep(day, "pool", "", condition_id, earned.pools[condition_id])
        for fill in trade.makers:
            equivalent = listing.fees.taker_fee(Decimal(fill.shares) / MICRO, price_decimal(fill.price))
            address = fill.order.account.address
            earned.made[address, condition_id] += to_micro(equivalent)
            self._keep(day, "made", address, condition_id, earned.made[address, condition_id])
        self._pay_at_the_end_of(day)

    def _pay_at_the_end_of(self, day: date) -> None:
        if day not in self._due:
            self._due.add(day)
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            self._exchange.agenda.at(unix_ms(midnight), partial(self._pay, day))

    def _pay(self, day: date) -> None:
        earned = self._days[day]
        for address, total in _totals(earned.rewards).items():
            self._credit(address, total, "REWARD")
        for address, total in _totals(earned.rebates()).items():
            self._credit(address, total, "MAKER_REBATE")
        self._keep(day, "paid", "", "", 0)

    def _credit(self, address: str, amount: int, kind: ActivityKind) -> None:
        exchange = self._exchange
        account = exchange.ledger.accounts[address]
        if amount < MICRO or not exchange.credentials.of(address):
            return
        if kind == "REWARD":
            exchange.ledger.pay_reward(account, amount)
        else:
            exchange.ledger.pay_rebate(account, amount)
        action = exchange.wallet_activity.add(
            account, kind, condition_id="", shares=0, dollars=amount, at_ms=exchange.now_ms
        )
        exchange.events.publish(WalletActed(action))

    def _today(self) -> date:
        return self._exchange.clock.now().astimezone(UTC).date()


def _daily_rate(listing: Listing) -> Decimal:
    programme = programme_of(listing)
    if programme is None or listing.closed:
        return Decimal(0)
    return sum((Decimal(str(rate.get("rewardsDailyRate", 0))) for rate in programme.rates), Decimal(0))


def _own(earned: dict[tuple[str, str], int], account: Account) -> dict[str, int]:
    return {condition_id: amount for (address, condition_id), amount in earned.items() if address == account.address}


def _totals(earned: dict[tuple[str, str], int]) -> dict[str, int]:
    totals: defaultdict[str, int] = defaultdict(int)
    for (address, _), amount in earned.items():
        totals[address] += amount
    return totals
