"""Makes text written by strangers safe to hand to a model: visible, short, and clearly not an instruction."""

from __future__ import annotations

import re
import unicodedata

_ROLE_TAG = re.compile(r"<\s*/?\s*(system|assistant|user|human|tool|instructions?|prompt)\b[^>]*>", re.IGNORECASE)
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn"}


def quoted(text: str, most: int = 200) -> str:
    """One line without control or invisible characters and role tags, cut to `most` characters."""
    if not text.isprintable():  # most text is, and needs no look at every character
        text = "".join(
            " " if character.isspace() else character
            for character in text
            if character.isspace() or unicodedata.category(character) not in _INVISIBLE
        )
    line = " ".join(_ROLE_TAG.sub(" ", text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
