"""Forms of English words, by the dictionary that lemminflect carries."""

from __future__ import annotations

import functools

_BE_AND_HAVE = {"is": "be", "are": "be", "has": "have"}


@functools.lru_cache(maxsize=4096)
def is_base(word: str) -> bool:
    """Whether a word is the base form of a verb, whatever else it may be."""
    return word in _verbs(word)


@functools.lru_cache(maxsize=4096)
def base_of_finite(word: str) -> str | None:
    """The base of a third person singular such as `strikes`; None for anything else."""
    if word in _BE_AND_HAVE:
        return _BE_AND_HAVE[word]
    if not word.endswith("s") or word.endswith("ss"):
        return None
    return next((base for base in _verbs(word) if base != word), None)


@functools.lru_cache(maxsize=4096)
def is_participle(word: str) -> bool:
    """Whether a word is a past participle, such as `arrested` or `seen`, and not a base form."""
    from lemminflect import getInflection

    return any(base != word and word in getInflection(base, tag="VBN") for base in _verbs(word))


@functools.lru_cache(maxsize=4096)
def base_noun(word: str) -> str:
    """The singular of a noun in lower case; a word that is none as it is."""
    from lemminflect import getAllLemmas

    plain = word.lower()
    return next(iter(getAllLemmas(plain, upos="NOUN").get("NOUN", (plain,))), plain) if plain.isalpha() else plain


def past_of(base: str) -> str:
    """The past tense of a verb: `won` of `win`."""
    from lemminflect import getInflection

    return next(iter(getInflection(base, tag="VBD")), base)


def _verbs(word: str) -> tuple[str, ...]:
    """The verbs that a word is a form of."""
    from lemminflect import getAllLemmas  # loads a dictionary: only when a question is read

    if not word.isalpha():
        return ()
    return tuple(getAllLemmas(word, upos="VERB").get("VERB", ()))
