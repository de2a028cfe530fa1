"""What a change of positions gives and gets, measured against the account."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from decimal import Decimal

from ..errors import InputRejected
from ..models import Market, OpenOrder, OrderSide
from ..models.position_change import PositionAction, PositionOrder, Spender
from ..money import from_micro, text, to_micro
from ..polymarket.relayer import RelayerClient
from ..untrusted_text import quoted
from ..venues.venue import Venue

_HALF = Decimal("0.5")
"""What a share of either outcome pays where neither came true."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An order with its amount, and in words what leaves the account and what arrives."""

    order: PositionOrder
    gives: str
    gets: str


async def measured(order: PositionOrder, venue: Venue, relayer: RelayerClient) -> Measured:
    """Fix the amount of an order; `amount` None means all there is. Raises InputRejected for what cannot be done."""
    match order.action:
        case PositionAction.SPLIT:
            return await _split(order, venue, relayer)
        case PositionAction.MERGE:
            return await _merge(order, venue, relayer)
        case PositionAction.REDEEM:
            return await _redeem(order, venue, relayer)
        case PositionAction.WRAP:
            return _wrap(order)
        case PositionAction.UNWRAP:
            return await _unwrap(order, venue)
        case PositionAction.APPROVE:
            return _approval(order)


async def _split(order: PositionOrder, venue: Venue, relayer: RelayerClient) -> Measured:
    await venue.book(order.token_ids[0])  # has a market listed that nobody has traded on a paper exchange yet
    amount = await _free_dollars(order.amount, venue)
    await _check_allowed(relayer, _adapter(order), amount)
    sets = text(amount)
    return Measured(dataclasses.replace(order, amount=amount), f"${sets}", f"{sets} shares each of {_both(order)}")


async def _merge(order: PositionOrder, venue: Venue, relayer: RelayerClient) -> Measured:
    held = await _held(order, venue)
    resting = await venue.open_orders()
    on_sale = [each for each in resting if each.side is OrderSide.SELL]
    free = [
        have - sum((_left(each) for each in on_sale if each.token_id == token), Decimal(0))
        for token, have in zip(order.token_ids, held, strict=True)
    ]
    amount = _within(order.amount, max(min(free), Decimal(0)), "of shares of both outcomes that no open order holds")
    await _check_allowed(relayer, _adapter(order), None)
    sets = text(amount)
    return Measured(dataclasses.replace(order, amount=amount), f"{sets} shares each of {_both(order)}", f"${sets}")


async def _redeem(order: PositionOrder, venue: Venue, relayer: RelayerClient) -> Measured:
    held = await _held(order, venue)
    paid = from_micro(sum(int(to_micro(have) * pays) for have, pays in zip(held, order.pays, strict=True)))
    if paid <= 0:
        raise InputRejected(
            "The account holds no shares of this market that pay anything.",
            code="nothing_to_redeem",
            fix="polymarket_get_portfolio lists what is held",
            next_tool="polymarket_get_portfolio",
        )
    await _check_allowed(relayer, _adapter(order), None)
    shares = " and ".join(
        f"{text(have)} shares of {quoted(name, 40)}" for name, have in zip(order.outcomes, held, strict=True) if have
    )
    return Measured(dataclasses.replace(order, amount=paid), shares, f"${text(paid)}")


def _wrap(order: PositionOrder) -> Measured:
    assert order.amount is not None
    dollars = text(order.amount)
    return Measured(
        order,
        f"{dollars} USDC.e (the wallet's balance of it cannot be checked here; if it has less, the transaction fails "
        "and nothing moves)",
        f"${dollars}",
    )


async def _unwrap(order: PositionOrder, venue: Venue) -> Measured:
    amount = await _free_dollars(order.amount, venue)
    return Measured(dataclasses.replace(order, amount=amount), f"${text(amount)}", f"{text(amount)} USDC.e")


def payouts(market: Market) -> tuple[Decimal, ...]:
    """What a share of each outcome pays. Raises InputRejected for a market that is not decided for good."""
    decided = market.closed and market.resolution.status in ("resolved", "settled")
    if decided and market.resolution.winner is not None:
        return tuple(Decimal(each.label == market.resolution.winner) for each in market.outcomes)
    if decided and all(each.price == _HALF for each in market.outcomes):
        return (_HALF,) * len(market.outcomes)
    raise InputRejected(
        "This market is not decided for good, so nothing of it can be redeemed.",
        code="not_resolved",
        fix="wait until its outcome is final; shares can be sold, or merged in pairs, meanwhile",
        next_tool="polymarket_get_market",
    )


def _approval(order: PositionOrder) -> Measured:
    if order.amount is None and not order.unlimited:
        return Measured(order, "nothing now", "leave for the contract to move every outcome share of the wallet")
    most = "any amount" if order.amount is None else f"at most ${text(order.amount)}"
    return Measured(order, "nothing now", f"leave for the contract to move {most} of the wallet's pUSD")


async def _free_dollars(asked: Decimal | None, venue: Venue) -> Decimal:
    """What was asked for, or all that no open order is promised. Raises InputRejected beyond that."""
    balance, resting = await asyncio.gather(venue.balance(), venue.open_orders())
    free = max(balance.collateral - sum((_promised(each) for each in resting), Decimal(0)), Decimal(0))
    return _within(asked, free, "of dollars that are not promised to open orders")


async def _held(order: PositionOrder, venue: Venue) -> list[Decimal]:
    return [await venue.token_balance(token) for token in order.token_ids]


async def _check_allowed(relayer: RelayerClient, spender: Spender, dollars: Decimal | None) -> None:
    """Raise InputRejected where the contract may not move so many dollars, or (None) the shares."""
    allowed = await relayer.allowance(spender, of_shares=dollars is None)
    if allowed >= (1 if dollars is None else to_micro(dollars)):
        return
    given = "without amount" if dollars is None else f"amount={text(dollars)}"
    raise InputRejected(
        f"The contract {spender} may not move the wallet's {'shares' if dollars is None else 'pUSD'}.",
        code="allowance_missing",
        fix=f"if the user agrees: action=approve, spender={spender}, {given}",
        next_tool="polymarket_manage_position",
    )


def _within(asked: Decimal | None, most: Decimal, of_what: str) -> Decimal:
    """What was asked for, or all; raises InputRejected beyond what there is."""
    amount = most if asked is None else asked
    if amount <= 0 or amount > most:
        raise InputRejected(
            f"The account has {text(most)} {of_what}.", code="not_enough", fix=f"an amount up to {text(most)}"
        )
    return amount


def _adapter(order: PositionOrder) -> Spender:
    return "neg_risk_adapter" if order.neg_risk else "adapter"


def _both(order: PositionOrder) -> str:
    return " and ".join(quoted(each, 40) for each in order.outcomes)


def _left(order: OpenOrder) -> Decimal:
    return order.original_size - order.size_matched


def _promised(order: OpenOrder) -> Decimal:
    return _left(order) * order.price if order.side is OrderSide.BUY else Decimal(0)
