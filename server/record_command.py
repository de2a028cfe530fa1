"""`polydesk record`: writes books, trades, prices and news of markets down, for backtests and replays."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import ConfigurationError, PolymarketAPIError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.market_data.directory import MarketDirectory
    from ..core.market_data.recorder import Recorder
    from ..core.models import Market
    from ..core.news.news_source import NewsSource
    from ..core.recording.parts import Rotation
    from ..core.settings import Settings
    from .sites import Site

_MOST_MARKETS = 1_000
_MEGABYTE = 1_000_000
_GIGABYTE = 1_000_000_000


def add_record_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], modes: Sequence[str]) -> None:
    record = commands.add_parser("record", help="write books, trades, prices and news of markets down as Parquet")
    record.add_argument("markets", nargs="*", metavar="MARKET", help="by slug, id, token or page address; events too")
    record.add_argument("--query", help="also the open markets that a search for these words finds")
    record.add_argument("--top", type=int, default=0, metavar="N", help="also the N markets that traded most in a day")
    record.add_argument("--out", type=Path, metavar="DIR", help="where to (default: recordings in the state folder)")
    record.add_argument("--news", action="store_true", help="read the configured sources of news too")
    record.add_argument(
        "--rotate-minutes", type=float, default=15, metavar="M", help="most minutes of a file, and lost by a crash (15)"
    )
    record.add_argument("--rotate-mb", type=float, default=64, metavar="MB", help="most megabytes of a file (64)")
    record.add_argument("--keep-gb", type=float, metavar="GB", help="remove the oldest files beyond this")
    record.add_argument("--minutes", type=float, metavar="M", help="stop after so many (default: at Ctrl-C)")
    record.add_argument("--mode", choices=modes, default="live", help="whose markets; no key is used (default: live)")
    record.add_argument("--json", action="store_true", help="print what was recorded as JSON")
    record.set_defaults(run=_record)


def _record(options: argparse.Namespace) -> int:
    from ..core.recording.parts import Rotation
    from ..core.settings import load_settings

    if not (options.markets or options.query or options.top > 0):
        raise ConfigurationError("Name markets to record, or give --query or --top.")
    bounds = (options.rotate_minutes, options.rotate_mb, options.keep_gb, options.minutes)
    if not all(bound is None or bound > 0 for bound in bounds):
        raise ConfigurationError("Minutes, megabytes and gigabytes must be more than 0.")
    settings = load_settings(mode=options.mode)
    rotation = Rotation(
        every=timedelta(minutes=options.rotate_minutes),
        most_bytes=int(options.rotate_mb * _MEGABYTE),
        keep_bytes=None if options.keep_gb is None else int(options.keep_gb * _GIGABYTE),
    )
    return asyncio.run(_run(options, settings, rotation, options.out or settings.recordings_folder))


async def _run(options: argparse.Namespace, settings: Settings, rotation: Rotation, folder: Path) -> int:
    from ..core.market_data.directory import MarketDirectory
    from ..core.market_data.recorder import Recorder
    from ..core.recording.parts import PartWriter
    from .sites import open_reader

    async with AsyncExitStack() as opened:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        site = await open_reader(settings, opened)
        markets = await _chosen(MarketDirectory(site.public.gamma), options)
        sources = _sources(settings, site, opened) if options.news else []
        writer = opened.enter_context(PartWriter(folder, rotation))
        feed = await opened.enter_async_context(site.feed)
        recorder = await opened.enter_async_context(Recorder(feed, markets, writer, site.clock))
        print(f"Recording {len(markets)} markets to {folder}. Stop with Ctrl-C.", file=sys.stderr, flush=True)
        reading = asyncio.create_task(_read_news(sources, recorder, site))
        waits = [asyncio.create_task(stopped.wait()), asyncio.create_task(recorder.wait_failed())]
        await asyncio.wait(
            waits,
            timeout=None if options.minutes is None else options.minutes * 60,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in (*waits, reading):
            task.cancel()
        await asyncio.gather(*waits, reading, return_exceptions=True)
    _tell(recorder, writer.finished_files, writer.written_rows, folder, as_json=options.json)
    return 0 if recorder.failure is None else 1


def _tell(recorder: Recorder, files: int, rows: int, folder: Path, *, as_json: bool) -> None:
    told = {"folder": str(folder), "files": files, "rows": rows, **asdict(recorder.counts)}
    if as_json:
        print(json.dumps(told))
    else:
        print("\n".join(f"{name:8} {value}" for name, value in told.items()))
    if recorder.failure is not None:
        print(f"polydesk: the recording ended: {recorder.failure}", file=sys.stderr)


async def _chosen(directory: MarketDirectory, options: argparse.Namespace) -> list[Market]:
    """The open markets that are meant, each once. Raises what the catalogue raises, ConfigurationError for none."""
    found: dict[str, Market] = {}

    def take(markets: Sequence[Market]) -> None:
        found.update({market.condition_id: market for market in markets if not market.closed})

    for name in options.markets:
        try:
            take([(await directory.find(name)).market])
        except PolymarketAPIError:
            take((await directory.find_event(name)).markets)
    if options.query:
        answer = await directory.search(options.query, limit=50, page=1, status="active")
        take([market for event in answer.events for market in event.markets])
    if options.top > 0:
        cursor, wanted = None, min(options.top, _MOST_MARKETS)
        top: list[Market] = []
        while len(top) < wanted:
            page = await directory.listing(
                limit=min(wanted - len(top), 100),
                after_cursor=cursor,
                closed=False,
                order="volume24hr",
                ascending=False,
            )
            top += page.markets
            if (cursor := page.next_cursor) is None:
                break
        take(top)
    if not found:
        raise ConfigurationError("No open market is meant by that.")
    if len(found) > _MOST_MARKETS:
        raise ConfigurationError(f"These are {len(found)} markets; {_MOST_MARKETS} can be recorded at once.")
    return list(found.values())


def _sources(settings: Settings, site: Site, opened: AsyncExitStack) -> list[NewsSource]:
    from ..core.news.collection import news_settings, open_sources
    from ..core.news.web_fetching import FetchRules, WebFetcher
    from .newsroom import recorded_headlines

    if settings.news == "default" and site.recorded_on is not None:
        return [recorded_headlines(site.clock)]

    def fetcher(rules: FetchRules) -> WebFetcher:
        made = WebFetcher(rules)
        opened.push_async_callback(made.aclose)
        return made

    return open_sources(news_settings(settings.news), gamma=site.public.gamma, clock=site.clock, fetcher=fetcher)


async def _read_news(sources: Sequence[NewsSource], recorder: Recorder, site: Site) -> None:
    """Read every source from time to time; what fails is tried again the next time."""
    from ..core.news.collection import READ_AGAIN_AFTER

    while sources:
        for source in sources:
            try:
                recorder.take_news(await source.latest())
            except PolymarketAPIError as error:
                print(f"polydesk: {source.name}: {error.message}", file=sys.stderr)
        await site.clock.sleep(READ_AGAIN_AFTER.total_seconds())
