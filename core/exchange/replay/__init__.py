"""Recordings of the real venue, served again in its role."""
