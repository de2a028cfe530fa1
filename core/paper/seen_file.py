"""What of the real market was seen by when, kept on disk, so that a desk that returns knows what it missed."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import ConfigurationError

_FORM = 1


@dataclass(slots=True)
class Seen:
    """By condition id: `until_ms`, up to when a market's trades were followed, and its last `prices` of the first
    outcome. By order id: `ahead`, the real size (millionths) before it, and `void`, why it was taken back.

    `while_away` are the ids of fills found afterwards; `not_comparable` says by account what cannot be made good.
    """

    until_ms: dict[str, int] = field(default_factory=dict)
    prices: dict[str, str] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    void: dict[str, str] = field(default_factory=dict)
    while_away: list[str] = field(default_factory=list)
    not_comparable: dict[str, list[str]] = field(default_factory=dict)


class SeenFile:
    """Reads and replaces the file. A process that dies while writing leaves the former one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""

    def read(self) -> Seen:
        """What was written last; nothing seen when there is no file. Raises ConfigurationError for a damaged one."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content.pop("form") != _FORM:
                raise ValueError("it was written by another version")
            return Seen(**content)
        except FileNotFoundError:
            return Seen()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{self._path} cannot be used: {error}. It was left as it is. Without it nobody knows since when the "
                "market was not followed; cancel the account's open orders and remove the file to go on."
            ) from error

    def write(self, seen: Seen) -> None:
        """Replace the file if anything has changed. Raises ConfigurationError when it cannot be written."""
        text = json.dumps({"form": _FORM, **asdict(seen)}, sort_keys=True)
        if text == self._written:
            return
        partial = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, self._path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror}.") from error
        self._written = text
