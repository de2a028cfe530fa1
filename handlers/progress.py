"""How a tool tells how far it has come, for hosts that asked to hear it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]
"""Takes the finished fraction, 0 to 1. A tool whose second parameter is `progress: Progress` is given one."""
