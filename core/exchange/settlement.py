"""What becomes of trades after the match: they are mined and confirmed, or retried, and then mined or lost.

MATCHED -> MINED -> CONFIRMED is the common way. MATCHED -> RETRYING -> MINED or FAILED is that of a trade whose first
transaction did not get through. Money and shares move when a trade is MINED; until then both sides only hold back
what they owe, and a FAILED trade gives exactly that back. The orders stay matched, as the venue does not rest them
again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from functools import partial

from .agenda import Agenda
from .ledger import Ledger
from .settings import ExchangeSettings
from .trades import Trade, TradeStatus


class Settlement:
    """Takes every trade of one exchange to its end, by the delays and probabilities of the settings.

    What happens to a trade is drawn from the seed and the trade's id alone, so that neither other trades nor a restart
    change it. `tell` hears of every step but the first.
    """

    def __init__(
        self,
        settings: ExchangeSettings,
        *,
        agenda: Agenda,
        ledger: Ledger,
        now_ms: Callable[[], int],
        tell: Callable[[Trade], None],
    ) -> None:
        self._settings = settings
        self._agenda = agenda
        self._ledger = ledger
        self._now_ms = now_ms
        self._tell = tell
        self._pending: dict[str, Trade] = {}

    @property
    def pending(self) -> tuple[Trade, ...]:
        """Trades that hold back what they owe, oldest first."""
        return tuple(self._pending.values())

    def hold(self, trade: Trade) -> None:
        """Set aside what both sides owe."""
        trade.hold()
        self._pending[trade.id] = trade

    def begin(self, trade: Trade) -> None:
        """Send a held trade on its way."""
        self._agenda.after(self._settings.mined_after_s, self._next_step(trade))

    def resume(self, trade: Trade) -> None:
        """Go on with a trade of a former run: its next step is due when it would have been."""
        if trade.status in ("MATCHED", "RETRYING"):
            self.hold(trade)
        elif trade.status != "MINED":
            return
        delays_s = {
            "MATCHED": self._settings.mined_after_s,
            "RETRYING": self._settings.retried_after_s,
            "MINED": self._settings.confirmed_after_s,
        }
        self._agenda.at(trade.updated_at_ms + round(delays_s[trade.status] * 1000), self._next_step(trade))

    def _next_step(self, trade: Trade) -> Callable[[], None]:
        if trade.status == "MINED":
            return partial(self._move, trade, "CONFIRMED")
        if not self._settings.settlement_retry_probability:
            return partial(self._mine, trade)
        draw = random.Random(f"{self._settings.seed} {trade.id}")
        retried = draw.random() < self._settings.settlement_retry_probability
        failed = draw.random() < self._settings.settlement_failure_probability
        if trade.status == "MATCHED" and retried:
            return partial(self._retry, trade)
        return partial(self._fail if retried and failed else self._mine, trade)

    def finish(self, condition_id: str) -> None:
        """Mine at once what a market has pending."""
        for trade in self.pending:
            if trade.taker.condition_id == condition_id:
                self._mine(trade)

    def _retry(self, trade: Trade) -> None:
        if trade.status == "MATCHED":
            self._move(trade, "RETRYING")
            self._agenda.after(self._settings.retried_after_s, self._next_step(trade))

    def _mine(self, trade: Trade) -> None:
        if self._pending.pop(trade.id, None) is None:
            return
        trade.transaction_hash = "0x" + hashlib.sha256(trade.id.encode()).hexdigest()
        trade.updated_at_ms = self._now_ms()
        trade.settle(self._ledger)
        self._move(trade, "MINED")
        self._agenda.after(self._settings.confirmed_after_s, self._next_step(trade))

    def _fail(self, trade: Trade) -> None:
        if self._pending.pop(trade.id, None) is None:
            return
        trade.release()
        self._move(trade, "FAILED")

    def _move(self, trade: Trade, status: TradeStatus) -> None:
        trade.status = status
        trade.updated_at_ms = self._now_ms()
        self._tell(trade)
