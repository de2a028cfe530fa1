"""Everything that knows Polymarket's wire: clients, signing and streams."""
