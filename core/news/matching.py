"""Which markets an item of news is about, and why: by the names, topics, figures and dates that both mention.

A question has subjects (Fed, Bitcoin, Spain, a candidate) and a context (interest rates, the World Cup, a strike). An
item is about it where it names the subject, or what stands for it, and touches the context. What only looks alike, such
as another central bank's rates or another business of the same country, is left out by what the item names besides.
No model is asked: everything is looked up, so that thousands of markets cost milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .questions import Name, Question
from .reading import Reading
from .vocabulary import Concept

ENGINE = "names and topics"
LEAST_SCORE = 0.5
"""From here on an item counts as being about a market."""

_LEAST_SUBJECT, _SUBJECT_IS_PLAIN = 0.5, 0.55
_LEAST_CONTEXT, _CONTEXT_IS_PLAIN = 0.45, 0.6
"""Where half of the subjects are named, or one is only taken for granted, more of the context is needed."""

_TAKEN_FOR_GRANTED = 0.5
_OF_A_RARE_NAME = 0.5
"""Whoever is not in the news every day is in it for what is asked, as like as not."""


_LEAST_SHARED, _LEAST_SHARE = 2, 0.6
"""Words, and the share of the question's, that make a match where it names nobody."""

_WEIGHTS = {"bank": 2.0, "asset": 2.0, "country": 2.0, "place": 3.0, "person": 1.5}
_FOOTBALL = frozenset(
    {"world cup", "champions league", "europa league", "premier league", "la liga", "serie a", "bundesliga", "mls"}
)
_AWARDS = frozenset({"oscars", "grammys", "emmys", "nobel", "eurovision"})

_BANK_OF = {
    "us": "fed",
    "euro area": "ecb",
    "germany": "ecb",
    "uk": "boe",
    "japan": "boj",
    "canada": "boc",
    "australia": "rba",
    "new zealand": "rbnz",
    "india": "rbi",
    "china": "pboc",
    "switzerland": "snb",
    "mexico": "banxico",
    "south korea": "bok",
    "sweden": "riksbank",
    "norway": "norges bank",
    "turkey": "cbrt",
    "brazil": "bcb",
}
_MOVES_A_BANK = frozenset({"price report", "jobs", "interest rate"})
"""News of these is news of what the country's central bank will do."""

_MOVES_A_NAMED_COUNTRYS_BANK = _MOVES_A_BANK | {"inflation"}

_STANDS_FOR: Mapping[str, Mapping[str, float]] = {
    "interest rate": {"rates": 0.9, "price report": 0.7, "inflation": 0.7, "jobs": 0.7}
    | {"yields": 0.6, "policy meeting": 0.7, "gdp": 0.4},
    "policy meeting": {"interest rate": 1.0, "rates": 0.9, "price report": 0.7, "inflation": 0.7, "jobs": 0.7},
    "inflation": {"price report": 1.0, "interest rate": 0.5, "tariff": 0.4},
    "price report": {"inflation": 0.9, "interest rate": 0.4, "tariff": 0.4},
    "jobs": {"gdp": 0.4},
    "gdp": {"jobs": 0.6, "inflation": 0.5, "tariff": 0.4},
    "ceasefire": {"attack": 0.7, "war": 0.8, "visit": 0.6, "invasion": 0.7},
    "attack": {"war": 0.8, "ceasefire": 0.7, "nuclear": 0.6, "shipping": 0.5, "invasion": 0.8},
    "invasion": {"war": 0.8, "attack": 0.8, "ceasefire": 0.7},
    "war": {"attack": 0.9, "ceasefire": 0.9, "invasion": 0.9},
    "nuclear": {"attack": 0.6, "ceasefire": 0.6, "visit": 0.5, "war": 0.5},
    "shipping": {"attack": 0.7, "war": 0.7, "ceasefire": 0.7},
    "leave office": {"indictment": 0.6, "election": 0.6, "court": 0.5, "war": 0.5, "attack": 0.5},
    "election": {"primary": 0.9, "leave office": 0.4},
    "primary": {"election": 0.9},
    "visit": {"ceasefire": 0.7, "tariff": 0.6},
    "tariff": {"court": 0.5, "visit": 0.5},
    "indictment": {"court": 0.8, "pardon": 0.6},
    "pardon": {"indictment": 0.7, "court": 0.6},
    "court": {"indictment": 0.6},
    "ipo": {"market cap": 0.7},
    "market cap": {"ipo": 0.6},
    "reserve fund": {"etf": 0.4},
}
"""How far news of one topic is news of another: the first is the question's."""


@dataclass(frozen=True, slots=True)
class Match:
    """`score` is 0 to 1, `why` says what made it, the weightiest first."""

    score: float
    why: tuple[str, ...]

    @property
    def counts(self) -> bool:
        return self.score >= LEAST_SCORE


NO_MATCH = Match(0.0, ())


def concerns(question: Question, reading: Reading) -> bool:
    """Whether an item names a question's subjects, whatever it says of them."""
    why: list[tuple[float, str]] = []
    subject = _subject(question, reading, why)
    return subject >= _LEAST_SUBJECT or _decided_for_another(question, reading, why) >= _LEAST_SUBJECT


def match(question: Question, reading: Reading) -> Match:
    """How far an item is about a question."""
    why: list[tuple[float, str]] = []
    subject = _subject(question, reading, why)
    if subject < _LEAST_SUBJECT:
        subject = _decided_for_another(question, reading, why)
    if subject < _LEAST_SUBJECT:
        return NO_MATCH
    context = _context(question, reading, why)
    if context is None and subject < _SUBJECT_IS_PLAIN:
        return NO_MATCH
    if context is not None and context < (_LEAST_CONTEXT if subject >= _SUBJECT_IS_PLAIN else _CONTEXT_IS_PLAIN):
        return NO_MATCH
    score = subject if context is None else 0.6 * subject + 0.4 * context
    if question.years and reading.years and not question.years & reading.years:
        score *= 0.6
        why.append((0.0, f"but of {', '.join(sorted(reading.years))}"))
    if nearest := _nearest(question.figures, reading.figures):
        score = min(score + 0.05, 1.0)
        why.append((0.3, f"figure {nearest[0]:g} beside {nearest[1]:g}"))
    why.sort(key=lambda each: -each[0])
    return Match(round(score, 3), tuple(dict.fromkeys(text for _, text in why)))


def stands_for(reading: Reading) -> set[Concept]:
    """Everything that a question must name, or be about, for an item to be held against it."""
    found = set(reading.concepts)
    if reading.topics.keys() & _MOVES_A_NAMED_COUNTRYS_BANK and not reading.banks:
        found |= {Concept("bank", _BANK_OF.get(country, "")) for country in reading.countries or {"us"}}
    if "iran" in reading.countries:
        found.add(Concept("place", "hormuz"))
    if not reading.countries and reading.topics:
        found.add(Concept("country", "us"))
    found |= {Concept("topic", topic) for topic, near in _STANDS_FOR.items() if near.keys() & reading.topics.keys()}
    return found


def _subject(question: Question, reading: Reading, why: list[tuple[float, str]]) -> float:
    """The share of what the question is about that the item names, or names something for."""
    total = found = 0.0
    for concept in question.subjects:
        weight = (
            1.0 if concept.name == "us" and len(question.subjects) + len(question.names) > 1 else _WEIGHTS[concept.kind]
        )
        degree, reason = _of_concept(concept, reading)
        total += weight
        found += weight * degree
        if degree:
            why.append((weight * degree, reason))
    for name in question.names:
        degree = _of_name(name, reading)
        # Headlines leave the number of a district out.
        weight = 0.5 if name.text[-1].isdigit() else 2.0
        total += weight
        found += weight * degree
        if degree:
            why.append((weight * degree, f"names {name.text}"))
    if total:
        return found / total
    # A question that names nobody is about its competition or its words.
    if question.competitions:
        return max(_of_competition(each, question, reading, why) for each in question.competitions)
    if question.topics:
        if reading.countries - {"us"} or (question.words and not question.words & reading.stems.keys()):
            return 0.0
        return min(_of_topic(each, reading)[0] for each in question.topics)
    shared = [each for each in question.words if each in reading.stems]
    if len(shared) < _LEAST_SHARED or len(shared) < _LEAST_SHARE * len(question.words):
        return 0.0
    why.append((1.0, f"shares {', '.join(sorted(shared)[:4])}"))
    return sum(reading.stems[each] for each in shared) / len(question.words)


def _decided_for_another(question: Question, reading: Reading, why: list[tuple[float, str]]) -> float:
    """What it says of a competitor that somebody else has won, in the title."""
    if question.topics or "champion" not in reading.sport:
        return 0.0
    for name in question.competitions:
        if reading.concepts.get(Concept("competition", name)) == 1.0:
            why.append((0.6, f"the {name} has a winner"))
            return 0.55
    return 0.0


def _of_concept(concept: Concept, reading: Reading) -> tuple[float, str]:
    if (weight := reading.concepts.get(concept)) is not None:
        return weight, f"names {concept.name}"
    if concept.kind == "bank":
        moving = _MOVES_A_NAMED_COUNTRYS_BANK if reading.countries else _MOVES_A_BANK
        moved = max(reading.topics.get(topic, 0.0) for topic in moving)
        at_home = {_BANK_OF[each] for each in reading.countries if each in _BANK_OF} if reading.countries else {"fed"}
        # Whose figures they are must be plain: one country with a bank, or none, which here means the United States.
        if moved and not reading.banks and at_home == {concept.name}:
            topic = next(each for each in sorted(moving) if each in reading.topics)
            return 0.6 * moved, f"{topic} moves {concept.name}"
    if concept.name == "hormuz" and "iran" in reading.countries:
        near = [each for each in ("shipping", "attack", "war", "ceasefire") if each in reading.topics]
        if near:
            return 0.6, f"iran and {near[0]}"
    if concept.name == "us" and reading.topics and not reading.countries - {"us"}:
        return _TAKEN_FOR_GRANTED, "no other country is named"
    return 0.0, ""


def _of_name(name: Name, reading: Reading) -> float:
    if not name.key <= reading.stems.keys() or not (name.is_rare or name.key <= reading.capitals):
        return 0.0
    whole = sum(reading.stems.get(each, 0.0) for each in name.stems) / len(name.stems)
    return max(whole, 0.75 * min(reading.stems[each] for each in name.key))


def _context(question: Question, reading: Reading, why: list[tuple[float, str]]) -> float | None:
    """How far the item touches what is asked of the subjects; None where that is nothing but a price or a name."""
    found: list[float] = []
    has_subject = bool(question.subjects or question.names)
    for topic in question.topics:
        degree, reason = _of_topic(topic, reading)
        found.append(degree)
        if degree:
            why.append((degree, reason))
    if has_subject:
        found += [_of_competition(each, question, reading, why) for each in question.competitions]
    if question.words:
        shared = [each for each in question.words if each in reading.stems]
        if shared:
            why.append((0.5, f"shares {', '.join(sorted(shared)[:4])}"))
        if not found and not question.of_a_price:
            found.append(min(1.3 * len(shared) / len(question.words), 1.0))
        elif found and shared:
            found.append(min(1.2 * len(shared) / len(question.words), 0.8))
    if not found and not question.of_a_price and question.subjects and not question.names:
        return 0.0  # whoever is in the news every day needs more than a name
    if found and _names_something_rare(question, reading):
        found.append(_OF_A_RARE_NAME)
    return max(found) if found else None


def _names_something_rare(question: Question, reading: Reading) -> bool:
    if any(each.kind == "place" and each in reading.concepts for each in question.subjects):
        return True
    of_words = not question.topics and not question.competitions
    whole = (name for name in question.names if len(name.stems) > 1)
    return of_words and any(_of_name(name, reading) == 1.0 for name in whole)


def _of_topic(topic: str, reading: Reading) -> tuple[float, str]:
    if topic in reading.topics:
        return reading.topics[topic], f"about {topic}"
    near = _STANDS_FOR.get(topic, {})
    best = max(near, key=lambda each: near[each] * reading.topics.get(each, 0.0), default="")
    degree = near.get(best, 0.0) * reading.topics.get(best, 0.0)
    return degree, f"{best} bears on {topic}"


def _of_competition(name: str, question: Question, reading: Reading, why: list[tuple[float, str]]) -> float:
    weight = reading.concepts.get(Concept("competition", name))
    if weight is not None:
        why.append((weight, f"about the {name}"))
        return weight
    if name in _AWARDS or any(each.kind == "competition" for each in reading.concepts):
        return 0.0
    if name in _FOOTBALL and "football" in reading.sport:
        why.append((0.6, "football"))
        return 0.6
    of_a_country = any(each.kind == "country" for each in question.subjects)
    if reading.sport & {"any", "champion"} and not of_a_country:
        why.append((0.5, "sport"))
        return 0.5
    return 0.0


def _nearest(asked: Sequence[float], told: Sequence[float]) -> tuple[float, float] | None:
    """A figure of the item within a fifth of one of the question's, and that one."""
    pairs = [(said, wanted) for wanted in asked for said in told if abs(said - wanted) <= wanted / 5]
    return min(pairs, key=lambda pair: abs(pair[0] - pair[1])) if pairs else None
