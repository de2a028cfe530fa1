"""The routes of the liquidity programme as request specifications."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from ..identifiers import ConditionId, OrderId
from .request import METADATA_TTL_S, RequestSpec, params_of, path_of
from .wire.rewards import (
    RewardEarning,
    RewardEarningPage,
    RewardProgramme,
    RewardProgrammePage,
    parse_reward_earning_page,
    parse_reward_earnings,
    parse_reward_programme_of,
    parse_reward_programme_page,
    parse_reward_shares,
    parse_scoring,
    parse_scorings,
)


def order_scoring_spec(order_id: OrderId) -> RequestSpec[bool]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/order-scoring",
        params=params_of({"order_id": order_id}),
        parse=parse_scoring,
        auth="l2",
    )


def orders_scoring_spec(order_ids: Sequence[OrderId]) -> RequestSpec[dict[OrderId, bool]]:
    return RequestSpec(
        service="clob", method="POST", path="/orders-scoring", body=list(order_ids), parse=parse_scorings, auth="l2"
    )


def reward_programmes_spec(cursor: str | None) -> RequestSpec[RewardProgrammePage]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/rewards/markets/current",
        params=params_of({"next_cursor": cursor}),
        parse=parse_reward_programme_page,
        cache_ttl_s=METADATA_TTL_S,
    )


def reward_programme_spec(condition_id: ConditionId) -> RequestSpec[RewardProgramme | None]:
    return RequestSpec(
        service="clob",
        method="GET",
        path=path_of("rewards", "markets", condition_id),
        parse=parse_reward_programme_of,
        cache_ttl_s=METADATA_TTL_S,
        on_missing=(None,),
    )


def reward_shares_spec(*, signature_type: int) -> RequestSpec[dict[ConditionId, Decimal]]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/rewards/user/percentages",
        params=params_of({"signature_type": signature_type}),
        parse=parse_reward_shares,
        auth="l2",
    )


def reward_earnings_spec(day: date, *, signature_type: int, cursor: str | None) -> RequestSpec[RewardEarningPage]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/rewards/user",
        params=params_of({"date": day.isoformat(), "signature_type": signature_type, "next_cursor": cursor}),
        parse=parse_reward_earning_page,
        auth="l2",
    )


def reward_totals_spec(day: date, *, signature_type: int) -> RequestSpec[tuple[RewardEarning, ...]]:
    return RequestSpec(
        service="clob",
        method="GET",
        path="/rewards/user/total",
        params=params_of({"date": day.isoformat(), "signature_type": signature_type}),
        parse=parse_reward_earnings,
        auth="l2",
    )
