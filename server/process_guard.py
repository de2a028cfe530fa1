"""Makes sure that a process which holds keys leaves none behind, however it ends."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from contextlib import suppress
from types import TracebackType

from ..core.telemetry.redaction import redacted
from .logs import RedactingFormatter

_PR_SET_DUMPABLE = 4
"""Of Linux's <sys/prctl.h>."""


def guard_process() -> None:
    """No core dumps of this process and its children, and no secrets in what it says."""
    with suppress(ImportError, OSError, ValueError):  # Windows has none, and a limit may be out of our hands
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _stay_undumpable()
    sys.excepthook = _report
    # Whoever runs this within a process of theirs may have hooks of their own.
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _report_of_a_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _report_unraisable
    if logging.lastResort is not None:  # what commands without a log of their own say
        logging.lastResort.setFormatter(RedactingFormatter())


def _stay_undumpable() -> None:
    """On Linux also where dumps go to a program, to which the limit of their size does not apply.

    Nor can other processes of the same user read this one's memory then.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    print(redacted("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)


def _report_of_a_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        _report(failed.exc_type, failed.exc_value, failed.exc_traceback)


def _report_unraisable(failed: sys.UnraisableHookArgs) -> None:
    """What went wrong where nobody could be told, such as in a destructor; the object itself is not shown."""
    if failed.exc_value is not None:
        _report(failed.exc_type, failed.exc_value, failed.exc_traceback)
