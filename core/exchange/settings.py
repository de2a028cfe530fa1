"""The rules of the embedded exchange that a test or an operator may want to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from .faults import NO_FAULTS, FaultPlan

Probability = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """How one exchange behaves. Where the real venue's rule is not established, the default is the likelier reading.

    `starting_balance` is the pUSD credited when an address first creates credentials. `mined_after_s` is how long a
    trade stays MATCHED, `confirmed_after_s` how long it then stays MINED; at 0 the step is immediate. With
    `settlement_retry_probability` a trade becomes RETRYING instead of MINED, for `retried_after_s`, and of those
    `settlement_failure_probability` end FAILED; both are drawn from `seed`.

    `matching_delays` "market" lets a marketable order wait as its market says: the seconds of a sports market, answered
    `delayed`, or `taker_delay_s` in a fast price market, whose answer waits with it; "off" matches everything at once.

    `market_buy_fills` says what a market BUY (FOK or FAK) is filled by: "dollars" spends its maker amount, so that a
    better price buys more shares, which is what fills recorded on chain show; "shares" buys its taker amount.
    `market_buy_share_decimals` is the precision of that taker amount: "tick" follows the tick, "four" is always four.
    `empty_side_quotes` is what quotes answer when a side is empty: "bounds" uses 0 for a bid and 1 for an ask,
    "not_found" answers as if there were no book.

    `known_outcomes` maps condition ids to the index of the winning outcome, None for a split: those markets resolve by
    themselves at their end date. `auto_redeem_after_s` is how long after a resolution what clients hold is redeemed for
    them; None leaves it to them.

    `live_data_history_min` is how many minutes of the past the first frame of a coin's prices holds.

    `relayed_step_s` is how long each step of a relayed transaction takes: to be sent, mined and confirmed.

    A GTD order must expire at least `gtd_min_lead_s` from now and leaves the book `gtd_security_threshold_s` before
    its expiration. `timestamp_tolerance_s` bounds the age of authentication headers; None accepts any, so that a
    client on real time can talk to an exchange that lives on a recorded day. `deposit_wallets_only` refuses orders of
    signature types 0 to 2, as the venue does for new accounts. `banned_addresses` may not trade, those of
    `closed_only_addresses` may only sell, and with a `geoblocked_country` (ISO 3166) nobody's orders are accepted.

    `signer_limits` are the token buckets per signer: "enforce" answers 429 beyond them, "warn" says so in a header,
    "off" sends no such headers. `address_limits` are the windows per network address. `faults` are what goes wrong on
    purpose.
    """

    chain_id: int = 137
    seed: int = 7
    starting_balance: Annotated[Decimal, Field(ge=0)] = Decimal(1000)
    simulated_traders: bool = True
    mined_after_s: Seconds = 1.0
    confirmed_after_s: Seconds = 2.0
    settlement_retry_probability: Probability = 0.0
    settlement_failure_probability: Probability = 0.0
    retried_after_s: Seconds = 5.0
    matching_delays: Literal["market", "off"] = "market"
    taker_delay_s: Seconds = 0.05
    market_buy_fills: Literal["dollars", "shares"] = "dollars"
    market_buy_share_decimals: Literal["tick", "four"] = "tick"
    empty_side_quotes: Literal["bounds", "not_found"] = "bounds"
    gtd_min_lead_s: int = 60
    gtd_security_threshold_s: int = 60
    timestamp_tolerance_s: Seconds | None = None
    deposit_wallets_only: bool = False
    known_outcomes: Mapping[str, Literal[0, 1] | None] = field(default_factory=dict)
    auto_redeem_after_s: Seconds | None = None
    relayed_step_s: Seconds = 0.25
    live_data_history_min: Annotated[int, Field(ge=0)] = 2 * 24 * 60
    banned_addresses: tuple[str, ...] = ()
    closed_only_addresses: tuple[str, ...] = ()
    geoblocked_country: str | None = None
    signer_limits: Literal["off", "warn", "enforce"] = "off"
    address_limits: Literal["off", "enforce"] = "off"
    max_batch_orders: int = 15
    max_batch_cancels: int = 3000
    stream_queue_frames: int = 1000
    faults: FaultPlan = NO_FAULTS
