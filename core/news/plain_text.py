"""Text of strangers as plain words: without markup, invisible characters and look-alike forms."""

from __future__ import annotations

import html
import re
import unicodedata

from ..untrusted_text import quoted

_CUT_TAG = re.compile(r"<(?:/?[a-zA-Z!][^<>]*)?$")
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,2000}>")


def plain(text: str, *, most: int) -> str:
    """One line of at most `most` characters, without HTML. A megabyte costs no more than what is kept of it."""
    cut = _CUT_TAG.sub("", text[: most * 8])
    return quoted(html.unescape(_TAG.sub(" ", unicodedata.normalize("NFKC", cut))), most)
