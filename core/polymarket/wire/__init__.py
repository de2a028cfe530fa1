"""Tolerant shapes of Polymarket's payloads and their conversion to the desk's models."""
