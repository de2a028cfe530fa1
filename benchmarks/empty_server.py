"""What a server of the same SDK costs at least: one without tools, or with `--tool` one that answers at once."""

from __future__ import annotations

import sys

from mcp.server import MCPServer


async def ping() -> str:
    """Answer at once."""
    return "pong"


if __name__ == "__main__":
    server = MCPServer("empty")
    if "--tool" in sys.argv:
        server.add_tool(ping)
    server.run("stdio")
