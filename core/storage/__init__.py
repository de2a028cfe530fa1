"""What the desk must not forget: its orders, its drafts and an account of every decision, in one SQLite file."""
