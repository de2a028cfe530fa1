"""Where orders go: what the desk asks of a venue, and the one implementation."""
