"""Private keys at rest: encrypted files, and where the passphrases that open them come from."""
