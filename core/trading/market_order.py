"""Plans orders that trade at once and never rest."""

from __future__ import annotations

from decimal import Decimal

from ..errors import InputRejected
from ..market_data.fill_estimate import estimate_fill
from ..models import OrderBook, OrderSide, TimeInForce
from ..money import round_down, text, tick_rule
from ..polymarket.amounts import market_buy_amounts, market_sell_amounts
from ..portfolio.account_state import AccountState
from .intent import OrderIntent
from .order_plan import OrderPlan, plan_for

MIN_MARKETABLE_BUY_USD = Decimal(1)
_CENTS = 2
_FEE_MARGIN = Decimal("0.10")
"""How far the price may fall while an order is under way before its fee passes what was reserved for it."""


def market_buy(intent: OrderIntent, book: OrderBook, *, limit: Decimal, time_in_force: TimeInForce) -> OrderPlan:
    """Buy at once at `limit` or better: exactly whole cents are sent, so shares are met as nearly as that allows."""
    market = intent.market
    adjustments: list[str] = []
    best = book.best_ask.price if book.best_ask else limit
    # The fee per dollar is highest at the lowest price, so it is reserved for a fill well below the best ask.
    cheapest = max(book.tick, best - _FEE_MARGIN)
    if intent.spend_usd is not None:
        fee_per_dollar = market.fees.rate * (cheapest * (1 - cheapest)) ** market.fees.exponent / cheapest
        dollars = round_down(intent.spend_usd / (1 + fee_per_dollar), _CENTS)
    else:
        assert isinstance(intent.size, Decimal)
        shares = round_down(intent.size, tick_rule(book.tick).size_decimals)
        walked = estimate_fill(book, OrderSide.BUY, market.fees, shares=shares, limit=limit)
        exact = walked.dollars + (shares - walked.shares) * limit
        dollars = round_down(exact, _CENTS)
        if dollars != exact or shares != intent.size:
            adjustments.append(f"a market buy is sent in whole cents: ${text(dollars)} for about {text(shares)} shares")
    if dollars < MIN_MARKETABLE_BUY_USD:
        minimum = (MIN_MARKETABLE_BUY_USD / best).quantize(Decimal("0.01")) + Decimal("0.02")
        raise InputRejected(
            f"This would buy for ${text(dollars)}; an order that buys at once must be worth at least $1.",
            code="below_minimum",
            fix=f"use spend_usd of at least 1.1, or size of at least {text(minimum)}",
        )
    estimate = estimate_fill(book, OrderSide.BUY, market.fees, dollars=dollars, limit=limit)
    if not estimate.shares:
        raise InputRejected(
            f"Nothing is for sale at {text(limit)} or less.",
            code="not_marketable",
            fix="raise the price, or rest the order with time_in_force=GTC",
            next_tool="polymarket_get_order_book",
        )
    if not estimate.complete:
        adjustments.append(f"the book holds only {text(round_down(estimate.shares, 2))} shares up to {text(limit)}")
    worst_fee = market.fees.taker_fee(dollars / cheapest, cheapest)
    amounts = market_buy_amounts(worst_price=limit, spend_dollars=dollars, tick=book.tick)
    return plan_for(
        intent,
        book,
        amounts,
        price=limit,
        time_in_force=time_in_force,
        estimate=estimate,
        worst_fee=worst_fee,
        rests=False,
        adjustments=adjustments,
    )


def market_sell(
    intent: OrderIntent, book: OrderBook, account: AccountState, *, limit: Decimal, time_in_force: TimeInForce
) -> OrderPlan:
    """Sell at once at `limit` or better."""
    adjustments: list[str] = []
    shares = shares_to_sell(intent, account, tick_rule(book.tick).size_decimals, adjustments)
    estimate = estimate_fill(book, OrderSide.SELL, intent.market.fees, shares=shares, limit=limit)
    if not estimate.shares:
        raise InputRejected(
            f"Nobody buys at {text(limit)} or more.",
            code="not_marketable",
            fix="lower the price, or rest the order with time_in_force=GTC",
            next_tool="polymarket_get_order_book",
        )
    if not estimate.complete:
        adjustments.append(f"the book takes only {text(round_down(estimate.shares, 2))} shares down to {text(limit)}")
    amounts = market_sell_amounts(worst_price=limit, size_shares=shares, tick=book.tick)
    return plan_for(
        intent,
        book,
        amounts,
        price=limit,
        time_in_force=time_in_force,
        estimate=estimate,
        worst_fee=Decimal(0),
        rests=False,
        adjustments=adjustments,
    )


def shares_to_sell(intent: OrderIntent, account: AccountState, decimals: int, adjustments: list[str]) -> Decimal:
    """The shares that a sale is for. Raises InputRejected `not_enough_shares` with what can be sold."""
    held = account.sellable
    wanted = held if intent.size == "all" else intent.size
    assert isinstance(wanted, Decimal)
    if held <= 0 or wanted > held:
        message = f"The account can sell {text(held)} shares of {intent.outcome.label} here"
        message += f", too few to sell {text(wanted)}." if intent.size != "all" else "; there is nothing to sell."
        fix = 'use size="all" or a smaller size' if held > 0 else "buy the other outcome instead of selling this one"
        if account.settling > 0:
            message += f" {text(account.settling)} more are bought but still settling."
            fix = "try again in a few seconds"
        raise InputRejected(message, code="not_enough_shares", fix=fix, next_tool="polymarket_get_portfolio")
    shares = cut_shares(wanted, decimals, adjustments)
    if shares <= 0:
        raise InputRejected(
            f"{text(wanted)} shares is less than the smallest amount that can be sold, 0.01.", code="below_minimum"
        )
    return shares


def cut_shares(shares: Decimal, decimals: int, adjustments: list[str]) -> Decimal:
    """Shares cut to what an order can carry, noting the change."""
    cut = round_down(shares, decimals)
    if cut != shares:
        adjustments.append(f"orders have {decimals} decimals of shares: {text(shares)} became {text(cut)}")
    return cut
