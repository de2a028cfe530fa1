"""Paper trading: the embedded exchange, whose books follow the real venue's."""
