"""The page cursors of the data and catalogue services: an offset in URL-safe base64."""

from __future__ import annotations

import base64


def cursor_at(offset: int) -> str:
    """The cursor of the page that starts at `offset`."""
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def offset_of(cursor: str | None) -> int:
    """Where a page starts; 0 without a cursor. Raises ValueError for one that is not ours."""
    return max(int(base64.urlsafe_b64decode(cursor)), 0) if cursor else 0
