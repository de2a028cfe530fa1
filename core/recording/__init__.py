"""Recordings of market data in files: what is in a row, and how files begin and end."""
