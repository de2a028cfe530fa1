"""Keeps secrets out of whatever is shown or written down: by their value where it is known, else by their shape.

A private key has the shape of an order's hash or a condition id, which must stay readable. So 32 bytes of hex are taken
for a secret only where they are a known one, or where the words before them say so.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import NoReturn

MASK = "<redacted>"

_SHORTEST = 16
"""Shorter texts would be found in words that are nobody's secret."""

_LEAST_VARIED = 4
"""Different characters of a secret: row upon row of zeros is none, and is in the hashes of others."""

_REMEMBERED = 256

TOKEN = re.compile(
    r"(?<![\w-])(?:pd_[A-Za-z0-9_-]{43}|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,})(?![A-Za-z0-9_-])"
)
"""What clients show to be let in: tokens that this program gave out, and JWTs. Other tools make no such texts."""

_SHAPES = (
    # Headers of the venue and of HTTP, as text, as a dictionary or as a list of pairs.
    (
        re.compile(
            r"(\b(?:poly[-_][a-z_-]+|relayer[-_]api[-_]key|(?:proxy-)?authorization)['\"]?\s*[:=,]\s*(?:b(?=['\"]))?['\"]?)"
            r"(?:(?:bearer|basic)\s+)?[^\s'\",;})\]]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            r"(\b(?:private[ _-]?key|(?:api[ _-]?)?secret|passphrase|password|mnemonic|signature|api[ _-]?key)"
            r"['\"]?\s*[:=]\s*(?:b(?=['\"]))?['\"]?)[^\s'\",;})\]]{12,}",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (TOKEN, MASK),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/-]{8,}=*", re.IGNORECASE), rf"\1 {MASK}"),
    # 65 bytes and more of hex are a signature; 43 characters and their padding an HMAC or an API secret.
    (re.compile(r"\b(?:0x)?[0-9a-fA-F]{130,}\b"), MASK),
    (re.compile(r"(?<![\w-])[\w-]{43}=(?![\w=])"), MASK),
)


class KnownSecrets:
    """The secrets that this process holds, so that they can be recognised anywhere. It cannot be printed or copied."""

    __slots__ = ("__pattern", "__texts")

    def __init__(self) -> None:
        self.__texts: OrderedDict[str, None] = OrderedDict()
        self.__pattern: re.Pattern[str] | None = None

    def __repr__(self) -> str:
        return f"KnownSecrets({MASK})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("known secrets cannot be copied or pickled")

    def learn(self, *texts: str) -> None:
        """Recognise these from now on, in any case; the latest are kept, what is too short or too plain never."""
        for text in texts:
            if len(text) >= _SHORTEST and len(set(text)) >= _LEAST_VARIED:
                self.__texts[text.lower()] = None
                self.__texts.move_to_end(text.lower())
                self.__pattern = None
        while len(self.__texts) > _REMEMBERED:
            self.__texts.popitem(last=False)

    def learn_key(self, private_key: str) -> None:
        """Recognise a private key, given in hex, in the ways it may be written."""
        digits = private_key.strip().lower().removeprefix("0x")
        self.learn(digits, str(int(digits, 16)))

    def are_in(self, text: str) -> bool:
        lower = text.lower()  # looking for each is a hundred times faster than one expression for all of them
        return any(secret in lower for secret in self.__texts)

    def masked(self, text: str) -> str:
        """The text without the secrets; nothing else in it changes."""
        return self.__compiled().sub(MASK, text) if self.are_in(text) else text

    def __compiled(self) -> re.Pattern[str]:
        if self.__pattern is None:
            longest_first = sorted(self.__texts, key=len, reverse=True)
            self.__pattern = re.compile("|".join(f"(?:0x)?{re.escape(text)}" for text in longest_first), re.IGNORECASE)
        return self.__pattern


SECRETS = KnownSecrets()
"""Those of this process."""


def redacted(text: str) -> str:
    """A text for logs and messages: known secrets, signatures, HMACs and credentials in headers are masked."""
    text = SECRETS.masked(text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text
