"""The one way to an ApprovedOrder: every control looks at every order, and any of them can refuse it."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import RiskRefused
from ..venues.venue import ApprovedOrder
from .control import Control
from .controls import CONTROLS
from .limits import RiskLimits
from .proposal import Proposal


class RiskGate:
    """Runs all controls. `approve` is the only place where an ApprovedOrder is made."""

    def __init__(self, limits: RiskLimits, controls: Sequence[Control] = CONTROLS) -> None:
        self.limits = limits
        self._controls = tuple(controls)

    def approve(self, proposal: Proposal) -> ApprovedOrder:
        """Raises RiskRefused for the first control that refuses, its message naming all that do."""
        found = [
            (control.name, finding)
            for control in self._controls
            if (finding := control.check(proposal, self.limits)) is not None
        ]
        refusals = [(name, finding) for name, finding in found if finding.refusal]
        if refusals:
            name, first = refusals[0]
            raise RiskRefused(
                " ".join(finding.refusal for _, finding in refusals),
                control=name,
                value=first.value,
                limit=first.limit,
                fix=first.fix,
                retry_after_s=first.retry_after_s,
            )
        return ApprovedOrder(
            ticket=proposal.ticket,
            worst_cost=proposal.worst_cost,
            approved_at=proposal.now,
            controls={name: f"{finding.value} of {finding.limit}" for name, finding in found},
        )
