"""Makes text written by strangers safe to hand to a model: visible, short, and clearly not an instruction."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_ROLES = r"system|assistant|user|human|tool|developer|instructions?|prompt"
_ROLE_TAG = re.compile(
    rf"<\s*/?\s*(?:{_ROLES})\b[^>]*>|<\|[^|<>]{{0,40}}\|>|\[/?(?:INST|SYS)\]|<</?SYS>>", re.IGNORECASE
)
_SPEAKER = re.compile(rf"(^|\n)[#*\s]*(?:{_ROLES})[*\s]*:", re.IGNORECASE)
"""A line that pretends that somebody else speaks from here on."""

_SCHEME = re.compile(r"\b(?:https?|ftp)://|\b(?:javascript|data|file):(?=\S)", re.IGNORECASE)
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn"}
_LONGEST = 20_000
"""Of any text in an answer; answers are cut by meaning long before."""


def quoted(text: str, most: int = 200) -> str:
    """One line of a stranger's, cut to `most` characters.

    Control and invisible characters, tags and lines that pretend to be somebody speaking go; links lose what would make
    a host show or follow them, and keep the words and the address.
    """
    text = _seen(text[: 50 * most])  # what is cut off in the end need not be cleaned
    text = _SPEAKER.sub(r"\1", _ROLE_TAG.sub(" ", text))
    if ":" in text:
        text = _SCHEME.sub("", text)
    text = _unlinked(text)
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def is_visible(document: str) -> bool:
    """Whether a JSON document surely holds nothing that `visible` would change: a look at it as a whole is cheap."""
    return (
        len(document) <= _LONGEST
        and document.isprintable()
        and not any(mark in document for mark in ("<", "](", "![", "\\u", "\\n"))
        and _ROLE_TAG.search(document) is None
    )


def visible(value: Any) -> Any:
    """JSON whose texts hold nothing invisible and no tag of a role, for whatever reached an answer without `quoted`."""
    if isinstance(value, str):
        shown = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
        if not shown.isprintable():
            shown = _seen(shown)
        return _unlinked(_ROLE_TAG.sub(" ", shown)) if "<" in shown or "[" in shown else shown
    if isinstance(value, dict):
        return {name: visible(each) for name, each in value.items()}
    if isinstance(value, list):
        return [visible(each) for each in value]
    return value


def _unlinked(text: str) -> str:
    """Brackets that no host takes for a link or an image any more."""
    return text.replace("](", "] (").replace("![", "[")


def _seen(text: str) -> str:
    """Without control and invisible characters, but for line breaks and blanks."""
    if text.isprintable():  # most text is, and needs no look at every character
        return text
    return "".join(
        character if character == "\n" else " " if character.isspace() else character
        for character in text
        if character.isspace() or unicodedata.category(character) not in _INVISIBLE
    )
