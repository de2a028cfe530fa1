"""Where the predicate of an English question begins, and the phrases around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .word_forms import base_noun, is_base

NOT_BEFORE_VERBS = frozenset(
    {"a", "an", "the", "this", "that", "these", "those", "its", "his", "her", "their", "our", "your", "any", "some"}
    | {"no", "another", "each", "every", "of", "in", "on", "at", "by", "to", "for", "from", "with", "against"}
    | {"between", "over", "under", "after", "before", "during", "first", "second", "third", "next", "last", "new"}
    | {"current", "former", "military", "diplomatic", "nuclear"}
)
"""A verb does not follow these: what looks like one after them is a noun."""

ADVERBS = frozenset(
    {"next", "again", "first", "ever", "still", "also", "officially", "publicly", "successfully", "not"}
)
_ORDINALS = frozenset({"first", "second", "third", "fourth", "last", "next"})
STATES = frozenset({"out", "back", "off", "alive", "dead", "free"})
AFTER_NOUNS = frozenset({"on", "in", "against", "at", "of", "from", "for"})
PREPOSITIONS = AFTER_NOUNS | {"with", "to"}
CONJUNCTIONS = frozenset({"before", "after", "until", "if", "when", "while", "unless", "than"})
AFTER_STATES = PREPOSITIONS | CONJUNCTIONS | {"by", "as", "during", "through", "today", ""}
TIME = (
    r"(?:the )?(?:(?:start|beginning|middle|end|week|month|first half|second half) of\b|(?:end|week|month|year|today)\b"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Satur|Sun)[a-z]*\b"
    r"|Q[1-4]\b|\d{1,2}(?:st|nd|rd|th)?\b|(?:19|20)\d\d\b|inauguration\b|(?:next|this) )"
)
_BEFORE_FIGURES = frozenset({"above", "below", "near", "at", "up", "down", "higher", "lower", "more", "less", "fewer"})


def verb_index(words: Sequence[str]) -> int | None:
    """Where the predicate of a question begins: the first word that can only be its verb, with adverbs before it.

    Names such as Bill and Mark, and nouns that look like verbs, are passed over: a verb is in lower case, does not
    follow an article, adjective or preposition, and is not followed by the verb proper. A question in title case has
    its first possible verb. None where no word will do.
    """
    for index in range(1, len(words)):
        word = words[index]
        if word in ("be", "have"):
            return _with_adverbs(words, index)
        if not word.islower() or not is_base(word) or _inside_a_noun(words, index):
            continue
        if _is_verb_proper(words, index + 1):
            continue
        return _with_adverbs(words, index)
    return next(
        (
            index
            for index in range(1, len(words))
            if is_base(words[index].lower()) and words[index - 1].lower() not in NOT_BEFORE_VERBS
        ),
        None,
    )


def _is_verb_proper(words: Sequence[str], index: int) -> bool:
    """Whether the word here is the verb, and the one before it only looks like one: "the rate cut happen".

    In "decrease interest rates" it is not: a noun follows, so that what is here begins the object.
    """
    word = words[index] if index < len(words) else ""
    if word in ("be", "have"):
        return True
    if not word.islower() or not is_base(word) or word in PREPOSITIONS | STATES | _ORDINALS:
        return False
    after = words[index + 1] if index + 1 < len(words) else ""
    return (
        not after.isalpha()
        or not after.islower()
        or after in NOT_BEFORE_VERBS | AFTER_STATES | _BEFORE_FIGURES
        or is_base(after)
    )


def _inside_a_noun(words: Sequence[str], index: int) -> bool:
    """Whether the word before opens or continues a noun, as in `the next strike`; "Party A" is none of these."""
    before = words[index - 1] if index > 1 else words[index - 1].lower()
    if before not in NOT_BEFORE_VERBS:
        return False
    return before not in ADVERBS or index < 2 or words[index - 2].lower() in NOT_BEFORE_VERBS


def _with_adverbs(words: Sequence[str], index: int) -> int:
    while index > 1 and words[index - 1].lower() in ADVERBS and words[index - 2].lower() not in NOT_BEFORE_VERBS:
        index -= 1
    return index


def article(phrase: str) -> str:
    """The indefinite article that a noun phrase needs: none before another determiner or for a plural."""
    words = phrase.split()
    head = next((words[index - 1] for index, word in enumerate(words) if index and word in AFTER_NOUNS), words[-1])
    if words[0].lower() in ("the", "a", "an", "another", "any", "more", "no") or base_noun(head) != head.lower():
        return ""
    return "an " if re.match(r"[aeio]|un(?!i)|up", words[0].lower()) else "a "


def cut_time(text: str) -> tuple[str, str]:
    """A phrase, and what it says of its time, from `by`, `before` or `in` on."""
    match = re.search(rf" (?:by|before|in|on|during|after|until|through|for)(?= {TIME})| before(?= )", text)
    return (text[: match.start()], text[match.start() :]) if match else (text, "")
