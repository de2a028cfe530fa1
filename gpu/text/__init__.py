"""Models of language: what a text says about a target, and how it bears on a statement. Knows nothing of markets."""
