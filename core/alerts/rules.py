"""What can be watched: the kinds of alert rules, what each takes, and how a rule reads."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Literal

from ..errors import InputRejected
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

_LONGEST_WITHIN_S = 7 * 86_400.0
_LONGEST_LASTING_S = 86_400.0
_SYNONYMS = {"over": "above", "up": "above", "under": "below", "down": "below", "both": "either", "any": "either"}
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


def checked_rule(
    kind: str,
    *,
    target: Target | None = None,
    threshold: Decimal | None = None,
    direction: str | None = None,
    within_s: float | None = None,
    lasting_s: float | None = None,
    query: str | None = None,
    channel: str | None = None,
) -> AlertRule:
    """The rule that these arguments ask for, with the defaults of its kind.

    Raises InputRejected `invalid_rule`; `fix` is the nearest reading that would be accepted.
    """
    known = _kind_of(kind)
    terms = TERMS[known]
    _check_presence(known, terms, market=target is not None, threshold=threshold is not None, query=bool(query))
    return AlertRule(
        kind=known,
        target=target,
        threshold=_threshold(known, terms, threshold),
        direction=_direction(known, terms, direction),
        within_s=_within(known, terms, within_s),
        lasting_s=_lasting(known, terms, lasting_s),
        query=_query(known, terms, query),
        channel=channel,
    )


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
        AlertKind.ORDER: f"order {', '.join(_in_order(rule.words, ORDER_TURNS))}",
        AlertKind.RESOLUTION: f"resolution {', '.join(_in_order(rule.words, RESOLUTION_STEPS))}",
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


def with_channel(rule: AlertRule, channel: str | None) -> AlertRule:
    return replace(rule, channel=channel)


def _kind_of(kind: str) -> AlertKind:
    try:
        return AlertKind(kind)
    except ValueError:
        nearest = difflib.get_close_matches(kind.lower(), list(AlertKind), n=1, cutoff=0.4)
        raise _invalid(
            f"There is no kind {kind[:40]!r}.", f"use {nearest[0]}" if nearest else f"use one of {', '.join(AlertKind)}"
        ) from None


def _check_presence(kind: AlertKind, terms: Terms, *, market: bool, threshold: bool, query: bool) -> None:
    given = {"market": market, "threshold": threshold, "query": query}
    asked = {"market": terms.market, "threshold": terms.threshold, "query": terms.query}
    for name, need in asked.items():
        if need == "needed" and not given[name]:
            raise _invalid(f"{kind.value} needs {name}.", f"give {terms.example}")
        if need == "none" and given[name]:
            raise _invalid(f"{kind.value} takes no {name}.", f"leave {name} out; it takes {terms.example}")


def _threshold(kind: AlertKind, terms: Terms, threshold: Decimal | None) -> Decimal | None:
    if threshold is None:
        return terms.default_threshold
    if threshold <= 0:
        raise _invalid(f"threshold {text(threshold)} is not above 0.", f"give {terms.unit}, e.g. {terms.example}")
    if terms.most is not None and not (
        threshold < terms.most or (threshold == terms.most == 1 and kind == "imbalance")
    ):
        cents = threshold / 100
        fix = f"write {text(cents)}" if terms.most == _ONE and cents < 1 else f"stay below {text(terms.most)}"
        raise _invalid(f"threshold {text(threshold)} is too large: it is {terms.unit}.", fix)
    return threshold


def _direction(kind: AlertKind, terms: Terms, direction: str | None) -> Direction | None:
    if direction is None:
        return terms.default_direction
    if not terms.directions:
        raise _invalid(f"{kind.value} takes no direction.", "leave direction out")
    named = _SYNONYMS.get(direction.lower(), direction.lower())
    for known in terms.directions:
        if named == known:
            return known
    raise _invalid(f"direction {direction[:20]!r} does not fit {kind.value}.", f"use {' or '.join(terms.directions)}")


def _within(kind: AlertKind, terms: Terms, within_s: float | None) -> float | None:
    if within_s is None:
        return terms.default_within_s
    if not terms.within:
        raise _invalid(f"{kind.value} takes no within.", "leave within out")
    if not terms.least_within_s <= within_s <= _LONGEST_WITHIN_S:
        nearest = min(max(within_s, terms.least_within_s), _LONGEST_WITHIN_S)
        raise _invalid(f"within {within_s:g} s cannot be watched for {kind.value}.", f"use {nearest:g}")
    return within_s


def _lasting(kind: AlertKind, terms: Terms, lasting_s: float | None) -> float:
    if lasting_s is None:
        return terms.default_lasting_s
    if not terms.lasting and lasting_s:
        raise _invalid(f"{kind.value} happens at once: it cannot last.", "leave for_s out")
    if not 0 <= lasting_s <= _LONGEST_LASTING_S:
        raise _invalid(f"for_s {lasting_s:g} is not within a day.", f"use at most {_LONGEST_LASTING_S:g}")
    return lasting_s


def _query(kind: AlertKind, terms: Terms, query: str | None) -> str:
    if not terms.words:
        return " ".join((query or "").split())
    chosen = (query or "").replace(",", " ").lower().split() or list(terms.words)
    for word in chosen:
        if word not in terms.words:
            nearest = difflib.get_close_matches(word, terms.words, n=1, cutoff=0.5)
            fix = f"use {nearest[0]}" if nearest else f"use some of {' '.join(terms.words)}"
            raise _invalid(f"{kind.value} knows no {word[:30]!r}.", fix)
    return " ".join(_in_order(frozenset(chosen), terms.words))


def _in_order(chosen: frozenset[str], words: tuple[str, ...]) -> list[str]:
    return [word for word in words if word in chosen]


def _invalid(message: str, fix: str) -> InputRejected:
    return InputRejected(message, code="invalid_rule", fix=fix)


@cache
def _rules() -> TypeAdapter[AlertRule]:
    from pydantic import TypeAdapter

    return TypeAdapter(AlertRule)
