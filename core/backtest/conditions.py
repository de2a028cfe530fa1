"""What stands between a decision and its money in a backtest: the way to the venue, its delays, and settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ..exchange.settings import ExchangeSettings
from ..money import text

_RETRIED_AFTER_S = 5.0
_REDEEMED_AFTER_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """By default nothing takes any time, but what the markets' own rules say.

    An order or cancel is on its way for `latency_ms`, and so is the answer; what was recorded meanwhile happens first.
    With `matching_delays` marketable orders wait where the market's rules say so. A trade is mined `mined_after_s`
    after the match, when its shares can be sold, and confirmed `confirmed_after_s` later; with the chance of
    `settlement_failures` it never settles, and all it held is given back.
    """

    latency_ms: int = 0
    matching_delays: bool = True
    mined_after_s: float = 0.0
    confirmed_after_s: float = 0.0
    settlement_failures: float = 0.0

    @property
    def latency(self) -> timedelta:
        return timedelta(milliseconds=self.latency_ms)

    @property
    def all_settled_after(self) -> timedelta:
        """What passes at most from a match until its trade has ended and what won has been redeemed."""
        retried_s = _RETRIED_AFTER_S if self.settlement_failures else 0.0
        return (
            timedelta(seconds=self.mined_after_s + retried_s + self.confirmed_after_s + _REDEEMED_AFTER_S)
            + 4 * self.latency
        )

    def exchange_settings(self, *, chain_id: int, seed: int, starting_balance: Decimal) -> ExchangeSettings:
        """The rules of the exchange under these conditions."""
        return ExchangeSettings(
            chain_id=chain_id,
            seed=seed,
            starting_balance=starting_balance,
            simulated_traders=False,
            mined_after_s=self.mined_after_s,
            confirmed_after_s=self.confirmed_after_s,
            settlement_retry_probability=self.settlement_failures,
            settlement_failure_probability=1.0,
            retried_after_s=_RETRIED_AFTER_S,
            matching_delays="market" if self.matching_delays else "off",
            auto_redeem_after_s=_REDEEMED_AFTER_S,
        )

    def told(self) -> str:
        """The conditions in one sentence."""
        settled = f"{self.mined_after_s:g} s after the match" if self.mined_after_s else "at once"
        failing = (
            f", {text(Decimal(str(self.settlement_failures)) * 100)} % of them never"
            if self.settlement_failures
            else ""
        )
        delays = "the markets' own delays" if self.matching_delays else "no delays of the markets"
        return f"orders and answers take {self.latency_ms} ms each, {delays}, trades settle {settled}{failing}"


INSTANT = Conditions()
"""Nothing takes any time."""
