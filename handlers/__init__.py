"""Tools and their words: what the agent can call and how answers read."""
