"""Controls of money: what an order may cost, what can be lost with it, what a day may bring."""

from __future__ import annotations

from decimal import Decimal

from ..money import text
from .control import Finding
from .limits import RiskLimits
from .proposal import Proposal


class OrderValue:
    name = "order_value"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        return _bounded(
            proposal.worst_cost,
            limits.max_order_usd,
            "per order",
            f"The order could cost ${text(proposal.worst_cost)}, more than the limit of "
            f"${text(limits.max_order_usd)} per order.",
        )


class MarketExposure:
    name = "market_exposure"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        state = proposal.state
        return _exposed(state.exposure.market, state.exposure_before.market, limits.max_market_usd, "in one market")


class EventExposure:
    name = "event_exposure"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        state = proposal.state
        return _exposed(state.exposure.event, state.exposure_before.event, limits.max_event_usd, "in one event")


class TotalExposure:
    name = "exposure"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        state = proposal.state
        return _exposed(state.exposure.total, state.exposure_before.total, limits.max_exposure_usd, "in all")


class DayTurnover:
    name = "day_turnover"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        if limits.max_day_usd is None or proposal.reduces:
            return None
        with_it = proposal.state.day_usd + proposal.worst_cost
        return _bounded(
            with_it,
            limits.max_day_usd,
            "a day (UTC)",
            f"With this order, orders of ${text(with_it)} would have been sent today.",
        )


class DayLoss:
    name = "day_loss"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        most, lost = limits.max_day_loss_usd, proposal.state.day_loss_usd
        if most is None or lost is None or proposal.reduces:
            return None
        value, limit = f"${lost:.2f}", f"${text(most)} lost in a day (UTC)"
        if lost < most:
            return Finding(value, limit)
        return Finding(
            value,
            limit,
            f"The account is worth ${lost:.2f} less than at the beginning of the day.",
            fix="only sell or cancel until midnight UTC",
        )


def _exposed(loss: Decimal, before: Decimal, most: Decimal | None, where: str) -> Finding | None:
    """What does not raise the loss passes, also beyond the limit: a hedge, or the sale of what is not one."""
    if most is None or loss <= before:
        return None
    return _bounded(loss, most, where, f"With this order, ${text(loss)} could be lost {where}.")


def _bounded(dollars: Decimal, most: Decimal, of_what: str, refusal: str) -> Finding:
    value, limit = f"${text(dollars)}", f"${text(most)} {of_what}"
    if dollars <= most:
        return Finding(value, limit)
    return Finding(value, limit, refusal, fix=f"stay within {limit}")
