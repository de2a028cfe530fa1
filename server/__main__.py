"""`python -m polydesk.server` is the `polydesk` command."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
