"""A terminal for commands that only a person should run."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Callable, Iterator

import pytest

Terminal = Callable[[str], None]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Makes stdin a terminal; what it is called with is typed there."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs) as screen:
        monkeypatch.setattr(sys, "stdin", screen)

        def type_in(text: str) -> None:
            keyboard.write(text.encode())

        yield type_in
