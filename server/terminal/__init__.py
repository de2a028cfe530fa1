"""For the person at a shell: what the desk does, on a screen or as JSON."""
