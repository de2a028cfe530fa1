"""Makes sure that a process which holds keys leaves none behind, however it ends."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from types import TracebackType

from ..core.telemetry.redaction import redacted
from .logs import RedactingFormatter


def guard_process() -> None:
    """No core dumps of this process and its children, and no secrets in what it says."""
    with suppress(ImportError, OSError, ValueError):  # Windows has none, and a limit may be out of our hands
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.excepthook = _report
    if logging.lastResort is not None:  # what commands without a log of their own say
        logging.lastResort.setFormatter(RedactingFormatter())


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(redacted("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)
