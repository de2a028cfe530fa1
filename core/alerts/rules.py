"""What can be watched: the kinds of alert rules, what each takes, and how a rule reads and is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Literal

from ..identifiers import ConditionId, TokenId
from ..money import text
from ..untrusted_text import quoted

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Direction = Literal["above", "below", "either"]

ORDER_TURNS = ("filled", "failed", "unknown", "rejected", "cancelled", "expired", "open")
RESOLUTION_STEPS = ("proposed", "disputed", "final")

_SHORTEST_BURST_S = 120.0
"""The catalogue's volume is read once a minute: a shorter burst could not be seen."""

_DAY_S = 86_400.0


class AlertKind(StrEnum):
    """What a rule watches."""

    PRICE_CROSSES = "price_crosses"
    SPREAD = "spread"
    VOLUME = "volume"
    IMBALANCE = "imbalance"
    NEW_MARKET = "new_market"
    ORDER = "order"
    RESOLUTION = "resolution"
    DRAWDOWN = "drawdown"
    EXPOSURE = "exposure"
    STRATEGY_DEGRADATION = "strategy_degradation"
    RATE_LIMIT = "rate_limit"
    STALE_STREAM = "stale_stream"
    DEAD_LETTER = "dead_letter"
    SYSTEM_HEALTH = "system_health"


@dataclass(frozen=True, slots=True)
class Target:
    """The outcome of a market that a rule is about. `question` and `outcome` are the market's own words."""

    condition_id: ConditionId
    token_id: TokenId
    slug: str
    question: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One rule. What each field means depends on the kind: see TERMS.

    `channel` None stands for every channel that is configured.
    """

    kind: AlertKind
    target: Target | None = None
    threshold: Decimal | None = None
    direction: Direction | None = None
    within_s: float | None = None
    lasting_s: float = 0.0
    query: str = ""
    channel: str | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for rules that watch the same and tell the same channel."""
        target = self.target.token_id if self.target else ""
        watched = (
            self.kind.value,
            target,
            text(self.threshold) if self.threshold is not None else "",
            self.direction,
            self.within_s,
            self.lasting_s,
            self.query,
            self.channel,
        )
        return hashlib.sha256(repr(watched).encode()).hexdigest()

    @property
    def words(self) -> frozenset[str]:
        """The query as words, for the kinds whose query chooses among known ones."""
        return frozenset(self.query.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a kind takes. `most` is the largest threshold (none where infinite), `unit` what it counts.

    Defaults stand where a value may be left out. `words` are those a query may choose from.
    """

    market: Literal["needed", "possible", "none"] = "none"
    threshold: Literal["needed", "possible", "none"] = "none"
    unit: str = ""
    most: Decimal | None = None
    default_threshold: Decimal | None = None
    directions: tuple[Direction, ...] = ()
    default_direction: Direction | None = None
    within: bool = False
    default_within_s: float | None = None
    least_within_s: float = 1.0
    lasting: bool = True
    default_lasting_s: float = 0.0
    query: Literal["needed", "possible", "none"] = "none"
    words: tuple[str, ...] = ()
    example: str = ""


_ONE = Decimal(1)
_LEAST = Decimal("0.000001")

TERMS: Mapping[AlertKind, Terms] = {
    AlertKind.PRICE_CROSSES: Terms(
        market="needed",
        threshold="needed",
        unit="dollars a share",
        most=_ONE,
        directions=("above", "below", "either"),
        default_direction="either",
        within=True,
        example="market, threshold 0.6, direction above; with within 3600 a move of threshold within an hour",
    ),
    AlertKind.SPREAD: Terms(
        market="needed",
        threshold="needed",
        unit="dollars a share",
        most=_ONE,
        directions=("above", "below"),
        default_direction="above",
        example="market, threshold 0.05",
    ),
    AlertKind.VOLUME: Terms(
        market="needed",
        threshold="needed",
        unit="dollars traded",
        within=True,
        least_within_s=_SHORTEST_BURST_S,
        lasting=False,
        example="market, threshold 50000 of 24 hours; with within 600 of ten minutes",
    ),
    AlertKind.IMBALANCE: Terms(
        market="needed",
        threshold="needed",
        unit="of -1 (all asks) to 1 (all bids)",
        most=_ONE,
        directions=("above", "below", "either"),
        default_direction="either",
        example="market, threshold 0.6",
    ),
    AlertKind.NEW_MARKET: Terms(query="needed", lasting=False, example='query "fed rate"'),
    AlertKind.ORDER: Terms(
        market="possible", query="possible", words=ORDER_TURNS, lasting=False, example='query "filled failed"'
    ),
    AlertKind.RESOLUTION: Terms(
        market="possible",
        query="possible",
        words=RESOLUTION_STEPS,
        lasting=False,
        example="market; without one, every market in which something is held",
    ),
    AlertKind.DRAWDOWN: Terms(
        threshold="needed",
        unit="percent below the highest equity",
        most=Decimal(100),
        within=True,
        default_within_s=_DAY_S,
        example="threshold 5, within 86400",
    ),
    AlertKind.EXPOSURE: Terms(threshold="needed", unit="dollars that can be lost at most", example="threshold 500"),
    AlertKind.STRATEGY_DEGRADATION: Terms(query="possible", lasting=False, example="query RUN_ID, or all runs"),
    AlertKind.RATE_LIMIT: Terms(
        threshold="possible",
        unit="requests left",
        default_threshold=Decimal(5),
        example="threshold 5",
    ),
    AlertKind.STALE_STREAM: Terms(default_lasting_s=60.0, example="for_s 60"),
    AlertKind.DEAD_LETTER: Terms(lasting=False, example="no arguments"),
    AlertKind.SYSTEM_HEALTH: Terms(example="no arguments"),
}
"""What each kind takes."""

DEFAULT_RULES: Mapping[str, AlertRule] = {
    f"default_{rule.kind.value}": rule
    for rule in (
        AlertRule(kind=AlertKind.ORDER, query="failed unknown"),
        AlertRule(kind=AlertKind.DEAD_LETTER),
        AlertRule(kind=AlertKind.STRATEGY_DEGRADATION),
        AlertRule(kind=AlertKind.RATE_LIMIT, threshold=Decimal(5)),
        AlertRule(kind=AlertKind.STALE_STREAM, lasting_s=60.0),
        AlertRule(kind=AlertKind.SYSTEM_HEALTH),
    )
}
"""Rules that watch without anybody asking, by id; settings choose among them."""


def in_order(chosen: frozenset[str], words: tuple[str, ...]) -> list[str]:
    """Those of the known words that were chosen, in the order in which they are known."""
    return [word for word in words if word in chosen]


def described(rule: AlertRule) -> str:
    """One line that says what a rule watches; a market's words are quoted and cut."""
    about = f"{quoted(rule.target.outcome, 40)} of {rule.target.slug}" if rule.target else ""
    at = text(rule.threshold) if rule.threshold is not None else ""
    parts = {
        AlertKind.PRICE_CROSSES: f"{about} moves by {at}" if rule.within_s else f"{about} crosses {at}",
        AlertKind.SPREAD: f"spread of {about} {rule.direction} {at}",
        AlertKind.VOLUME: f"volume of {rule.target.slug if rule.target else ''} from ${at} on",
        AlertKind.IMBALANCE: f"imbalance of {about} beyond {at}",
        AlertKind.NEW_MARKET: f'new market about "{quoted(rule.query, 80)}"',
        AlertKind.ORDER: f"order {', '.join(in_order(rule.words, ORDER_TURNS))}",
        AlertKind.RESOLUTION: f"resolution {', '.join(in_order(rule.words, RESOLUTION_STEPS))}",
        AlertKind.DRAWDOWN: f"equity {at} % below its highest",
        AlertKind.EXPOSURE: f"exposure from ${at} on",
        AlertKind.STRATEGY_DEGRADATION: f"run {quoted(rule.query, 40) or 'of any strategy'} falls behind expectation",
        AlertKind.RATE_LIMIT: f"fewer than {at} requests left",
        AlertKind.STALE_STREAM: "stream of books is stale",
        AlertKind.DEAD_LETTER: "dead letter is kept",
        AlertKind.SYSTEM_HEALTH: "venue, clock, desk or workers are not well",
    }
    said = [parts[rule.kind]]
    if rule.kind in (AlertKind.PRICE_CROSSES, AlertKind.IMBALANCE) and rule.direction != "either":
        said.append(f"({rule.direction})")
    if rule.target and rule.kind in (AlertKind.ORDER, AlertKind.RESOLUTION):
        said.append(f"in {rule.target.slug}")
    if rule.within_s:
        said.append(f"within {rule.within_s:g} s")
    if rule.lasting_s:
        said.append(f"for {rule.lasting_s:g} s")
    return " ".join(said)


def rule_to_text(rule: AlertRule) -> str:
    return _rules().dump_json(rule).decode()


def rule_from_text(document: str) -> AlertRule:
    return _rules().validate_json(document)


@cache
def _rules() -> TypeAdapter[AlertRule]:
    from pydantic import TypeAdapter

    return TypeAdapter(AlertRule)
