"""The server's middleware that keeps secrets out of tool calls: none goes in by an argument, none comes out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from pydantic import BaseModel

from ..core.telemetry.redaction import SECRETS, TOKEN, redacted
from ..handlers.failures import Failure
from .registration import failed

_KEY = re.compile(r"(?<![0-9a-fA-F])(?:0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_WORD = re.compile(r"[a-z]+")
_PHRASE_WORDS = 12
_KEY_BITS = 256
_NAMES_A_SECRET = re.compile(r"private.?key|secret|mnemonic|seed.?phrase|passphrase|password", re.IGNORECASE)
_TAKES_IDS = re.compile(r"(_|^)ids?$|^markets?$|^event$|^query$|^one$|^other$")
"""Arguments that name orders and markets, whose hashes have a key's shape."""

_TAKES_NEWS = re.compile(r"^(title|text|url)$")
"""Arguments with words of the press, which quotes transactions and links to them."""

_CALLS_IT_A_KEY = re.compile(rf"\bkeys?\b|{_NAMES_A_SECRET.pattern}", re.IGNORECASE)

_REFUSAL = Failure(
    "secret_in_arguments",
    "An argument holds what looks like a private key or another secret. It was neither used nor written down, and "
    "nothing was sent. No tool takes keys: a person runs `polydesk keys import`. Whoever has read this conversation "
    "may know the secret now: if it is a real key, its money should move to a new wallet.",
    "no",
    "never",
)

Context = ServerRequestContext[Any, Any]


async def refuse_secrets(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Refuse calls that hold a secret before anything else sees them."""
    if ctx.method == "tools/call" and holds_secret((ctx.params or {}).get("arguments")):
        return failed(_REFUSAL)
    return await call_next(ctx)


async def guard_secrets(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Refuse calls that hold a secret, and mask known secrets in every answer and resource."""
    result = await refuse_secrets(ctx, call_next)
    return _masked_answer(result) if ctx.method in ("tools/call", "resources/read") else result


def holds_secret(arguments: Any, *, name: str = "") -> bool:
    """Whether any argument is a secret of this process or a recovery phrase, has a key's shape where no id is expected,
    or says that it is one.

    Hashes of orders and conditions have 0x before them; 64 digits without are a key, whatever the argument is for. News
    quotes transactions, so that a hash in a news text passes unless the text speaks of a key.
    """
    if isinstance(arguments, dict):
        return any(
            (_NAMES_A_SECRET.search(str(key)) is not None and value not in (None, ""))
            or holds_secret(str(key))
            or holds_secret(value, name=str(key))
            for key, value in arguments.items()
        )
    if isinstance(arguments, (list, tuple)):
        return any(holds_secret(each, name=name) for each in arguments)
    if not isinstance(arguments, str):
        return isinstance(arguments, int) and _is_known(arguments)
    if SECRETS.are_in(arguments) or TOKEN.search(arguments) or _holds_seed_phrase(arguments):
        return True
    keys = _KEY.findall(arguments)
    if not keys:
        return False
    hashes_belong = _TAKES_IDS.search(name) or (_TAKES_NEWS.search(name) and not _CALLS_IT_A_KEY.search(arguments))
    return not (hashes_belong and all(key.startswith("0x") for key in keys))


def _is_known(number: int) -> bool:
    """Whether a secret is written as this number, which none is that has more bits than a key."""
    return number.bit_length() <= _KEY_BITS and SECRETS.are_in(str(number))


def _holds_seed_phrase(text: str) -> bool:
    """Whether a dozen words in a row are of the list that recovery phrases are made of (BIP-39).

    Prose cannot be: the list leaves out articles and most prepositions.
    """
    words = _WORD.findall(text.lower())
    if len(words) < _PHRASE_WORDS:
        return False
    known = _recovery_words()
    run = 0
    for word in words:
        run = run + 1 if word in known else 0
        if run >= _PHRASE_WORDS:
            return True
    return False


@cache
def _recovery_words() -> frozenset[str]:
    spec = find_spec("eth_account")  # its list alone: loading the package takes a fifth of a second
    assert spec is not None
    assert spec.submodule_search_locations
    file = Path(spec.submodule_search_locations[0]) / "hdaccount" / "wordlist" / "english.txt"
    return frozenset(file.read_text(encoding="utf-8").split())


def _masked_answer(result: HandlerResult) -> HandlerResult:
    """The same answer where its text, which says all that its structure does, holds no secret.

    Failures are words, and words are also masked by shape. The SDK hands answers on as models or as what is sent.
    """
    sent = result.model_dump(by_alias=True, mode="json", exclude_none=True) if isinstance(result, BaseModel) else result
    if sent is None:
        return None
    shown = redacted if sent.get("isError") else SECRETS.masked
    texts = [each["text"] for each in (*sent.get("content", ()), *sent.get("contents", ())) if "text" in each]
    if texts and all(shown(text) == text for text in texts):
        return result
    return {name: _masked(value, shown) for name, value in sent.items()}


def _masked(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {key: _masked(each, shown) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, shown) for each in value]
    return value
