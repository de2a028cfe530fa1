"""The tool that looks through all open markets."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ..core.untrusted_text import quoted
from .answer import Answer, When
from .arguments import Cursor, Limit, offset_of
from .context import Desk
from .progress import Progress
from .toolspec import Toolset, ToolSpec

Screen = Literal["news_edge", "sums", "momentum", "wide_spread", "closing_soon", "new"]
_ALL: tuple[Screen, ...] = ("news_edge", "sums", "momentum", "wide_spread", "closing_soon", "new")


class ScanLine(Answer):
    screen: str
    market: str
    question: str
    why: str


class ScanAnswer(Answer):
    as_of: When
    source: str
    recorded_on: str | None = None
    hits: list[ScanLine]
    found: dict[str, int]
    markets_scanned: int
    requests: int
    complete: bool
    next_cursor: str | None = None


async def scan_markets(
    desk: Desk,
    progress: Progress,
    screens: Annotated[
        list[Screen] | None,
        Field(max_length=6, description="Default all. sums: exclusive outcomes that sum wrongly after fees"),
    ] = None,
    words: Annotated[
        list[str] | None, Field(max_length=10, description="Any of them in title, tags or category, e.g. crypto")
    ] = None,
    min_volume_usd: Annotated[int, Field(ge=0, description="Least traded in 24 h")] = 1000,
    max_requests: Annotated[int, Field(ge=1, le=500, description="Most upstream requests")] = 200,
    limit: Limit = 8,
    cursor: Cursor | None = None,
) -> ScanAnswer:
    """Scan all open markets; each hit says why. Places to look, not advice."""
    from ..core.forecasting.scan import ScanCriteria

    criteria = ScanCriteria(
        screens=tuple(screen for screen in _ALL if screens is None or screen in screens),
        least_volume_usd=Decimal(min_volume_usd),
        words=tuple(words or ()),
        max_requests=max_requests,
    )
    skip = offset_of(cursor)
    scan = desk.scanner.kept(criteria) if cursor else await desk.scanner.scan(criteria, progress=progress)
    return ScanAnswer(
        as_of=scan.as_of,
        source=desk.source,
        recorded_on=desk.recorded,
        hits=[
            ScanLine(
                screen=hit.screen,
                market=hit.market.slug,
                question=quoted(hit.market.question, 90),
                why=hit.why,
            )
            for hit in scan.hits[skip : skip + limit]
        ],
        found={str(screen): count for screen, count in scan.counts.items()},
        markets_scanned=scan.markets,
        requests=scan.requests,
        complete=scan.complete,
        next_cursor=str(skip + limit) if skip + limit < len(scan.hits) else None,
    )


TOOLS = (ToolSpec("polymarket_scan_markets", Toolset.RESEARCH, "Scan markets", scan_markets),)
