"""One desk, many doors: the process that holds a desk serves it, every other `polydesk serve` forwards to it."""
