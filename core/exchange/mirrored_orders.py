"""Orders and trades of a market that is shown as it is elsewhere: they come about by what happens there."""

from __future__ import annotations

from .book import Order
from .events import BookChanged, OrderChanged, TradeChanged
from .listing import LastTrade, Listing
from .matching import Bucket, Fill, cash_of
from .trades import Trade
from .venue import Exchange


def rest_for(exchange: Exchange, order: Order, listing: Listing) -> None:
    """Let a house order rest, whatever rests opposite. Nobody is told."""
    exchange.registry.orders[order.id] = order
    exchange.trading.rest(order, listing)


def withdraw(exchange: Exchange, order: Order, listing: Listing) -> None:
    """Take a house order off the book. Nobody is told."""
    listing.engine.withdraw(order)
    exchange.registry.note_off_book(order)
    exchange.registry.forget_if_done(order)


def fill_resting(exchange: Exchange, maker: Order, taker: Order, shares: int) -> Trade:
    """A resting order trades `shares` at its own price with a house order that never rests itself."""
    with exchange.transaction():
        listing = exchange.markets.by_condition[maker.condition_id]
        best_before = listing.book.best_for(0)
        exchange.registry.orders[taker.id] = taker
        cash = cash_of(maker, shares)
        bucket = Bucket(maker.price, [Fill(maker, shares, cash, maker.price)], shares, cash)
        trade = exchange.executions.make(taker, listing, bucket)
        taker.filled = shares
        taker.status = "MATCHED"
        exchange.trading.tell_levels(listing, ((maker.is_bid, maker.book_price),), best_before, trades=(trade,))
        exchange.events.publish(TradeChanged(trade, listing))
        exchange.events.publish(OrderChanged(maker, listing, "UPDATE"))
        exchange.registry.forget_if_done(maker)
        exchange.registry.forget_if_done(taker)
        exchange.executions.settle(trade)
        return trade


def report(exchange: Exchange, trade: Trade) -> None:
    """Tell of a trade between others elsewhere: it is on the tape and moves no money here."""
    listing = exchange.markets.by_condition[trade.taker.condition_id]
    listing.volume += trade.cash
    listing.last_trade = LastTrade(trade.taker.outcome, trade.price, trade.taker.side)
    exchange.registry.tape.append(trade)
    exchange.events.publish(BookChanged(listing, (), (trade,), best_changed=False))
