"""Where log lines go: one line each to stderr, because stdout belongs to the protocol, or into a file."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from ..core.telemetry.redaction import redacted

_FILE_BYTES, _FILES_KEPT = 1_000_000, 5


class RedactingFormatter(logging.Formatter):
    """Lines, tracebacks included, in which secrets are masked."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def configure_logging(level: str = "WARNING", *, file: Path | None = None) -> None:
    """Set the root logger up. Must run before the MCP server is built: the SDK then leaves logging alone.

    Without a terminal or a host to read them, lines go into `file`, which is kept small.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        from logging.handlers import RotatingFileHandler  # only a desk in the background needs it

        handler = RotatingFileHandler(file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Their info lines repeat every request, with addresses of accounts in the query.
    for noisy in ("httpx2", "httpcore2", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
