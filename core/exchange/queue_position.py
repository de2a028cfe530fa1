"""Where a client's resting order stands among the real orders at its price, and what of a trade reaches it."""

from __future__ import annotations

from dataclasses import dataclass

from .book import Order

_REPORT_MS = 5_000
"""How long after a level shrank the trade that explains it may still be reported."""


@dataclass(slots=True, eq=False)
class QueuePosition:
    """`ahead` is the real size (millionths) that trades before the order does, None as long as it is not known.

    When the level shrinks below `ahead`, those shares were cancelled or traded. A trade that is reported soon
    afterwards is taken to be theirs: `unexplained` shares of it, until `unexplained_until_ms`, do not reach the order.
    """

    order: Order
    ahead: int | None
    unexplained: int = 0
    unexplained_until_ms: int = 0

    def level_is(self, real: int, *, at_ms: int) -> None:
        """The real level at the order's price now holds `real`."""
        if self.ahead is not None and real < self.ahead:
            self.unexplained = self._still_unexplained(at_ms) + self.ahead - real
            self.unexplained_until_ms = at_ms + _REPORT_MS
            self.ahead = real

    def reached_by(self, shares: int, *, through: bool, at_ms: int) -> int:
        """How much of a trade at the order's price, or `through` it, gets past those ahead; they have traded then."""
        explained = min(shares, self._still_unexplained(at_ms))
        self.unexplained = self._still_unexplained(at_ms) - explained
        left = shares - explained
        if through:
            self.ahead = 0
            return left
        if self.ahead is None:
            return 0
        served = min(left, self.ahead)
        self.ahead -= served
        return left - served

    def _still_unexplained(self, at_ms: int) -> int:
        return self.unexplained if at_ms <= self.unexplained_until_ms else 0
