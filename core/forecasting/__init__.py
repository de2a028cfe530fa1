"""What a market is worth, how sure one can be, and what that is worth after costs."""
