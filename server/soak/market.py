"""The venue's side of a soak: an exchange full of faults, somebody to trade with, and an eye on the limits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from ...core.clock import Clock
from ...core.exchange.catalogue import load_catalogue
from ...core.exchange.events import BookChanged, ExchangeEvent, OrderChanged
from ...core.exchange.faults import FaultPlan
from ...core.exchange.ledger import Account
from ...core.exchange.rejections import Rejection
from ...core.exchange.seeding import house_account, house_order
from ...core.exchange.settings import ExchangeSettings
from ...core.exchange.venue import Exchange
from ...core.identifiers import ConditionId, TokenId
from ...core.money import MICRO, from_micro
from ...core.risk.worst_case import Claim, worst_case

ORDER, READS = "/clob/order", "/clob/*"
_FLOW_EVERY_S = 0.05


def faults(seed: int) -> FaultPlan:
    """Everything that happens to requests and frames of a soak, at rates that leave most of them alone."""

    def rare(kind: str, probability: float, number: int, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "probability": probability, "seed": seed * 100 + number} | more

    order = {"route": ORDER, "method": "POST"}
    cancel_only = "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed."
    rules = [
        rare("reset_before_read", 0.008, 1, **order),
        rare("reset_after_read", 0.010, 2, **order),
        rare("slow_body", 0.003, 3, delay_s=0.5, pieces=20, **order),
        rare("invalid_json", 0.005, 4, **order),
        rare("html_error", 0.004, 5, **order),
        rare("status", 0.010, 6, status=425, body={"error": "service not ready"}, **order),
        rare("status", 0.006, 7, status=503, body={"error": cancel_only}, **order),
        rare("status", 0.004, 8, status=500, body={"error": "internal error"}, **order),
        rare("rate_limited", 0.006, 9, retry_after=1, **order),
        rare("reset_before_read", 0.001, 10, route=READS, method="GET"),
        rare("reset_after_read", 0.010, 11, route=READS, method="DELETE"),
        rare("duplicate", 0.02, 12, route="/ws/user"),
        rare("reorder", 0.02, 13, route="/ws/user"),
        rare("truncate", 0.005, 14, route="/ws/user"),
        rare("freeze", 0.0005, 15, route="/ws/user"),
    ]
    return FaultPlan.model_validate({"rules": rules})


@dataclass(slots=True)
class Watch:
    """What must never happen to the account of a soak, seen from the venue. `posts` counts orders by their hash."""

    most_open: int
    most_exposed: Decimal
    exceeded: int = 0
    placed: set[str] = field(default_factory=set)
    posts: Counter[str] = field(default_factory=Counter)
    seen: Callable[[], None] = lambda: None


class SoakMarket:
    """An exchange on a seed, with the faults of that seed, on which a soak's account trades."""

    def __init__(self, seed: int, clock: Clock, watch: Watch) -> None:
        self.watch = watch
        self.exchange = Exchange(
            load_catalogue(),
            ExchangeSettings(
                seed=seed,
                starting_balance=Decimal(100_000),
                simulated_traders=False,
                mined_after_s=0.2,
                confirmed_after_s=0.3,
                settlement_retry_probability=0.02,
                settlement_failure_probability=0.5,
                retried_after_s=0.3,
                faults=faults(seed),
            ),
            clock,
        )
        self._random = Random(f"soak flow {seed}")
        self._house = house_account(self.exchange, "soak")
        self._events = {
            listing.condition_id: listing.recorded.event_id if listing.neg_risk else ""
            for listing in self.exchange.markets.listings
        }
        self._first = {listing.tokens[0]: True for listing in self.exchange.markets.listings}
        self._condition = {
            token: listing.condition_id for listing in self.exchange.markets.listings for token in listing.tokens
        }
        self._account: Account | None = None
        self.exchange.events.subscribe(self._noted)

    @property
    def account(self) -> Account | None:
        """The account of the desk, once it has placed an order."""
        return self._account

    def watching(self) -> Middleware:
        """Counts the orders that reach the venue, whatever it then says to them."""
        return Middleware(_OrderPosts, seen=self.watch.seen)

    async def flow(self) -> None:
        """Somebody takes from the book and puts back, so that resting orders fill and there is always a price."""
        while True:
            await asyncio.sleep(_FLOW_EVERY_S)
            listing = self._random.choice([each for each in self.exchange.markets.listings if not each.closed])
            bid, ask = listing.book.best_for(0)
            is_bid = self._random.random() < 0.5
            best = (ask if is_bid else bid) or 5000
            reach = self._random.randrange(0, 6) * listing.tick * (1 if is_bid else -1)
            price = min(max(best + reach, listing.tick), 10_000 - listing.tick)
            try:
                self.exchange.trading.enter(
                    house_order(
                        self.exchange,
                        self._house,
                        listing,
                        is_bid=is_bid,
                        book_price=price,
                        size=self._random.randrange(5, 60) * MICRO,
                        mirrored=self._random.random() < 0.5,
                    )
                )
            except Rejection:
                continue  # too small to take at that price

    def _noted(self, event: ExchangeEvent) -> None:
        if isinstance(event, OrderChanged) and event.kind == "PLACEMENT" and not event.order.account.is_house:
            self.watch.placed.add(event.order.id)
            self._account = event.order.account
        account = self._account
        if account is None or not isinstance(event, BookChanged):
            return  # only now is a placed order on the book
        many = len(self.exchange.registry.open_orders(account)) > self.watch.most_open
        if many or self._exposure(account) > self.watch.most_exposed:
            self.watch.exceeded += 1

    def _exposure(self, account: Account) -> Decimal:
        """What the account could lose, by the venue's own books."""
        claims = [
            self._claim(token, position.size, position.cost + position.entry_fees, held=True)
            for token, position in account.positions.items()
            if position.size
        ]
        for order in self.exchange.registry.open_orders(account):
            sign = 1 if order.side == "BUY" else -1
            dollars = order.open_size * order.price // 10_000
            claims.append(self._claim(order.token_id, sign * order.open_size, sign * dollars, held=False))
        return worst_case(claims, condition_id=ConditionId(""), event="").total

    def _claim(self, token: str, shares: int, cost: int, *, held: bool) -> Claim:
        condition_id = self._condition[token]
        return Claim(
            condition_id=ConditionId(condition_id),
            token_id=TokenId(token),
            event=self._events[condition_id],
            first_outcome=token in self._first,
            shares=from_micro(shares),
            cost=from_micro(cost),
            held=held,
        )


class _OrderPosts:
    """ASGI middleware that tells of each order that has reached the venue's routes."""

    def __init__(self, app: ASGIApp, *, seen: Callable[[], None]) -> None:
        self._app = app
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", ORDER):
            self._seen()
        await self._app(scope, receive, send)
