"""The server on a network address: who may reach it, who may call what, and how often."""
