"""Controls of an order and its market: whether it may be placed now, here, at this price."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from ..models import OrderSide
from ..money import text
from .control import Finding
from .limits import RiskLimits
from .proposal import Proposal

_RECONCILE_S = 15
"""Seconds after which asking again about an unknown order is worth it; it is settled within a minute or so."""

_REGION_MEMORY = timedelta(minutes=10)
_DEPTH_WITHIN = Decimal("0.05")
_IN_QUESTION = ("proposed", "disputed", "requested")


class KillSwitchOff:
    name = "kill_switch"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        halt = proposal.state.halt
        if halt is None:
            return Finding("not halted", "a desk that is not halted")
        return Finding(
            "halted",
            "a desk that is not halted",
            f"Trading was halted: {halt.reason}.",
            fix=f"a person lifts the halt with `{halt.lifted_by}`",
        )


class NoUnknownOrder:
    """An order whose fate is not known may still fill; a second one could double the position."""

    name = "unknown_order"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        unknown = proposal.state.unknown_orders
        measured = Finding(f"{unknown} unknown", "0 unknown orders in the market")
        if not unknown:
            return measured
        return Finding(
            measured.value,
            measured.limit,
            "An earlier order in this market was sent and its outcome is not known yet.",
            fix="call polymarket_get_orders, which looks it up, and place this one afterwards",
            retry_after_s=_RECONCILE_S,
        )


class RegionAllowed:
    """The venue refuses orders from some places; asking again and again draws attention and changes nothing."""

    name = "region"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        refused_at = proposal.state.region_refused_at
        if refused_at is None or proposal.now - refused_at >= _REGION_MEMORY:
            return None
        return Finding(
            f"refused at {refused_at:%H:%M:%SZ}",
            "a place the venue accepts orders from",
            "The venue refused an order from this place a few minutes ago.",
            fix="a person reads polymarket_get_status; do not use a proxy to get around it",
            retry_after_s=(_REGION_MEMORY - (proposal.now - refused_at)).total_seconds(),
        )


class MarketListed:
    name = "market_list"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        names = {proposal.market.slug, proposal.market.event_slug}
        denied = names & set(limits.deny_markets)
        if denied:
            return Finding(
                min(denied),
                "markets not in POLYMARKET_DENY_MARKETS",
                "A person has excluded this market.",
                fix="choose another market",
            )
        if not limits.allow_markets:
            return None
        listed = "markets in POLYMARKET_ALLOW_MARKETS"
        if names & set(limits.allow_markets):
            return Finding(proposal.market.slug, listed)
        return Finding(
            proposal.market.slug,
            listed,
            "A person has limited this desk to other markets.",
            fix=f"choose one of: {', '.join(limits.allow_markets[:5])}",
        )


class MarketUndecided:
    """Once an outcome is proposed, those who trade know it; what the book still offers is a trap."""

    name = "market_state"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        market = proposal.market
        status = market.resolution.status.casefold()
        allowed = "an open market without a proposed outcome"
        if not market.tradable:
            return Finding("not taking orders", allowed, "The market takes no orders.", fix="choose an open market")
        if status in _IN_QUESTION and not proposal.reduces:
            return Finding(
                f"outcome {status}", allowed, f"The market's outcome is {status}.", fix="choose another market"
            )
        return Finding(f"open, outcome {status or 'not proposed'}", allowed)


class TimeLeft:
    name = "time_to_end"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        ends, least = proposal.market.end_date, limits.min_hours_to_end
        if ends is None or least is None or proposal.reduces:
            return None
        hours = Decimal(int((ends - proposal.now).total_seconds())) / 3600
        value, limit = f"{hours:.2f} h", f"at least {text(least)} h to the market's end"
        if hours >= least:
            return Finding(value, limit)
        return Finding(
            value, limit, f"The market is due to end in {hours:.2f} h.", fix="choose a market that ends later"
        )


class FreshBook:
    name = "book_age"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        age = (proposal.now - proposal.book.received_at).total_seconds()
        value, limit = f"{age:.1f} s", f"{limits.max_book_age_s:g} s"
        if age <= limits.max_book_age_s:
            return Finding(value, limit)
        return Finding(
            value,
            limit,
            f"The order book is {age:.1f} s old.",
            fix="repeat the call, which reads the book again",
            retry_after_s=1,
        )


class OpenOrders:
    name = "open_orders"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        if not proposal.ticket.time_in_force.rests:
            return None
        resting = proposal.state.open_orders
        value, limit = f"{resting} open", f"{limits.max_open_orders} open orders"
        if resting < limits.max_open_orders:
            return Finding(value, limit)
        return Finding(value, limit, f"{resting} orders already rest.", fix="cancel some orders first")


class OrderRate:
    name = "order_rate"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        most = limits.max_orders_per_minute
        if most is None:
            return None
        sent = proposal.state.minute_orders
        value, limit = f"{sent} in the last minute", f"{most} orders a minute"
        if sent < most:
            return Finding(value, limit)
        return Finding(
            value, limit, f"{sent} orders were sent in the last minute.", fix="wait a minute", retry_after_s=60
        )


class PriceBand:
    """Keeps an order that trades at once from reaching far through a thin book."""

    name = "price_band"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        ticket, book = proposal.ticket, proposal.book
        best = book.best_ask if ticket.side is OrderSide.BUY else book.best_bid
        if best is None:
            return None
        beyond = ticket.price - best.price if ticket.side is OrderSide.BUY else best.price - ticket.price
        value, limit = text(beyond), f"{text(limits.max_beyond_best)} beyond the best price"
        if beyond <= limits.max_beyond_best:
            return Finding(value, limit)
        return Finding(
            value,
            limit,
            f"The price {text(ticket.price)} lies {text(beyond)} beyond the best price {text(best.price)}.",
            fix=f"stay within {limit}",
        )


class SpreadWidth:
    name = "spread"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        widest, spread = limits.max_spread, proposal.book.spread
        if widest is None or spread is None or proposal.reduces or proposal.ticket.time_in_force.rests:
            return None
        value, limit = text(spread), f"a spread of at most {text(widest)}"
        if spread <= widest:
            return Finding(value, limit)
        return Finding(
            value, limit, f"The spread is {text(spread)}.", fix="rest a limit order instead, with price and GTC"
        )


class DepthFloor:
    name = "depth"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        least, book = limits.min_depth_usd, proposal.book
        if least is None or proposal.reduces or proposal.ticket.time_in_force.rests:
            return None
        levels = book.asks if proposal.ticket.side is OrderSide.BUY else book.bids
        near = [level for level in levels if abs(level.price - levels[0].price) <= _DEPTH_WITHIN]
        dollars = sum((level.price * level.size for level in near), Decimal(0))
        value, limit = f"${dollars:.2f}", f"at least ${text(least)} within 5 cents of the best price"
        if dollars >= least:
            return Finding(value, limit)
        return Finding(
            value, limit, f"Only ${dollars:.2f} rests near the best price.", fix="choose a more liquid market"
        )
