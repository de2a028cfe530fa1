"""Controls of a strategy's run: its orders stay inside what was agreed to when it began."""

from __future__ import annotations

from decimal import Decimal

from ..models import OrderSide
from ..money import text
from .control import Finding
from .limits import RiskLimits
from .proposal import Proposal


class RunTime:
    name = "run_time"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        run = proposal.state.run
        if run is None or proposal.reduces:
            return None
        value = proposal.now.isoformat(timespec="seconds")
        limit = f"until {run.mandate.until.isoformat(timespec='seconds')}"
        if proposal.now < run.mandate.until:
            return Finding(value, limit)
        return Finding(value, limit, "The time that was agreed for this run is over.", fix="start another run")


class RunExposure:
    name = "run_exposure"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        run = proposal.state.run
        if run is None or proposal.reduces:
            return None
        with_it, most = run.tied_up_usd + proposal.worst_cost, run.mandate.max_exposure_usd
        value, limit = f"${text(with_it)}", f"${text(most)} tied up by the run"
        if with_it <= most:
            return Finding(value, limit)
        return Finding(
            value, limit, f"With this order the run would have ${text(with_it)} tied up.", fix=f"stay within {limit}"
        )


class RunLoss:
    name = "run_loss"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        run = proposal.state.run
        if run is None or proposal.reduces:
            return None
        lost, most = max(-run.profit_usd, Decimal(0)), run.mandate.max_loss_usd
        value, limit = f"${lost:.2f}", f"${text(most)} lost by the run"
        if lost < most:
            return Finding(value, limit)
        return Finding(value, limit, f"The run has lost ${lost:.2f}.", fix="only sell, or stop the run")


class RunHoldings:
    name = "run_holdings"

    def check(self, proposal: Proposal, limits: RiskLimits) -> Finding | None:
        run, wanted = proposal.state.run, proposal.ticket.shares
        if run is None or proposal.ticket.side is not OrderSide.SELL:
            return None
        value, limit = f"{text(wanted)} shares", f"{text(run.may_sell_shares)} shares that the run has bought itself"
        if wanted <= run.may_sell_shares:
            return Finding(value, limit)
        return Finding(
            value,
            limit,
            f"The run may sell {text(run.may_sell_shares)} shares of this outcome and wants to sell {text(wanted)}: "
            "what else the account holds is not the run's.",
            fix=f"sell at most {text(run.may_sell_shares)} shares",
        )
