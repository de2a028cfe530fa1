"""The embedded exchange's matching on one core: first the engine alone, then with trades and settlement around it.

An event is an order that comes to rest, a cancel, or an order that takes what is on the book (50, 40 and 10 of 100, as
most of what a real venue sees are quotes placed and taken back). The events are made beforehand from a seed, on one
market that charges takers, at 40 prices to each side of one half, and are the same for all runs. Nothing is signed and
nothing goes over a socket.

The engine checks every order's minimum and funds, matches it, charges the fee, reserves what rests and holds what has
matched. It runs on an empty book, and on one where 10,000 orders of others rest beyond those prices. The whole exchange
also makes trades, settles them at once, keeps the tape and the midpoint's history and tells its listeners, of which
there are none.
"""

from __future__ import annotations

import dataclasses
import random
import time
from decimal import Decimal

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.book import Order, OrderBook, OrderType, Side
from polydesk.core.exchange.catalogue import Catalogue, load_catalogue
from polydesk.core.exchange.engine import MatchingEngine
from polydesk.core.exchange.fees import TakerFee
from polydesk.core.exchange.ledger import Account
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.units import UNIT
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import MICRO, FeeSchedule

from .registry import Result

_EVENTS = 50_000
_ROUNDS = 5
_SEED = 11
_PLACES, _TAKES = 0.5, 0.1
_MIDDLE = UNIT // 2
_TICK = 10
_PRICES = 40
_CANCELLED_AMONG = 2000
"""How many of the latest uncancelled orders a cancel picks from; it may find its order filled, as at a venue."""

_RESTING = 10_000
_PLENTY = 10**9 * MICRO
_FEES = FeeSchedule(rate=Decimal("0.05"))

Script = list[tuple[Order, bool]]
"""Orders, and whether each enters (or is cancelled)."""


def run() -> Result:
    empty: list[float] = []
    full: list[float] = []
    whole: list[float] = []
    trades: set[str] = set()
    for _ in range(_ROUNDS):
        for seconds, resting in ((empty, 0), (full, _RESTING)):
            engine = MatchingEngine(OrderBook(), TakerFee(_FEES))
            maker, taker, others = (_rich(name) for name in ("maker", "taker", "others"))
            for order in _resting(others, resting):
                engine.enter(order)
            script = _script(maker, taker, condition_id="0x1", tokens=("1", "2"))
            started = time.perf_counter()
            _match(engine, script)
            seconds.append(time.perf_counter() - started)

        exchange = _exchange()
        listing = exchange.markets.listings[0]
        maker, taker = (_funded(exchange, name) for name in ("maker", "taker"))
        script = _script(maker, taker, condition_id=listing.condition_id, tokens=listing.tokens)
        started = time.perf_counter()
        _trade(exchange, script)
        whole.append(time.perf_counter() - started)
        trades = {trade_id for order, _ in script for trade_id in order.trade_ids}
    return Result(
        about=f"{_EVENTS:,} order events on one market, one core, the fastest of {_ROUNDS} rounds",
        ratios={
            f"time with {_RESTING:,} resting orders / empty book": min(full) / min(empty),
            "engine / whole exchange": min(whole) / min(empty),
        },
        measured={
            "engine, order events per second": _EVENTS / min(empty),
            f"engine with {_RESTING:,} resting orders, order events per second": _EVENTS / min(full),
            "whole exchange, order events per second": _EVENTS / min(whole),
            "trades that came of them": len(trades),
        },
    )


def _rich(name: str) -> Account:
    account = Account(name, cash=_PLENTY)
    for token in ("1", "2"):
        account.position(token).acquire(_PLENTY, cost=0, fee=0, at=0)
    return account


def _resting(account: Account, count: int) -> list[Order]:
    """Orders beyond the prices of the script, on both sides."""
    furthest = _MIDDLE // _TICK - 1 - _PRICES
    return [
        Order(
            id=f"0xf{number:063x}",
            account=account,
            condition_id="0x1",
            token_id="1",
            outcome=0,
            side="BUY" if number % 2 else "SELL",
            price=_MIDDLE + (-1 if number % 2 else 1) * (_PRICES + 1 + number // 2 % furthest) * _TICK,
            size=10 * MICRO,
            order_type="GTC",
            created_at_ms=0,
        )
        for number in range(count)
    ]


def _script(maker: Account, taker: Account, *, condition_id: str, tokens: tuple[str, str]) -> Script:
    generator = random.Random(_SEED)
    placed: list[Order] = []
    script: Script = []

    def order(account: Account, side: Side, price: int, order_type: OrderType) -> Order:
        return Order(
            id=f"0x{len(script):064x}",
            account=account,
            condition_id=condition_id,
            token_id=tokens[0],
            outcome=0,
            side=side,
            price=price,
            size=generator.randrange(5, 200) * MICRO,
            order_type=order_type,
            created_at_ms=0,
        )

    for _ in range(_EVENTS):
        kind = generator.random()
        buys = generator.random() < 0.5
        away = generator.randrange(1, _PRICES + 1) * _TICK
        if kind < _PLACES or not placed:
            placed.append(order(maker, "BUY" if buys else "SELL", _MIDDLE - away if buys else _MIDDLE + away, "GTC"))
            script.append((placed[-1], True))
        elif kind < _PLACES + _TAKES:
            furthest = _PRICES * _TICK
            price = _MIDDLE + furthest if buys else _MIDDLE - furthest
            script.append((order(taker, "BUY" if buys else "SELL", price, "GTC"), True))
        else:
            recent = min(len(placed), _CANCELLED_AMONG)
            script.append((placed.pop(-1 - generator.randrange(recent)), False))
    return script


def _match(engine: MatchingEngine, script: Script) -> None:
    for order, enters in script:
        if enters:
            engine.enter(order)
        elif order.open_size:
            engine.withdraw(order)


def _trade(exchange: Exchange, script: Script) -> None:
    for order, enters in script:
        if enters:
            exchange.trading.enter(order)
        elif order.open_size:
            exchange.trading.cancel(order)


def _exchange() -> Exchange:
    """One recorded market with an empty book, settling at once."""
    recorded = load_catalogue()
    market = next(each for each in recorded.markets if not each.gamma.get("closed"))
    catalogue = Catalogue(
        starts_at=recorded.starts_at,
        events=recorded.events,
        markets=(dataclasses.replace(market, bids=(), asks=()),),
        headlines=(),
    )
    settings = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0)
    return Exchange(catalogue, settings, ManualClock(recorded.starts_at))


def _funded(exchange: Exchange, name: str) -> Account:
    account = exchange.accounts.open_account(name)
    listing = exchange.markets.listings[0]
    exchange.ledger.deposit(account, 2 * _PLENTY)
    exchange.ledger.split(account, listing.condition_id, listing.tokens, _PLENTY, at=exchange.now_s)
    return account
