"""Past stretches of prices that look like a market's latest, and what followed them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ...gpu.interface import Busy, ComputeError, Executor, Progress
from ..errors import InputRejected
from ..models import PriceHistory
from ..risk.computing import DEADLINE_S, ComputeUnavailable, require
from ..risk.figures import Estimate, Quantile, estimate_of, number_of, quantiles_of

LONGEST_GAP_STEPS = 3
"""A price is carried on over so many steps without news; what is longer is a gap, and no window spans it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PatternSeries:
    """One outcome's history under the name it is answered by. Outcomes of one `group` tell of a moment once."""

    name: str
    group: str
    history: PriceHistory


@dataclass(frozen=True, slots=True)
class PastMatch:
    """A stretch that ended at `ended`, alike by `correlation`, after which the price changed by `followed` dollars."""

    name: str
    ended: datetime
    correlation: Decimal
    followed: Decimal


@dataclass(frozen=True, slots=True)
class ChangeDistribution:
    """Price changes over the horizon, in dollars per share: of `count` stretches, how many rose and by how much."""

    count: int
    mean: Estimate
    rises: Estimate
    quantiles: tuple[Quantile, ...]


@dataclass(frozen=True, slots=True)
class PatternOutlook:
    """What followed stretches like the latest one, and what followed any stretch (`base`).

    `flat` says that there is no pattern: the price hardly moved. `p_value` is how often stretches drawn at random from
    the same series are followed by changes whose mean is as far from the base's; None without matches.
    """

    flat: bool
    began: datetime
    ended: datetime
    matches: tuple[PastMatch, ...]
    outcome: ChangeDistribution | None
    base: ChangeDistribution | None
    p_value: Decimal | None
    windows: int
    shuffles: int
    seed: int
    engine: str


async def find_patterns(
    executor: Executor,
    *,
    latest: PatternSeries,
    others: Sequence[PatternSeries],
    step: timedelta,
    length: int,
    horizon: int,
    tick: Decimal,
    count: int = 20,
    seed: int,
    deadline_s: float = DEADLINE_S,
    progress: Progress | None = None,
) -> PatternOutlook:
    """Look for the last `length` steps of `latest` in its own past and in `others`.

    A match and what followed it end before the stretch asked about begins: nothing is used that was not known then.
    Raises InputRejected where there is not enough history, and ComputeUnavailable.
    """
    require(4 <= length <= 1000, f"{length} bars", "4 to 1000 bars")
    require(1 <= horizon <= 1000, f"a horizon of {horizon} bars", "1 to 1000 bars")
    require(1 <= count <= 200, f"{count} matches", "1 to 200 matches")
    require(timedelta(minutes=1) <= step <= timedelta(days=7), f"bars of {step}", "bars of 1 minute to 7 days")
    series = [latest, *others]
    resampled = [_resampled(each.history, step) for each in series]
    start, prices = resampled[0]
    stretch = prices[-length:]
    if len(stretch) < length or any(math.isnan(price) for price in stretch):
        raise InputRejected(
            f"The latest {length} bars of {latest.name} are not all known: its history has {len(prices)} bars.",
            code="not_enough_history",
            fix="fewer or longer bars",
        )
    before = start + len(prices) - length
    payload: dict[str, Any] = {
        "series": [
            {"prices": _plain(values), "start": first, "group": each.group}
            for each, (first, values) in zip(series, resampled, strict=True)
        ],
        "queries": [{"prices": stretch, "before": before}],
        "horizon": horizon,
        "count": count,
        "tick": float(tick),
        "seed": seed,
    }
    try:
        answer = await executor.submit("find_patterns", payload, deadline_s=deadline_s, progress=progress)
    except ComputeError as error:
        raise ComputeUnavailable(str(error), busy=isinstance(error, Busy)) from error
    (found,) = answer["queries"]
    return PatternOutlook(
        flat=found["flat"],
        began=_EPOCH + before * step,
        ended=_EPOCH + (before + length - 1) * step,
        matches=tuple(
            PastMatch(
                name=series[match["series"]].name,
                ended=_EPOCH + (resampled[match["series"]][0] + match["first"] + length - 1) * step,
                correlation=number_of(match["correlation"]),
                followed=number_of(match["followed"]),
            )
            for match in found.get("matches", ())
        ),
        outcome=_distribution(found.get("outcome")),
        base=_distribution(found.get("base")),
        p_value=None if found.get("p_value") is None else number_of(found["p_value"]),
        windows=answer["windows"],
        shuffles=found.get("shuffles", 0),
        seed=answer["seed"],
        engine=answer["engine"],
    )


def _resampled(history: PriceHistory, step: timedelta) -> tuple[int, list[float]]:
    """The number of the first whole step since 1970, and prices from it on: the last one known, NaN after a gap."""
    points = [(point.at, float(point.price)) for point in history.points]
    if not points:
        return 0, []
    first = -((_EPOCH - points[0][0]) // step)
    last = (points[-1][0] - _EPOCH) // step
    prices = []
    known = 0
    for number in range(first, last + 1):
        moment = _EPOCH + number * step
        while known + 1 < len(points) and points[known + 1][0] <= moment:
            known += 1
        at, price = points[known]
        prices.append(price if moment - at <= LONGEST_GAP_STEPS * step else math.nan)
    return first, prices


def _plain(prices: Sequence[float]) -> list[float | None]:
    """Messages to workers carry no NaN."""
    return [None if math.isnan(price) else price for price in prices]


def _distribution(raw: dict[str, Any] | None) -> ChangeDistribution | None:
    if raw is None:
        return None
    return ChangeDistribution(
        count=raw["count"],
        mean=estimate_of(raw["mean"]),
        rises=estimate_of(raw["rises"]),
        quantiles=quantiles_of(raw["quantiles"]),
    )
