"""What the venue tells an account of its orders, markets and payments, for two days or until it is dropped."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from .book import Order
from .events import ExchangeEvent, MarketResolved, OrderChanged, TradeChanged, WalletActed
from .ledger import Account
from .ledger_schema import NOTIFICATIONS
from .listing import Listing
from .listing_objects import full_market
from .payloads import Json
from .trades import Trade
from .units import amount_text, price_text
from .venue import Exchange
from .wallet_activity import WalletAction

_KEPT_MS = 48 * 3_600_000
_MOST_KEPT = 1000


class NotificationKind(IntEnum):
    """The venue's numbers; comments, yields, combos and taker tiers do not exist here."""

    ORDER_CANCELLED = 1
    ORDER_FILLED = 2
    MARKET_RESOLVED = 4
    REWARD_PAYOUT = 5
    FILL_FAILED = 8
    AUTO_REDEEMED = 9


@dataclass(frozen=True, slots=True)
class Notification:
    id: int
    kind: NotificationKind
    owner: str
    payload: Json
    at_ms: int

    def as_json(self) -> Json:
        """As `GET /notifications` sends it; the time is unix seconds."""
        return {
            "id": self.id,
            "type": int(self.kind),
            "owner": self.owner,
            "payload": self.payload,
            "timestamp": self.at_ms // 1000,
        }


class Notifications:
    """Of all accounts of one exchange; each keeps its latest thousand."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._of: defaultdict[str, deque[Notification]] = defaultdict(deque)
        self._ids = itertools.count(1 + self._restore())
        exchange.events.subscribe(self._on_event, OrderChanged, TradeChanged, MarketResolved, WalletActed)

    def _restore(self) -> int:
        """Take over what former runs told, and give the highest number among it."""
        latest = 0
        for number, address, kind, owner, payload, at_ms in self._exchange.records.stored(NOTIFICATIONS):
            told = Notification(number, NotificationKind(kind), owner, json.loads(payload), at_ms)
            self._of[address].append(told)
            latest = max(latest, number)
        return latest

    def of(self, address: str) -> list[Notification]:
        """Those of the last two days, newest first."""
        since_ms = self._exchange.now_ms - _KEPT_MS
        return [each for each in reversed(self._of[address]) if each.at_ms > since_ms]

    def drop(self, address: str, ids: Collection[int]) -> None:
        """Forget those with the given ids; unknown ids change nothing."""
        with self._exchange.transaction():
            for each in [each for each in self._of[address] if each.id in ids]:
                self._forget(address, each)

    def _forget(self, address: str, told: Notification) -> None:
        self._of[address].remove(told)
        self._exchange.records.drop(NOTIFICATIONS, (told.id,))

    def _on_event(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged(kind="CANCELLATION") if event.order.owner:
                payload = self._order_payload(event.order, event.listing)
                self._add(event.order.account, NotificationKind.ORDER_CANCELLED, event.order.owner, payload)
            case TradeChanged() if event.trade.status in ("MINED", "FAILED"):
                self._traded(event.trade, event.listing)
            case MarketResolved():
                self._resolved(event.listing)
            case WalletActed() if event.action.kind == "REWARD":
                self._paid(event.action)
            case WalletActed() if event.action.kind == "REDEEM" and event.automatic:
                self._redeemed(event.action)

    def _traded(self, trade: Trade, listing: Listing) -> None:
        kind = NotificationKind.FILL_FAILED if trade.status == "FAILED" else NotificationKind.ORDER_FILLED
        for order, *_ in trade.parts():
            if order.owner:
                fill = {"transaction_hash": trade.transaction_hash, "trade_id": trade.id}
                self._add(order.account, kind, order.owner, self._order_payload(order, listing) | fill)

    def _resolved(self, listing: Listing) -> None:
        event = self._exchange.markets.event_of(listing)
        payload = {**full_market(listing, event), "eventSlug": event.get("slug", "")}
        for account in self._exchange.ledger.accounts.values():
            if any(account.shares(token) for token in listing.tokens):
                self._add(account, NotificationKind.MARKET_RESOLVED, "", payload)

    def _paid(self, action: WalletAction) -> None:
        payload = {
            "proxyWallet": action.account.address,
            "reward": amount_text(action.dollars),
            "txnHash": action.transaction_hash,
        }
        self._add(action.account, NotificationKind.REWARD_PAYOUT, "", payload)

    def _redeemed(self, action: WalletAction) -> None:
        listing = self._exchange.markets.by_condition[action.condition_id]
        gamma = listing.recorded.gamma
        payload = {
            "proxyWallet": action.account.address,
            "amount": amount_text(action.dollars),
            "conditionId": action.condition_id,
            "question": gamma.get("question", ""),
            "image": gamma.get("image", ""),
            "slug": gamma.get("slug", ""),
            "negRisk": listing.neg_risk,
            "txnHash": action.transaction_hash,
        }
        self._add(action.account, NotificationKind.AUTO_REDEEMED, "", payload)

    def _add(self, account: Account, kind: NotificationKind, owner: str, payload: Json) -> None:
        """Accounts without a key cannot ask, so nothing is kept for them."""
        keys = self._exchange.credentials.of(account.address)
        if not keys:
            return
        exchange, address = self._exchange, account.address
        made = Notification(next(self._ids), kind, owner or keys[0].api_key, payload, exchange.now_ms)
        told = self._of[address]
        while told and (len(told) == _MOST_KEPT or told[0].at_ms <= exchange.now_ms - _KEPT_MS):
            self._forget(address, told[0])
        told.append(made)
        exchange.records.keep(NOTIFICATIONS, (made.id, address, int(kind), made.owner, json.dumps(payload), made.at_ms))

    def _order_payload(self, order: Order, listing: Listing) -> Json:
        gamma, event = listing.recorded.gamma, self._exchange.markets.event_of(listing)
        series = event.get("series") or [{}]
        return {
            "asset_id": order.token_id,
            "market": order.condition_id,
            "order_id": order.id,
            "side": order.side,
            "type": order.order_type,
            "price": price_text(order.price),
            "original_size": amount_text(order.size),
            "matched_size": amount_text(order.filled),
            "remaining_size": amount_text(max(order.size - order.filled, 0)),
            "outcome": listing.outcomes[order.outcome],
            "outcome_index": order.outcome,
            "transaction_hash": "",
            "trade_id": "",
            "question": gamma.get("question", ""),
            "market_slug": gamma.get("slug", ""),
            "icon": gamma.get("icon", ""),
            "image": gamma.get("image", ""),
            "eventSlug": event.get("slug", ""),
            "seriesSlug": series[0].get("slug", ""),
        }
