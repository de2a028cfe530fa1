"""A price of a market whose outcome is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LabelledPrice:
    """A price of a market's first outcome and whether that came true.

    `ends_at` is when the market was said to end, `decided_at` when it did; `at` is when the price stood. Any may be
    unknown (None). At most some of one `event`'s rows are independent, so it is resampled as a whole. `venue` is empty
    for Polymarket. `first_is_yes` says whether the outcome is a Yes, not one of two names. Of the `exclusive` rows of
    one event and moment one at most comes true; `half_spread` is None where no quotes were recorded.
    """

    event: str
    market: str
    venue: str
    category: str
    question: str
    at: datetime | None
    ends_at: datetime | None
    decided_at: datetime | None
    price: float
    came_true: bool
    first_is_yes: bool
    exclusive: bool = False
    half_spread: float | None = None

    @property
    def days_ahead(self) -> float | None:
        """From the price to the end that was announced."""
        if self.at is None or self.ends_at is None:
            return None
        days = (self.ends_at - self.at).total_seconds() / 86_400
        return days if days > 0 else None

    @property
    def last_moment(self) -> datetime | None:
        """When its outcome was known at the latest, as far as told; files are split into earlier and later by it.

        Some recorders look for outcomes days after a market has ended.
        """
        ends = [moment for moment in (self.decided_at, self.ends_at) if moment is not None]
        return min(ends, default=self.at)
