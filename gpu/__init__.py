"""Numeric work in separate processes. Knows arrays and seeds; nothing of markets, venues or MCP."""
