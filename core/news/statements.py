"""From a market's question to the statement that its first outcome makes true, and to that statement's negation.

A model of inference judges statements, not questions. What no rule here covers becomes a sentence about the question
itself, which a model can still judge, if less well.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .predicates import (
    ADVERBS,
    AFTER_NOUNS,
    AFTER_STATES,
    CONJUNCTIONS,
    NOT_BEFORE_VERBS,
    PREPOSITIONS,
    STATES,
    TIME,
    article,
    cut_time,
    verb_index,
)
from .word_forms import base_of_finite, is_base, is_participle, past_of

Shape = Literal[
    "will", "wh", "contest", "line", "count", "direction", "threshold", "finite", "state", "event", "quoted"
]


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` is true when the outcome comes about, `negation` when it does not. `subject` is what they are about.

    `shape` names the rule that read the question; `quoted` means that none did.
    """

    text: str
    negation: str
    subject: str
    shape: Shape


_COMPARED = "above|below|over|under|at least|at most|more than|less than|fewer than|greater than|between"
_OPPOSITES = (
    ("no one", "someone"),
    ("nobody", "somebody"),
    ("nothing", "something"),
    ("any", "no"),
    ("no", "some"),
    ("more than", "at most"),
    ("at most", "more than"),
    ("fewer than", "at least"),
    ("less than", "at least"),
    ("at least", "fewer than"),
)
"""Openings of subjects that are negated themselves: "any country will leave" against "no country will leave"."""

_YES = frozenset({"yes", ""})

_CONTEST = re.compile(
    r"(?:(?P<context>[^:]+): )?(?P<first>[^:]+?) vs\.? (?P<second>[^:]+?)"
    r"(?: - (?P<part>[^:-]+? Winner))?(?:: (?P<line>.+))?"
)
_PART_WINNER = re.compile(
    r"(?P<part>(?:Set|Map|Game|Quarter|Half|Round) \d+|1st Half|First Half) Winner", re.IGNORECASE
)
_OVER_UNDER = re.compile(r"(?:(?P<what>.*?)[: ]+)?O/U (?P<line>\d+(?:\.\d+)?)")
_SPREAD = re.compile(r"(?:.*\b)?Spread:? (?P<team>.+?) \((?P<points>[-+]\d+(?:\.\d+)?)\)")
_COUNT = re.compile(r"(?P<who>[^:]+): (?P<least>\d+)\+ (?P<what>.+)")
_DIRECTION = re.compile(r"(?P<what>.+?) Up or Down(?P<rest>.*)", re.IGNORECASE)
_WH = re.compile(
    r"(?P<word>Who|What|Which|When|Where|How many|How much)\b(?P<noun>.*?)\b(?P<verb>will|is|are)\b (?P<rest>.+)"
)
_ODDS = re.compile(rf"(?P<what>Odds .+?) (?P<compared>(?:{_COMPARED}|hit) \d.*)", re.IGNORECASE)
_THRESHOLD = re.compile(rf"(?P<what>.+?) (?P<compared>(?:{_COMPARED}) .+)", re.IGNORECASE)
_OTHER_AUXILIARY = re.compile(
    r"(?P<verb>Did|Does|Do|Can|Could|Would|Should|Has|Have|Is|Are|Was|Were) (?P<rest>.+)", re.IGNORECASE
)
_PAIR = re.compile(r"(?P<first>[A-Z][\w.’' ]*?) x (?P<second>[A-Z][\w.’']*(?: [A-Z][\w.’']*)*?) (?P<what>.+)")
_PARENTHESIS = re.compile(r" ?\((?![-+\d])[^)]*\)")
_PREFIX = re.compile(r"(?:Fact Check|BREAKING|Poll): ", re.IGNORECASE)


def statement_of(question: str, *, outcome: str = "Yes", group_title: str = "") -> Statement:
    """The statement of one outcome of a market.

    `outcome` is the outcome's label where it is not a plain Yes: a team, "Over", "Up", or the answer to a question
    that asks who, what or when. `group_title` is the market's name within its event, the answer to such a question
    when the outcomes are Yes and No. An outcome "No" has statement and negation exchanged.
    """
    if outcome.strip().lower() == "no":
        yes = statement_of(question, group_title=group_title)
        return Statement(yes.negation, yes.text, yes.subject, yes.shape)
    answer = outcome.strip() if outcome.strip().lower() not in _YES else group_title.strip()
    asked = _cleaned(question)
    for rule in _RULES:
        if (found := rule(asked, answer)) is not None:
            return found
    return _quoted(asked, outcome.strip())


def _cleaned(question: str) -> str:
    text = " ".join(question.split()).translate({0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'})
    return _PREFIX.sub("", _PARENTHESIS.sub("", text)).rstrip("?. ").strip()


def _quoted(asked: str, outcome: str) -> Statement:
    answer = "yes" if outcome.lower() in _YES else outcome
    about = f'the question "{asked}?" is'
    return Statement(f"The answer to {about} {answer}.", f"The answer to {about} not {answer}.", asked, "quoted")


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _will(subject: str, predicate: str, shape: Shape, *, auxiliary: str = "will") -> Statement:
    """Subject, auxiliary and predicate, and the same with a not, or with the subject's opening turned around."""
    subject, predicate = subject.strip(), predicate.strip()
    text = _sentence(f"{subject} {auxiliary} {predicate}")
    for opening, opposite in _OPPOSITES:
        if subject.lower().startswith(f"{opening} ") or subject.lower() == opening:
            return Statement(
                text, _sentence(f"{opposite}{subject[len(opening) :]} {auxiliary} {predicate}"), subject, shape
            )
    if predicate.startswith("not "):
        return Statement(text, _sentence(f"{subject} {auxiliary} {predicate[4:]}"), subject, shape)
    negated = "cannot" if auxiliary == "can" else f"{auxiliary} not"
    return Statement(text, _sentence(f"{subject} {negated} {predicate}"), subject, shape)


def _there_will_be(what: str, shape: Shape) -> Statement:
    text = _sentence(f"There will be {what}")
    if what.startswith("no "):
        return Statement(text, _sentence(f"There will be {article(what[3:])}{what[3:]}"), what[3:], shape)
    bare = re.sub(r"^(?:an?|the|any) ", "", what)
    return Statement(text, _sentence(f"There will be no {re.sub('^another ', 'further ', bare)}"), bare, shape)


def _contest(asked: str, answer: str) -> Statement | None:
    """`A vs. B`, its parts and its lines."""
    if (match := _CONTEST.fullmatch(asked)) is None:
        return None
    first, second, line = match["first"], match["second"], match["line"] or ""
    match_name = f"{first} vs. {second}"
    if not line:
        part = _PART_WINNER.search(match["part"] or match["context"] or "")
        if match["part"] and part is None:
            return None
        winner, loser = (second, first) if _same(answer, second) else (first, second)
        if _same(answer, "draw"):
            return _will(match_name, "end in a draw", "contest")
        return _will(winner, f"win {part['part'].lower() + ' ' if part else ''}against {loser}", "contest")
    if line.lower().startswith("will "):
        words = line.split()[1:]
        split = verb_index(words)
        if split is None:
            return None
        inner = _will(_uncapitalised(" ".join(words[:split])), " ".join(words[split:]).lower(), "contest")
        return Statement(
            _sentence(f"{inner.text[:-1]} in {match_name}"),
            _sentence(f"{inner.negation[:-1]} in {match_name}"),
            match_name,
            "contest",
        )
    if scored := re.fullmatch(r"Both Teams to Score(?P<when>.*)", line, re.IGNORECASE):
        when = re.sub(r"^ in (?:the )?(?=\w)", " in the ", scored["when"].lower())
        return _will("both teams", f"score{when} in {match_name}", "contest")
    return _line(f"{match_name} {line}", answer)


def _line(asked: str, answer: str) -> Statement | None:
    """Totals and spreads."""
    if (match := _OVER_UNDER.fullmatch(asked)) is not None:
        what = re.sub(r" Total$", "", match["what"] or "")
        what = f"the total of {what}" if what else "the total"
        over, under = f"be over {match['line']}", f"be under {match['line']}"
        if _same(answer, "under"):
            over, under = under, over
        return Statement(_sentence(f"{what} will {over}"), _sentence(f"{what} will {under}"), what, "line")
    if (match := _SPREAD.fullmatch(asked)) is not None:
        points = match["points"]
        if points.startswith("-"):
            return _will(match["team"], f"win by more than {points[1:]}", "line")
        return Statement(
            _sentence(f"{match['team']} will win, or lose by less than {points[1:]}"),
            _sentence(f"{match['team']} will lose by more than {points[1:]}"),
            match["team"],
            "line",
        )
    return None


def _count(asked: str, answer: str) -> Statement | None:
    """`Player: 2+ goals`."""
    if (match := _COUNT.fullmatch(asked)) is None:
        return None
    who, what = match["who"], match["what"]
    return Statement(
        _sentence(f"{who} will have {match['least']} or more {what}"),
        _sentence(f"{who} will have fewer than {match['least']} {what}"),
        who,
        "count",
    )


def _direction(asked: str, answer: str) -> Statement | None:
    """`Bitcoin Up or Down - March 3`."""
    if (match := _DIRECTION.fullmatch(asked)) is None:
        return None
    rest = re.sub(r"^\s*-\s*", " on ", match["rest"])
    up, down = f"go up{rest}", f"go down{rest}"
    if _same(answer, "down"):
        up, down = down, up
    what = match["what"]
    return Statement(_sentence(f"{what} will {up}"), _sentence(f"{what} will {down}"), what, "direction")


def _wh_question(asked: str, answer: str) -> Statement | None:
    """`Who will win ...`, with the answer put in the place of the question word."""
    if not answer or (match := _WH.fullmatch(asked)) is None:
        return None
    word, noun, verb, rest = match["word"], match["noun"].strip(), match["verb"], match["rest"]
    if word in ("How many", "How much"):
        return _will(f"{answer} {noun}", rest, "wh", auxiliary=verb)
    words = rest.split()
    split = verb_index(words) if verb == "will" else None
    if word in ("When", "Where") and split is not None:
        placed = re.match(r"(?:by|on|in|at|before|after) ", answer, re.IGNORECASE)
        answer = answer[:1].lower() + answer[1:] if placed else f"in {answer}"
        return _will(" ".join(words[:split]), f"{' '.join(words[split:])} {answer}", "wh")
    if split is not None and words[split:] == ["be"]:  # what will the rate be
        return _will(" ".join(words[:split]), f"be {answer}", "wh")
    if split is not None and word == "What":  # what will he say
        return _will(" ".join(words[:split]), f"{words[split]} {answer} {' '.join(words[split + 1 :])}", "wh")
    if verb == "will" and is_base(words[0]):
        return _will(answer, rest, "wh")
    if verb != "will":
        return _will(answer, rest, "wh", auxiliary=verb)
    return None


def _will_question(asked: str, answer: str) -> Statement | None:
    """`Will SUBJECT VERB ...`."""
    if not asked.lower().startswith("will "):
        return None
    words = asked.split()[1:]
    if words[0].lower() == "there" and len(words) > 2 and words[1] == "be":
        return _there_will_be(" ".join(words[2:]), "will")
    split = verb_index(words)
    if split is None:
        return None
    predicate = [words[split].lower() if words[split].istitle() else words[split], *words[split + 1 :]]
    return _will(" ".join(words[:split]), " ".join(predicate), "will")


def _other_auxiliary(asked: str, answer: str) -> Statement | None:
    """`Did SUBJECT VERB ...`, `Is SUBJECT ...`."""
    if (match := _OTHER_AUXILIARY.fullmatch(asked)) is None:
        return None
    verb, words = match["verb"].lower(), match["rest"].split()
    if verb in ("is", "are", "was", "were", "has", "have"):
        split = next(
            (
                index
                for index, word in enumerate(words)
                if index and word.islower() and words[index - 1].lower() != "the"
            ),
            None,
        )
    else:
        split = verb_index(words)
    if split is None:
        return None
    subject, predicate = " ".join(words[:split]), " ".join(words[split:])
    asked_of = _will(subject, predicate, "will", auxiliary=verb)
    if verb != "did" or not is_base(words[split].lower()):
        return asked_of
    past = " ".join([past_of(words[split].lower()), *words[split + 1 :]])
    return Statement(_sentence(f"{subject} {past}"), asked_of.negation, subject, "will")


def _finite(asked: str, answer: str) -> Statement | None:
    """`Israel strikes Iran by Friday`: a headline with a verb in the present."""
    words = asked.split()
    for index in range(1, len(words)):
        word, before = words[index], words[index - 1]
        after = words[index + 1] if index + 1 < len(words) else ""
        if before.lower() in CONJUNCTIONS:
            return None  # what comes now is when, not what
        if not word.islower() or (before in NOT_BEFORE_VERBS - ADVERBS):
            continue
        base = base_of_finite(word)
        plural_subject = (
            is_base(word) and (before.endswith("s") or "and" in words[:index]) and after not in PREPOSITIONS
        )
        if base is None and not plural_subject:
            continue
        if base_of_finite(after) is not None or (base is not None and after != "by" and is_base(after)):
            continue  # "forces seize": the noun before the verb looks like one
        if base is not None and after in AFTER_NOUNS and not re.match(TIME, " ".join(words[index + 2 :])):
            continue  # "strikes on": a noun with its object
        if after in _COMPARED.split("|") and before.islower():
            continue  # "total orders above": a figure that is compared
        return _will(" ".join(words[:index]), " ".join([base or word, *words[index + 1 :]]), "finite")
    return None


def _state(asked: str, answer: str) -> Statement | None:
    """`X out by June`, `X arrested in 2025`, `X in jail`: a state that the subject will be in."""
    words = asked.split()
    for index in range(1, len(words)):
        word, before = words[index].lower(), words[index - 1]
        after = words[index + 1].lower() if index + 1 < len(words) else ""
        if before.lower() in CONJUNCTIONS:
            return None
        passive = after in AFTER_STATES and is_participle(word) and before not in NOT_BEFORE_VERBS
        placed = word in STATES or (word == "in" and after in ("jail", "prison"))
        if passive or placed:
            rest = " ".join([word, *words[index + 1 :]])
            return _will(" ".join(words[:index]), f"be {rest}", "state")
    return None


def _event(asked: str, answer: str) -> Statement | None:
    """`A x B ceasefire by June`, `Iran strike on Israel`: a thing that will happen."""
    if (match := _PAIR.fullmatch(asked)) is not None:
        head, rest = cut_time(_uncapitalised(match["what"], always=True))
        return _there_will_be(f"{article(head)}{head} between {match['first']} and {match['second']}{rest}", "event")
    head, rest = cut_time(asked)
    if not rest or ":" in head or len(head.split()) < 2:
        return None
    head = _uncapitalised(head)
    return _there_will_be(f"{article(head)}{head}{rest}", "event")


def _uncapitalised(phrase: str, *, always: bool = False) -> str:
    """A phrase as it stands inside a sentence; names keep their capitals."""
    first = phrase.split()[0].lower()
    plain = always or first in NOT_BEFORE_VERBS or first in ("major", "more", "strike", "total")
    return phrase[:1].lower() + phrase[1:] if plain else phrase


def _threshold(asked: str, answer: str) -> Statement | None:
    """`Total orders above 940M in Q1`."""
    if (match := _THRESHOLD.fullmatch(asked)) is None:
        return None
    return _will(match["what"], f"be {match['compared'][:1].lower()}{match['compared'][1:]}", "threshold")


def _odds(asked: str, answer: str) -> Statement | None:
    """`Odds of a ceasefire over 20% on Friday`: about a price, whatever it is the price of."""
    if (match := _ODDS.fullmatch(asked)) is None:
        return None
    compared = match["compared"]
    verb = "" if compared.startswith("hit") else "be "
    return _will(match["what"], f"{verb}{compared[:1].lower()}{compared[1:]}", "threshold")


def _same(answer: str, name: str) -> bool:
    return answer.strip().lower() == name.strip().lower()


_RULES: tuple[Callable[[str, str], Statement | None], ...] = (
    _contest,
    _line,
    _count,
    _direction,
    _odds,
    _wh_question,
    _will_question,
    _other_auxiliary,
    _finite,
    _state,
    _threshold,
    _event,
)
