"""What moved an account's cash and shares: its fills, and the sets, redemptions, rewards and payments around them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from ..identifiers import ConditionId, TokenId
from ..models import OrderSide, Trade, TradeStatus
from ..polymarket.wire.data_api import Activity

_MICRO = Decimal("0.000001")
_FEE_STEP = Decimal("0.00001")

FeeOf = Callable[[Trade], Decimal]
_FillKey = tuple[str, TokenId, OrderSide]


class FlowKind(StrEnum):
    """Why cash or shares moved."""

    TRANSFER = "transfer"
    INCOME = "income"
    BUY = "buy"
    SPLIT = "split"
    SELL = "sell"
    MERGE = "merge"
    REDEEM = "redeem"


_TRANSFERS = {"DEPOSIT": 1, "WITHDRAWAL": -1, "MIGRATION": 1}
_INCOME = frozenset({"REWARD", "MAKER_REBATE", "TAKER_REBATE", "REFERRAL_REWARD", "YIELD"})
_SETS = {"SPLIT": FlowKind.SPLIT, "MERGE": FlowKind.MERGE}
_ORDER = {kind: number for number, kind in enumerate(FlowKind)}
"""Of what happened in one second, what brings money or shares is booked before what takes them."""


@dataclass(frozen=True, slots=True)
class CashFlow:
    """One movement. `cash` is dollars that came (negative: left), `fee` included, which is dollars too.

    `shares` came to each of `token_ids` or left it; a redemption empties its whole market, whatever that held.
    `status` is that of the trade, None for what is not one. `exact` is False where `cash` was worked out from price
    and size because the public record does not have the trade yet.
    """

    kind: FlowKind
    at: datetime
    cash: Decimal
    condition_id: ConditionId
    token_ids: tuple[TokenId, ...] = ()
    shares: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    status: TradeStatus | None = None
    exact: bool = True

    @property
    def delivered(self) -> bool:
        """Whether the venue's balances show it."""
        return self.status is None or not self.status.undelivered

    @property
    def final(self) -> bool:
        """Whether it can no longer be undone."""
        return self.status in (None, TradeStatus.CONFIRMED)


@dataclass(frozen=True, slots=True)
class CashFlows:
    """All movements, oldest first, and the kinds of rows in the public record that could not be booked."""

    items: tuple[CashFlow, ...]
    not_counted: tuple[str, ...]

    @property
    def inexact(self) -> int:
        """How many delivered trades the public record does not have yet."""
        return sum(flow.delivered and not flow.exact for flow in self.items)


def flows_of(
    trades: Iterable[Trade],
    activity: Sequence[Activity],
    *,
    fee_of: FeeOf,
    tokens_of: Mapping[ConditionId, tuple[TokenId, ...]],
) -> CashFlows:
    """Bring an account's fills and its public record together, each movement once.

    A fill says what it is and how far it has settled, the record what it cost to the millionth; void fills moved
    nothing. `tokens_of` has both outcomes of the markets where sets were split or merged.
    """
    fills = [trade for trade in trades if trade.status is not TradeStatus.FAILED]
    rows = [row for row in activity if row.kind == "TRADE"]
    flows = _fill_flows(fills, rows, fee_of)
    on_chain = {trade.transaction_hash for trade in fills if trade.transaction_hash}
    flows += [_recorded_trade(row) for row in rows if row.transaction_hash not in on_chain]
    not_counted = set()
    for row in activity:
        flow = _other_flow(row, tokens_of)
        if flow is not None:
            flows.append(flow)
        elif row.kind != "TRADE":
            not_counted.add(row.kind)
    flows.sort(key=lambda flow: (flow.at, _ORDER[flow.kind]))
    return CashFlows(tuple(flows), tuple(sorted(not_counted)))


def is_whole(dollars: Decimal) -> bool:
    """Whether an amount is one of millionths, as the venue's are, so that nothing is left to its rounding."""
    return dollars == dollars.quantize(_MICRO)


def sets_in(activity: Iterable[Activity]) -> set[ConditionId]:
    """The markets whose both outcomes must be known to book what happened in them."""
    return {row.condition_id for row in activity if row.kind in _SETS}


def _fill_flows(fills: Iterable[Trade], rows: Iterable[Activity], fee_of: FeeOf) -> list[CashFlow]:
    recorded: defaultdict[_FillKey, list[Activity]] = defaultdict(list)
    for row in rows:
        if row.side is not None:
            recorded[row.transaction_hash, row.token_id, row.side].append(row)
    filled: defaultdict[_FillKey, list[Trade]] = defaultdict(list)
    for fill in fills:
        # Without a transaction there is nothing to look up, and no two fills belong together.
        filled[fill.transaction_hash or f"{fill.id} {fill.order_id}", fill.token_id, fill.side].append(fill)
    flows: list[CashFlow] = []
    for key, parts in filled.items():
        public = recorded.get(key, [])
        exact = sum((row.size for row in public), Decimal(0)) == sum((fill.size for fill in parts), Decimal(0))
        estimated = [_estimated(fill, fee_of(fill)) for fill in parts]
        if not exact:
            flows += estimated
            continue
        total = sum((row.dollars for row in public), Decimal(0))
        signed = -total if key[2] is OrderSide.BUY else total
        flows += _corrected(parts, estimated, signed)
    return flows


def _estimated(fill: Trade, fee: Decimal) -> CashFlow:
    buying = fill.side is OrderSide.BUY
    value = fill.price * fill.size
    # Fractions of a millionth go against the account until the record says what they were.
    cash = -value.quantize(_MICRO, rounding=ROUND_CEILING) if buying else value.quantize(_MICRO, rounding=ROUND_FLOOR)
    return _trade_flow(fill, cash=cash - fee, fee=fee, exact=False)


def _corrected(parts: Sequence[Trade], estimated: Sequence[CashFlow], total: Decimal) -> list[CashFlow]:
    """The flows of one transaction, so that they add up to what the record says; its largest fill bears the rest."""
    rest = total - sum((flow.cash for flow in estimated), Decimal(0))
    largest = max(range(len(parts)), key=lambda number: parts[number].size)
    flows = []
    for number, (fill, flow) in enumerate(zip(parts, estimated, strict=True)):
        more = rest if number == largest else Decimal(0)
        fee = flow.fee or (_fee_within(-more) if fill.is_taker else Decimal(0))
        flows.append(_trade_flow(fill, cash=flow.cash + more, fee=fee, exact=True))
    return flows


def _fee_within(excess: Decimal) -> Decimal:
    """The part of what a taker paid beyond price x size that is its fee: those have five decimals."""
    return max(excess.quantize(_FEE_STEP, rounding=ROUND_HALF_EVEN), Decimal(0))


def _trade_flow(fill: Trade, *, cash: Decimal, fee: Decimal, exact: bool) -> CashFlow:
    buying = fill.side is OrderSide.BUY
    return CashFlow(
        kind=FlowKind.BUY if buying else FlowKind.SELL,
        at=fill.timestamp,
        cash=cash,
        condition_id=fill.market_id,
        token_ids=(fill.token_id,),
        shares=fill.size if buying else -fill.size,
        fee=fee,
        status=fill.status,
        exact=exact,
    )


def _recorded_trade(row: Activity) -> CashFlow:
    """A trade that the account's own list does not have, such as one of another of its API keys."""
    buying = row.side is OrderSide.BUY
    value = row.price * row.size
    return CashFlow(
        kind=FlowKind.BUY if buying else FlowKind.SELL,
        at=row.timestamp,
        cash=-row.dollars if buying else row.dollars,
        condition_id=row.condition_id,
        token_ids=(row.token_id,),
        shares=row.size if buying else -row.size,
        fee=_fee_within(row.dollars - value if buying else value - row.dollars),
    )


def _other_flow(row: Activity, tokens_of: Mapping[ConditionId, tuple[TokenId, ...]]) -> CashFlow | None:
    """What a row that is no trade moved; None for a kind whose effect cannot be told from the row."""
    if row.kind in _TRANSFERS:
        return CashFlow(FlowKind.TRANSFER, row.timestamp, row.dollars * _TRANSFERS[row.kind], row.condition_id)
    if row.kind in _INCOME:
        return CashFlow(FlowKind.INCOME, row.timestamp, row.dollars, row.condition_id)
    if row.kind == "REDEEM":
        return CashFlow(FlowKind.REDEEM, row.timestamp, row.dollars, row.condition_id)
    tokens = tokens_of.get(row.condition_id)
    if row.kind in _SETS and tokens is not None:
        came = 1 if row.kind == "SPLIT" else -1
        return CashFlow(
            _SETS[row.kind], row.timestamp, -came * row.dollars, row.condition_id, tokens, shares=came * row.size
        )
    return None
