"""Makes alert rules of arguments: what a kind does not take is refused with the nearest reading that it does."""

from __future__ import annotations

import difflib
from decimal import Decimal

from ..errors import InputRejected
from ..money import text
from .rules import TERMS, AlertKind, AlertRule, Direction, Target, Terms, in_order

_ONE = Decimal(1)
_LONGEST_WITHIN_S = 7 * 86_400.0
_LONGEST_LASTING_S = 86_400.0
_SYNONYMS = {"over": "above", "up": "above", "under": "below", "down": "below", "both": "either", "any": "either"}


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
    return " ".join(in_order(frozenset(chosen), terms.words))


def _invalid(message: str, fix: str) -> InputRejected:
    return InputRejected(message, code="invalid_rule", fix=fix)
