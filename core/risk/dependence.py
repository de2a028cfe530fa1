"""What a book is made of for a simulation: holdings, which exclude each other, and how the rest move together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ..identifiers import ConditionId
from .computing import require, within
from .figures import number_of


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of one side of a market.

    `probability` is that of the market's first outcome whichever side is held; `first_outcome` says that it is
    that one. `cost` is dollars paid with fees. Markets with the same `event` exclude each other; `cluster` names
    what moves events together, such as a tag ("" for independent).
    """

    market: ConditionId
    probability: Decimal
    shares: Decimal
    cost: Decimal
    first_outcome: bool = True
    event: str = ""
    cluster: str = ""

    @property
    def event_name(self) -> str:
        """A market that stands alone is an event of its own."""
        return self.event or self.market


@dataclass(frozen=True, slots=True)
class Dependence:
    """How events hang together, between the latent normals of a copula.

    `correlation`, in [0, 1), is that of any two events of a cluster; `pairs` are correlations in [-1, 1] of two events
    by name, in place of it. With `degrees_of_freedom` (2 to 200) the copula is a t copula, else Gaussian.
    """

    correlation: Decimal = Decimal(0)
    pairs: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    degrees_of_freedom: int | None = None


INDEPENDENT = Dependence()


@dataclass(frozen=True, slots=True)
class BookLayout:
    """Names of the events, and the book as tasks take it."""

    names: tuple[str, ...]
    payload: Mapping[str, Any]


def book_layout(
    holdings: Sequence[Holding], other_outcomes: Mapping[str, Sequence[Decimal]], dependence: Dependence
) -> BookLayout:
    """`other_outcomes` gives, per event, the probabilities of its outcomes in which nothing is held, possibly none; an
    event named there is taken as complete. Raises InputRejected for a book that makes no sense.
    """
    require(bool(holdings), "an empty book", "at least one holding")
    require(
        within(dependence.correlation, "0", "0.999"),
        f"correlation {dependence.correlation}",
        "a correlation from 0 to 0.999",
    )
    degrees = dependence.degrees_of_freedom
    require(degrees is None or 2 <= degrees <= 200, f"{degrees} degrees of freedom", "2 to 200")
    for holding in holdings:
        name = f"{holding.market}: "
        require(within(holding.probability, "0", "1"), f"{name}probability {holding.probability}", "0 to 1")
        require(
            within(holding.shares, "0", "1e12"),
            f"{name}{holding.shares} shares",
            "0 shares or more; a short is the other side",
        )
        require(holding.cost.is_finite(), f"{name}cost {holding.cost}", "a cost in dollars")
    markets, clusters = _grouped(holdings)
    names = tuple(markets)
    shared = {cluster for cluster in clusters.values() if cluster and list(clusters.values()).count(cluster) > 1}
    events = [
        {
            "probabilities": [float(p) for p in (*markets[name].values(), *other_outcomes.get(name, ()))],
            "complete": name in other_outcomes,
            "cluster": clusters[name] if clusters[name] in shared else None,
            "loading": math.sqrt(dependence.correlation) if clusters[name] in shared else 0.0,
        }
        for name in names
    ]
    placed = [
        {
            "event": names.index(holding.event_name),
            "outcome": list(markets[holding.event_name]).index(holding.market),
            "wins_on": holding.first_outcome,
            "shares": float(holding.shares),
            "cost": float(holding.cost),
        }
        for holding in holdings
    ]
    payload: dict[str, Any] = {"events": events, "holdings": placed}
    if degrees is not None:
        payload["copula"] = {"family": "t", "degrees_of_freedom": degrees}
    if dependence.pairs:
        payload["correlation"] = _matrix(names, clusters, dependence)
    return BookLayout(names, payload)


def overround_by_event(names: Sequence[str], missed: Sequence[float]) -> dict[str, Decimal]:
    """Of the events whose probabilities had to be scaled, by how much they missed 1."""
    return {name: amount for name, amount in zip(names, map(number_of, missed), strict=True) if amount}


def _grouped(holdings: Sequence[Holding]) -> tuple[dict[str, dict[ConditionId, Decimal]], dict[str, str]]:
    """Markets with their probabilities, and the cluster, by event."""
    markets: dict[str, dict[ConditionId, Decimal]] = {}
    clusters: dict[str, str] = {}
    for holding in holdings:
        event = holding.event_name
        known = markets.setdefault(event, {}).setdefault(holding.market, holding.probability)
        require(
            known == holding.probability,
            f"{holding.market}: probabilities {known} and {holding.probability}",
            "one probability per market, that of its first outcome",
        )
        require(
            clusters.setdefault(event, holding.cluster) == holding.cluster,
            f"{event}: clusters {clusters[event]!r} and {holding.cluster!r}",
            "one cluster per event",
        )
    return markets, clusters


def _matrix(names: Sequence[str], clusters: Mapping[str, str], dependence: Dependence) -> list[list[float]]:
    base = float(dependence.correlation)
    matrix = [
        [
            1.0 if one == other else base if clusters[one] and clusters[one] == clusters[other] else 0.0
            for other in names
        ]
        for one in names
    ]
    for (one, other), correlation in dependence.pairs.items():
        known = one in names and other in names and one != other
        require(known, f"a correlation of {one} and {other}", f"two different events of {', '.join(names)}")
        require(within(correlation, "-1", "1"), f"correlation {correlation}", "a correlation from -1 to 1")
        row, column = names.index(one), names.index(other)
        matrix[row][column] = matrix[column][row] = float(correlation)
    return matrix
