"""The dashboard: one live page about a desk, in a browser."""
