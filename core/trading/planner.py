"""Turns an intent into an order the venue will accept, or says which legal one is nearest.

The rules are the venue's: prices on the tick, shares of two decimals, market buys of whole cents, at least the
market's minimum of shares to rest and one dollar to buy at once, the fee on top of the order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from ..errors import InputRejected
from ..market_data.fill_estimate import estimate_fill
from ..models import OrderBook, OrderSide, TimeInForce
from ..money import ceil_to_tick, floor_to_tick, on_tick, round_down, text, tick_rule
from ..polymarket.amounts import limit_amounts
from ..portfolio.account_state import AccountState
from .intent import DEFAULT_SLIPPAGE, OrderIntent
from .market_order import MIN_MARKETABLE_BUY_USD, cut_shares, market_buy, market_sell, shares_to_sell
from .order_plan import OrderPlan, plan_for

EXPIRY_THRESHOLD = timedelta(seconds=60)
"""The venue takes an order off the book this long before the expiry it was signed with."""

MIN_EXPIRY = timedelta(seconds=180) - EXPIRY_THRESHOLD
"""The signed expiry must lie three minutes ahead."""


def plan_order(intent: OrderIntent, book: OrderBook, *, account: AccountState, now: datetime) -> OrderPlan:
    """Apply the venue's rules to `intent` on a fresh `book`, within what the account can spend or sell.

    Raises InputRejected; its `fix` names the nearest order that would be accepted.
    """
    _check_market(intent)
    _check_amount(intent)
    if intent.price is None:
        plan = _plan_at_market(intent, book, account)
    else:
        plan = _plan_with_price(intent, book, account, now)
    check_funds(plan, account)
    return plan


def check_funds(plan: OrderPlan, account: AccountState) -> None:
    """Raise InputRejected `insufficient_funds` or `not_enough_shares` for what the account does not have."""
    if plan.worst_cost > account.free:
        held_back = account.reserved + account.owed
        raise InputRejected(
            f"This order could cost ${text(plan.worst_cost)}, fee included; of ${text(round_down(account.cash, 2))} "
            f"cash ${text(round_down(account.free, 2))} is free"
            + (f" and ${text(round_down(held_back, 2))} is held by other orders." if held_back else "."),
            code="insufficient_funds",
            fix=f"use spend_usd of at most {text(round_down(account.free, 2))}, or cancel open orders",
            next_tool="polymarket_get_portfolio",
        )
    if plan.ticket.side is OrderSide.SELL and plan.ticket.shares > account.sellable:
        raise InputRejected(
            f"Only {text(account.sellable)} of the {text(plan.ticket.shares)} shares can be sold now.",
            code="not_enough_shares",
            fix="make a new preview",
            next_tool="polymarket_preview_order",
        )


def _check_market(intent: OrderIntent) -> None:
    market = intent.market
    if not market.tradable:
        state = "has been resolved or closed" if market.closed else "is not taking orders"
        raise InputRejected(
            f"Market {market.slug} {state}; nothing can be traded on it.",
            code="market_closed",
            fix="choose an open market",
            next_tool="polymarket_search_markets",
        )


def _check_amount(intent: OrderIntent) -> None:
    size, spend = intent.size, intent.spend_usd
    if (size is None) == (spend is None):
        amount = size if size is not None else spend
        example = text(amount) if isinstance(amount, Decimal) else "20"
        raise InputRejected(
            f"Give exactly one of size and spend_usd: size={example} means {example} shares (each pays $1 if right), "
            f"spend_usd={example} means at most ${example} leaves the account, fee included.",
            code="ambiguous_amount",
            fix="repeat the call with only one of the two",
        )
    if spend is not None and intent.side is OrderSide.SELL:
        raise InputRejected(
            "spend_usd is for buying; a sale is given in shares.", code="invalid_amount", fix='use size, or size="all"'
        )
    if size == "all" and intent.side is OrderSide.BUY:
        raise InputRejected('size="all" is for selling.', code="invalid_amount", fix="use a number of shares")
    for amount, unit in ((size, "shares"), (spend, "dollars")):
        if isinstance(amount, Decimal) and amount <= 0:
            raise InputRejected(f"{text(amount)} {unit} is not a positive amount.", code="invalid_amount")


def _plan_at_market(intent: OrderIntent, book: OrderBook, account: AccountState) -> OrderPlan:
    if intent.time_in_force not in (None, TimeInForce.FAK, TimeInForce.FOK):
        raise InputRejected(
            f"{intent.time_in_force} rests on the book and needs a price.", code="price_missing", fix="add price"
        )
    if intent.post_only or intent.expires_at is not None:
        raise InputRejected(
            "post_only and expires_at belong to resting orders.",
            code="invalid_combination",
            fix="add price, or drop them",
        )
    buying = intent.side is OrderSide.BUY
    best = book.best_ask if buying else book.best_bid
    if best is None:
        raise InputRejected(
            f"Nobody is {'selling' if buying else 'buying'} {intent.outcome.label} now, so nothing can be taken.",
            code="no_liquidity",
            fix="rest an order: give price and time_in_force=GTC",
            next_tool="polymarket_get_order_book",
        )
    slippage = DEFAULT_SLIPPAGE if intent.max_slippage is None else intent.max_slippage
    tif = intent.time_in_force or TimeInForce.FAK
    if buying:
        limit = max(floor_to_tick(best.price + slippage, book.tick), best.price)
        return market_buy(intent, book, limit=limit, time_in_force=tif)
    limit = min(ceil_to_tick(best.price - slippage, book.tick), best.price)
    return market_sell(intent, book, account, limit=limit, time_in_force=tif)


def _plan_with_price(intent: OrderIntent, book: OrderBook, account: AccountState, now: datetime) -> OrderPlan:
    price = intent.price
    assert price is not None
    tif = intent.time_in_force
    if tif is None:
        raise InputRejected(
            "An order with a price needs time_in_force: GTC rests until cancelled, GTD until expires_at, FAK takes "
            "what it can at that price or better at once, FOK all or nothing.",
            code="time_in_force_missing",
            fix="add time_in_force",
        )
    if intent.max_slippage is not None:
        raise InputRejected(
            "max_slippage and price both set a worst price.", code="invalid_combination", fix="keep only one of them"
        )
    _check_price(price, book)
    if not tif.rests:
        if intent.post_only or intent.expires_at is not None:
            raise InputRejected(
                f"post_only and expires_at do not go with {tif}.", code="invalid_combination", fix="use GTC or GTD"
            )
        if intent.side is OrderSide.BUY:
            return market_buy(intent, book, limit=price, time_in_force=tif)
        return market_sell(intent, book, account, limit=price, time_in_force=tif)
    _check_expiry(intent, tif, now)
    return _resting(intent, book, account, price=price, time_in_force=tif)


def _check_price(price: Decimal, book: OrderBook) -> None:
    if on_tick(price, book.tick):
        return
    below, above = floor_to_tick(price, book.tick), ceil_to_tick(price, book.tick)
    nearest = text(below) if below == above else f"{text(below)} or {text(above)}"
    raise InputRejected(
        f"Price {text(price)} is not on this market's grid of {text(book.tick)} between {text(book.tick)} and "
        f"{text(1 - book.tick)}.",
        code="price_off_tick",
        fix=f"use {nearest}",
    )


def _check_expiry(intent: OrderIntent, tif: TimeInForce, now: datetime) -> None:
    if tif is TimeInForce.GTC and intent.expires_at is not None:
        raise InputRejected("A GTC order has no expiry.", code="invalid_combination", fix="use GTD, or drop expires_at")
    if tif is TimeInForce.GTD:
        earliest = now + MIN_EXPIRY
        if intent.expires_at is None or intent.expires_at < earliest:
            raise InputRejected(
                "GTD needs expires_at at least two minutes ahead.",
                code="expiry_too_soon",
                fix=f"use a time after {earliest.isoformat(timespec='seconds')}",
            )


def _resting(
    intent: OrderIntent, book: OrderBook, account: AccountState, *, price: Decimal, time_in_force: TimeInForce
) -> OrderPlan:
    adjustments: list[str] = []
    rule = tick_rule(book.tick)
    per_share = price + (Decimal(0) if intent.post_only else _highest_fee_per_share(intent, price))
    if intent.side is OrderSide.SELL:
        shares = shares_to_sell(intent, account, rule.size_decimals, adjustments)
    elif intent.spend_usd is not None:
        shares = round_down(intent.spend_usd / per_share, rule.size_decimals)
    else:
        assert isinstance(intent.size, Decimal)
        shares = cut_shares(intent.size, rule.size_decimals, adjustments)
    if shares < book.min_size:
        needed = f"size of at least {text(book.min_size)}"
        if intent.spend_usd is not None:
            needed = f"spend_usd of at least {text(round_down(book.min_size * per_share, 2) + Decimal('0.01'))}"
        raise InputRejected(
            f"{text(shares)} shares is below this market's minimum of {text(book.min_size)} for a resting order.",
            code="below_minimum",
            fix=f"use {needed}",
        )
    crosses = _crosses(intent.side, price, book)
    if crosses and intent.post_only:
        raise InputRejected(
            f"At {text(price)} this order would trade at once, and post_only forbids that.",
            code="post_only_would_cross",
            fix="move the price away from the other side of the book, or drop post_only",
            next_tool="polymarket_get_order_book",
        )
    estimate = estimate_fill(book, intent.side, intent.market.fees, shares=shares, limit=price)
    if crosses and intent.side is OrderSide.BUY and shares * price < MIN_MARKETABLE_BUY_USD:
        raise InputRejected(
            f"This order would buy at once for ${text(shares * price)}; that takes at least $1.",
            code="below_minimum",
            fix=f"use size of at least {text((1 / price).quantize(Decimal('0.01')) + Decimal('0.01'))}",
        )
    amounts = limit_amounts(price=price, size_shares=shares, tick=book.tick)
    pays_no_fee = intent.post_only or intent.side is OrderSide.SELL
    return plan_for(
        intent,
        book,
        amounts,
        price=price,
        time_in_force=time_in_force,
        estimate=estimate,
        worst_fee=Decimal(0) if pays_no_fee else amounts.shares * _highest_fee_per_share(intent, price),
        rests=not (crosses and estimate.complete),
        adjustments=adjustments,
        expires_at=intent.expires_at + EXPIRY_THRESHOLD if intent.expires_at else None,
    )


def _highest_fee_per_share(intent: OrderIntent, price: Decimal) -> Decimal:
    """The fee is highest where price x (1 - price) is: at one half, or at the limit if that is lower."""
    at = min(price, Decimal("0.5"))
    fees = intent.market.fees
    return fees.rate * (at * (1 - at)) ** fees.exponent


def _crosses(side: OrderSide, price: Decimal, book: OrderBook) -> bool:
    if side is OrderSide.BUY:
        return book.best_ask is not None and price >= book.best_ask.price
    return book.best_bid is not None and price <= book.best_bid.price
