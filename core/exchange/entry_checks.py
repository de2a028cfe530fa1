"""What an order is refused for once it is known what it would trade with: too few dollars, too little money."""

from __future__ import annotations

from ..money import MICRO
from .book import Order
from .matching import MatchPlan
from .rejections import FAK_KILLED, FOK_KILLED, marketable_buy_too_small, not_enough
from .units import amount_text, proceeds_ceil


def check_minimum(order: Order, plan: MatchPlan) -> None:
    """A BUY that trades at once is worth a dollar at least. Raises Rejection."""
    if order.side == "BUY" and (plan.buckets or order.order_type in ("FOK", "FAK")):
        dollars = limit_dollars(order)
        if dollars < MICRO:
            raise marketable_buy_too_small(amount_text(dollars))


def check_funds(order: Order, plan: MatchPlan) -> None:
    """The account covers the order, a BUY with its fee, beside all it has promised already. Raises Rejection."""
    account = order.account
    if order.side == "SELL":
        active, matched = account.open_shares[order.token_id], account.matched_shares[order.token_id]
        balance, amount, fee = account.shares(order.token_id), order.size, 0
    else:
        active, matched, balance = account.open_cash, account.matched_cash, account.cash
        # Rounding fractions of a millionth per fill can lift the cost of a fill at the limit above it.
        amount, fee = max(limit_dollars(order), plan.cash), plan.fee
    if amount + fee > balance - active - matched:
        raise not_enough(balance=balance, amount=amount, active=active, matched=matched, fee=fee)


def kill_reason(order: Order, plan: MatchPlan) -> str | None:
    """Why a FOK or FAK order cannot trade, None when it can or may rest."""
    if order.order_type == "FOK" and not plan.complete:
        return FOK_KILLED
    if order.order_type == "FAK" and not plan.buckets:
        return FAK_KILLED
    return None


def limit_dollars(order: Order) -> int:
    """What a BUY may cost at most, its fee aside, in millionths."""
    return order.budget if order.budget is not None else proceeds_ceil(order.size, order.price)
