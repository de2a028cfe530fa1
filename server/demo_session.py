"""Calls tools for `polydesk demo`, and shows each call and its answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from mcp import Client
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


class DemoFailed(Exception):
    """A tool answered with an error, or with something the story cannot go on from."""


class Session:
    """Calls tools, shows each call and answer, and keeps the time."""

    def __init__(self, client: Client, console: Console, *, as_json: bool) -> None:
        self._client = client
        self._console = console
        self._as_json = as_json

    async def call(self, tool: str, *, quietly: bool = False, **arguments: Any) -> dict[str, Any]:
        """Call `polymarket_<tool>` and return its structured answer. Raises DemoFailed on a tool error.

        `quietly` for calls that are repeated until something has come true: JSON tells of those alone.
        """
        name = f"polymarket_{tool}"
        started = time.perf_counter()
        result = await self._client.call_tool(name, arguments)
        elapsed_ms = round((time.perf_counter() - started) * 1000)
        answer: dict[str, Any] = result.structured_content or {}
        if self._as_json:
            line = {"tool": name, "arguments": arguments, "ms": elapsed_ms, "error": result.is_error, "answer": answer}
            print(json.dumps(line, ensure_ascii=False), flush=True)
        elif not quietly:
            shown = json.dumps(arguments, ensure_ascii=False)
            self._console.print(
                Text.assemble(
                    ("→ ", "bold cyan"),
                    (name, "bold"),
                    (f"  {shown if len(shown) < 160 else shown[:157] + '…'}", "dim"),
                    (f"  {elapsed_ms} ms", "green"),
                )
            )
        if result.is_error:
            raise DemoFailed(f"{name} answered: {answer.get('message', 'an error')}")
        return answer

    def say(self, words: str) -> None:
        """A line of what the agent thinks."""
        if not self._as_json:
            self._console.print(Text(f"\n{words}", style="italic"))

    def show(self, *parts: Any) -> None:
        if not self._as_json:
            self._console.print(Group(*parts))


def panel(title: str, fields: Mapping[str, Any]) -> Panel:
    """Names and values in a frame."""
    grid = Table.grid(padding=(0, 2))
    for name, value in fields.items():
        shown = ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else str(value)
        grid.add_row(Text(name, style="cyan"), shown)
    return Panel(grid, title=title, title_align="left", border_style="dim")
