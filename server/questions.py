"""Questions to a person at a terminal, or to whatever feeds the standard input in their place."""

from __future__ import annotations

import sys

from ..core.errors import ConfigurationError


def is_attended() -> bool:
    """Whether a person can be asked here. A server on stdio has a host at its input and nobody to ask."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask_hidden(question: str) -> str:
    """A text that is not shown while it is typed; a line of the input where that is no terminal.

    Raises ConfigurationError when the input ends.
    """
    if not is_attended():
        return ask(question)
    import getpass

    try:
        return getpass.getpass(question, stream=sys.stderr)
    except EOFError:
        raise ConfigurationError("Nothing was typed.") from None


def ask(question: str) -> str:
    """One line, without its end. Raises ConfigurationError when the input ends."""
    print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not is_attended():
        print(file=sys.stderr)
    if not line:
        raise ConfigurationError("The input ended before this was answered.")
    return line.rstrip("\r\n")


def agreed(question: str) -> bool:
    """Whether the whole word yes was typed."""
    return ask(f"{question} Type yes to do it: ").strip().lower() == "yes"
