"""How the recorded books come to rest: as orders of house accounts with funds of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from ..money import MICRO, to_micro
from .accounts import Accounts
from .book import Order, OrderType, Side
from .ledger import Account, Ledger
from .listing import Listing
from .markets import Markets
from .rejections import Rejection
from .settings import ExchangeSettings
from .trading import Trading
from .units import UNIT, price_units

HOUSE = "house"
_HOUSE_DOLLARS = 10**12
_HOUSE_SETS = 50_000_000


class MarketPlace(Protocol):
    """The part of the exchange that house accounts trade on."""

    settings: ExchangeSettings
    ledger: Ledger
    accounts: Accounts
    markets: Markets
    trading: Trading

    @property
    def house_numbers(self) -> Iterator[int]: ...

    @property
    def now_s(self) -> int: ...

    @property
    def now_ms(self) -> int: ...

    def transaction(self) -> AbstractContextManager[None]: ...


def house_address(exchange: MarketPlace, name: str) -> str:
    return "0x" + hashlib.sha256(f"{name} {exchange.settings.seed}".encode()).hexdigest()[:40]


def house_account(exchange: MarketPlace, name: str) -> Account:
    """An account of the exchange's own, as good as unlimited in dollars and in shares of every open market.

    One that came back from a store is given only what it lacks.
    """
    with exchange.transaction():
        account = exchange.accounts.open_account(house_address(exchange, name))
        if not account.is_house:
            account.is_house = True
            exchange.ledger.deposit(account, _HOUSE_DOLLARS * MICRO)
        for listing in exchange.markets.listings:
            if not listing.closed and not any(map(account.shares, listing.tokens)):
                stock_up(exchange, account, listing)
        return account


def stock_up(exchange: MarketPlace, account: Account, listing: Listing) -> None:
    """Give a house account complete sets of a market."""
    with exchange.transaction():
        exchange.ledger.split(account, listing.condition_id, listing.tokens, _HOUSE_SETS * MICRO, at=exchange.now_s)


def house_order(
    exchange: MarketPlace,
    account: Account,
    listing: Listing,
    *,
    is_bid: bool,
    book_price: int,
    size: int,
    mirrored: bool,
    order_type: OrderType = "GTC",
) -> Order:
    """An order of a house account, by its place on the book. `mirrored` states it in the second outcome's token."""
    outcome = 1 if mirrored else 0
    side: Side = "BUY" if is_bid != mirrored else "SELL"
    digest = hashlib.sha256(f"{account.address} {next(exchange.house_numbers)}".encode()).hexdigest()
    return Order(
        id="0x" + digest,
        account=account,
        condition_id=listing.condition_id,
        token_id=listing.tokens[outcome],
        outcome=outcome,
        side=side,
        price=UNIT - book_price if mirrored else book_price,
        size=size,
        order_type=order_type,
        created_at_ms=exchange.now_ms,
        maker_address=account.address,
    )


def seed_books(exchange: MarketPlace) -> None:
    """Rest every recorded level, each second one stated in the complementary token, as real books are mixed too.

    A level that would trade with an order of a client that rests already, from a former run, is left out.
    """
    account = house_account(exchange, HOUSE)
    mirrored = False
    for listing in exchange.markets.listings:
        if listing.closed:
            continue
        for is_bid, levels in ((True, listing.recorded.bids), (False, listing.recorded.asks)):
            for price, size in levels:
                order = house_order(
                    exchange,
                    account,
                    listing,
                    is_bid=is_bid,
                    book_price=price_units(price),
                    size=to_micro(size),
                    mirrored=mirrored,
                )
                with suppress(Rejection):
                    exchange.trading.enter(order, post_only=True)
                mirrored = not mirrored
