"""The states an order passes through and the moves that are legal, in one table."""

from __future__ import annotations

from ..models import OrderStatus as S

LEGAL_MOVES: dict[S, frozenset[S]] = {
    S.DRAFT: frozenset({S.AWAITING_PERSON, S.SENDING, S.REFUSED, S.EXPIRED}),
    S.AWAITING_PERSON: frozenset({S.SENDING, S.REFUSED, S.EXPIRED}),
    S.SENDING: frozenset({S.LIVE, S.DELAYED, S.MATCHED, S.REJECTED, S.DEAD, S.UNKNOWN}),
    S.UNKNOWN: frozenset({S.LIVE, S.DELAYED, S.MATCHED, S.CANCELED, S.EXPIRED, S.REJECTED, S.DEAD}),
    S.DELAYED: frozenset({S.LIVE, S.MATCHED, S.CANCELED, S.EXPIRED, S.REJECTED, S.UNKNOWN}),
    S.LIVE: frozenset({S.MATCHED, S.CANCELED, S.EXPIRED}),
    S.MATCHED: frozenset(),
    S.CANCELED: frozenset(),
    S.EXPIRED: frozenset(),
    S.REFUSED: frozenset(),
    S.REJECTED: frozenset(),
    S.DEAD: frozenset(),
}


MAY_CHANGE = (S.UNKNOWN, S.LIVE, S.DELAYED)
"""The venue may know more of such an order than the journal."""

UNDER_WAY = (S.SENDING, *MAY_CHANGE)
"""Such an order may still take effect."""


class IllegalMove(Exception):
    """A defect of the desk: an order was moved where the table does not allow it."""


def check_move(before: S, after: S) -> None:
    """Raise IllegalMove unless `before` may become `after`. Staying put is always legal."""
    if after is not before and after not in LEGAL_MOVES[before]:
        raise IllegalMove(f"an order cannot go from {before} to {after}")
