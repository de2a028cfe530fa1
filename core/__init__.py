"""Markets and money: clients, models, exchange, risk and trading. Knows nothing of MCP."""
