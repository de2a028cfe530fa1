"""Where log lines go: one line each to stderr, because stdout belongs to the protocol, or into a file."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ..core.telemetry.redaction import redacted
from ..core.telemetry.request import current_request

LogFormat = Literal["human", "json"]

_FILE_BYTES, _FILES_KEPT = 1_000_000, 5

_TELLS_TOO_MUCH = ("httpx2", "httpcore2", "hpack", "h2", "websockets", "uvicorn.access", "urllib3", "apprise")
"""Their lines repeat requests, with addresses of accounts in the query, headers and frames with credentials, or paths
of webhooks, which are secrets."""

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) != "\t"}
"""What would end a line or command a terminal, as it is then shown."""


class RedactingFormatter(logging.Formatter):
    """Lines, tracebacks included, in which secrets are masked; `%(call)s` is the id of the call they belong to.

    A message is one line whatever strangers have written into it.
    """

    def format(self, record: logging.LogRecord) -> str:
        request = current_request()
        record.call = f" [{request.request_id}]" if request else ""
        return redacted(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.translate(_ESCAPED)
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at` (UTC), `level`, `logger`, `message`, and where there are any `request`,
    `traceparent` and `error`, a traceback. Secrets are masked before they are quoted."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if (request := current_request()) is not None:
            told["request"] = request.request_id
            if request.traceparent is not None:
                told["traceparent"] = request.traceparent
        if record.exc_info:
            told["error"] = redacted(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False)


def configure_logging(level: str = "WARNING", *, form: LogFormat = "human", file: Path | None = None) -> None:
    """Set the root logger up. Must run before the MCP server is built: the SDK then leaves logging alone.

    Without a terminal or a host to read them, lines go into `file`, which is kept small.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        from logging.handlers import RotatingFileHandler  # only a desk in the background needs it

        handler = RotatingFileHandler(file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8")
    human = RedactingFormatter("%(asctime)s %(levelname)s %(name)s%(call)s: %(message)s")
    handler.setFormatter(JsonFormatter() if form == "json" else human)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TELLS_TOO_MUCH:
        logging.getLogger(name).setLevel(logging.WARNING)
