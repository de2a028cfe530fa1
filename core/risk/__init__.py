"""What may be lost: limits that stop orders, and figures that say how far a position or a book can fall."""
