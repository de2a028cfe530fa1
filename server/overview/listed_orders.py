"""Orders of any status in a list, of a desk that runs or of its file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...handlers.order_lines import has_status, order_line

if TYPE_CHECKING:
    from ...core.models.venue_notes import VenueNotes
    from ...core.trading.order_view import OrderView

MOST = 200


def order_rows(views: Iterable[OrderView], notes: VenueNotes, *, status: str, most: int) -> list[dict[str, Any]]:
    """The newest orders of a status, as `polymarket_get_orders` tells them, without their fills."""
    chosen = [view for view in views if status == "all" or has_status(view, status)]
    return [
        order_line(view, with_fills=False, scores=None, notes=notes, letter_id=None).as_json() for view in chosen[:most]
    ]
