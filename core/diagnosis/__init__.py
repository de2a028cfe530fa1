"""Why an account cannot trade, in plain words: what was looked at, what was found, and what a person can do."""
