"""Writes docs/tools.md and the schemas of answers from the tools: `python -m polydesk.server.reference FILE`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

from mcp.server.mcpserver.tools import Tool

from ..core.settings import Mode
from ..handlers.catalogue import all_tools
from ..handlers.toolspec import Toolset
from .registration import DeskTool, build_tools
from .schemas import render_schemas

SCHEMAS = Path(__file__).with_name("answer_schemas.json")

_HEAD = """# Tools

What an agent sees, written from the tools themselves by `make docs`. Amounts are dollars, sizes are shares, prices are
dollars per share. `{MODE}` stands for the mode the server was started in. An argument without a default may be left
out unless it is marked as required.
"""


def render() -> str:
    """The whole page as Markdown."""
    tools = {tool.name: tool for tool in build_tools(all_tools(), Mode.SANDBOX)}
    parts = [_HEAD]
    for toolset in Toolset:
        parts.append(f"## {toolset.value.capitalize()}\n")
        for spec in all_tools():
            if spec.toolset is toolset:
                description = inspect.cleandoc(spec.function.__doc__ or "")
                parts.append(_section(spec.name, description, tools[spec.name], changes=spec.changes))
    return "\n".join(parts)


def _section(name: str, description: str, tool: Tool, *, changes: bool) -> str:
    lines = [f"### `{name}`\n", description, "", "Changes something." if changes else "Only reads.", ""]
    properties: dict[str, Any] = tool.parameters.get("properties", {})
    if properties:
        lines += ["| argument | type | default | meaning |", "|---|---|---|---|"]
        required = tool.parameters.get("required", [])
        for argument, schema in properties.items():
            default = "required" if argument in required else f"`{schema['default']}`" if "default" in schema else ""
            lines.append(f"| `{argument}` | {_type(schema)} | {default} | {schema.get('description', '')} |")
        lines.append("")
    assert isinstance(tool, DeskTool)
    answer = ", ".join(f"`{field}`" for field in tool.answers)
    lines += [f"Answers: {answer}.", ""]
    return "\n".join(lines)


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(branch) for branch in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("type", "any"))


def main(arguments: list[str]) -> int:
    SCHEMAS.write_text(render_schemas(all_tools()), encoding="utf-8")
    Path(arguments[0]).write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
