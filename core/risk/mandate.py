"""What a person has agreed that a strategy's run may do, and how far the run has gone in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """The bounds of one run, agreed to once for all of its orders; nothing widens them afterwards.

    `max_exposure_usd` is what its holdings and resting purchases may have cost together, `max_loss_usd` what it may
    lose before it only sells, `until` when it ends.
    """

    run_id: str
    max_loss_usd: Decimal
    max_exposure_usd: Decimal
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateState:
    """A run at the moment of an order: dollars tied up without the order, and profit so far (negative: a loss).

    `may_sell_shares` are those of the order's outcome that the run has bought itself, that have settled, and that no
    other order of it has sold or may still sell.
    """

    mandate: Mandate
    tied_up_usd: Decimal
    profit_usd: Decimal
    may_sell_shares: Decimal = Decimal(0)
