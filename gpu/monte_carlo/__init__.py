"""Distributions of profit and of prices for books of outcomes: simulated, and exact where they can be."""
