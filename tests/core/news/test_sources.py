"""Feeds, GDELT, files and comments as sources, and reading them into the store."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.models import NewsItem
from polydesk.core.news.collection import (
    DEFAULT_NEWS,
    NO_NEWS,
    READ_AGAIN_AFTER,
    NewsCollector,
    news_settings,
    open_sources,
)
from polydesk.core.news.comments import CommentSource
from polydesk.core.news.feeds import DEFAULT_FEEDS, Feed, FeedSource, parse_feed
from polydesk.core.news.gdelt import GdeltSource
from polydesk.core.news.item_store import NewsStore
from polydesk.core.news.news_file import ReplaySource, read_news
from polydesk.core.news.news_source import NewsSource, NewsSourceFailed
from polydesk.core.news.plain_text import plain
from polydesk.core.news.web_fetching import FetchRules, WebFetcher
from polydesk.core.polymarket.environments import environment_at
from polydesk.core.polymarket.gamma import GammaClient
from polydesk.core.polymarket.transport import Transport
from polydesk.core.storage.database import Database

from .conftest import OpenFetcher, Site

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Desk</title>
<item><title>Fed &amp;amp; rates: &lt;b&gt;no change&lt;/b&gt;</title><link>https://news.test/1?utm_source=rss</link>
<guid>one</guid><pubDate>Mon, 01 Jun 2026 08:00:00 -0400</pubDate>
<description>&lt;p&gt;It&#8217;s held.&lt;/p&gt;</description></item>
<item><title></title><link>https://news.test/2</link></item>
<item><title>Undated</title><link>https://news.test/3</link><pubDate>soon</pubDate></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry>
<title type="html">Spain &lt;i&gt;win&lt;/i&gt;</title>
<id>tag:a</id><link href="https://news.test/a"/><updated>2026-05-31T10:00:00Z</updated></entry></feed>"""


def test_rss_and_atom_become_plain_items_with_dates_in_utc() -> None:
    first, undated = parse_feed(RSS.encode(), "Desk")
    assert (first.title, first.text, first.id, first.source) == ("Fed & rates: no change", "It’s held.", "one", "Desk")
    assert first.published == NOW
    assert undated.published is None
    (entry,) = parse_feed(ATOM.encode(), "A")
    assert (entry.title, entry.url) == ("Spain win", "https://news.test/a")


@pytest.mark.parametrize("body", [b"", b"<html><body>Not a feed</body></html>", b"/etc/passwd", b"\xff\xfe\x00"])
def test_what_is_no_feed_is_told(body: bytes) -> None:
    with pytest.raises(NewsSourceFailed, match="sent no feed"):
        parse_feed(body, "Desk")


def test_whatever_the_parser_stumbles_over_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise AttributeError("no such dialect")

    monkeypatch.setattr("feedparser.parse", stumble)
    with pytest.raises(NewsSourceFailed, match="cannot be read: AttributeError"):
        parse_feed(RSS.encode(), "Desk")


def test_entities_that_would_grow_without_bound_do_not() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    body = bomb + "]>" + RSS.partition("?>")[2].replace("Undated", "&j;")
    items = parse_feed(body.encode(), "Desk")
    assert all(len(item.title) <= 500 for item in items)


def test_a_feed_of_nothing_but_markup_is_refused_before_it_takes_minutes() -> None:
    head = RSS.partition("<item>")[0]
    with pytest.raises(NewsSourceFailed, match="more markup than a feed has"):
        parse_feed(f"{head}<item><title>a</title><description>{'<b>' * 600_000}".encode(), "Desk")


def test_markup_that_is_cut_in_two_does_not_stay() -> None:
    assert plain("<b>" * 10_000, most=100) == ""
    assert plain("5 < 6 " + "x" * 10_000, most=20) == "5 < 6 xxxxxxxxxxxxx…"
    assert plain("&lt;b&gt;", most=20) == "<b>"


async def test_a_feed_is_asked_only_for_what_is_new(site: Site, fetcher: OpenFetcher) -> None:
    site.put("/rss", RSS, headers='ETag: "v1"\r\n')
    async with fetcher() as web:
        source = FeedSource(Feed("Desk", f"{site.url}/rss"), web)
        assert len(await source.latest()) == 2
        assert await source.latest() == ()
    assert "if-none-match" not in site.asked[0]
    assert 'if-none-match: "v1"' in site.asked[1]


async def test_gdelt_is_searched_by_plain_words(site: Site, fetcher: OpenFetcher) -> None:
    articles = [
        {"title": "Iran  closes Hormuz", "url": "https://a.test/x", "domain": "a.test", "seendate": "20260601T113000Z"},
        {"title": ""},
        "nonsense",
        {"title": "Undated", "seendate": "?"},
    ]
    path = "/doc?query=Strait+of+Hormuz+x+sourcelang%3Aenglish&mode=artlist&format=json&sort=datedesc"
    site.put(f"{path}&timespan=3d&maxrecords=75", json.dumps({"articles": articles}))
    async with fetcher() as web:
        source = GdeltSource(web, url=f"{site.url}/doc")
        assert await source.latest() == ()
        first, undated = await source.latest('Strait of "Hormuz" (x)')
    assert (first.title, first.source, first.published) == (
        "Iran closes Hormuz",
        "a.test",
        datetime(2026, 6, 1, 11, 30, tzinfo=UTC),
    )
    assert (undated.source, undated.published) == ("GDELT", None)


@pytest.mark.parametrize("answer", ["The specified phrase is too short.", '{"articles": 7}', "[" * 100_000])
async def test_a_query_that_gdelt_refuses_is_told(site: Site, fetcher: OpenFetcher, answer: str) -> None:
    path = "/?query=a+sourcelang%3Aenglish&mode=artlist&format=json&sort=datedesc&timespan=3d&maxrecords=75"
    site.put(path, answer)
    async with fetcher() as web:
        with pytest.raises(NewsSourceFailed, match="refused"):
            await GdeltSource(web, url=f"{site.url}/").latest("a")


async def test_a_file_is_replayed_by_when_its_items_were_first_seen(tmp_path: Path) -> None:
    file = tmp_path / "news.csv"
    file.write_text(
        "row,first_seen_utc,pub_utc,source,title,link\n"
        "1,2026-06-01T11:00:00Z,2026-05-01T00:00:00Z,Wire,Early,https://a.test/1\n"
        "2,2026-06-01T13:00:00Z,2026-05-01T00:00:00Z,Wire,Late title of an old page,https://a.test/2\n"
        "3,,,Wire,,\n"
    )
    clock = ManualClock(NOW)
    source = ReplaySource.of_file(file, clock)
    assert [item.title for item in await source.latest()] == ["Early"]
    await clock.advance(3600)
    late = (await source.latest())[1]
    assert (late.title, late.id, late.url) == ("Late title of an old page", "2", "https://a.test/2")
    assert (late.published, late.first_seen) == (datetime(2026, 5, 1, tzinfo=UTC), NOW + timedelta(hours=1))


def test_json_lines_are_read_gzipped_too_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    packed = tmp_path / "news.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"headline": "One", "published": "2026-06-01"}\n\n{"text": "no title"}\n'))
    (item,) = read_news(packed)
    assert (item.title, item.source, item.published) == ("One", "news.jsonl.gz", datetime(2026, 6, 1, tzinfo=UTC))
    for name, content in {"a.jsonl": "[1]", "b.jsonl": "{", "c.csv.gz": "plain"}.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(ConfigurationError, match=name):
            read_news(tmp_path / name)


def test_recorded_headlines_can_be_replayed(shared_data: Path) -> None:
    items = read_news(shared_data / "news" / "rss_headlines_2026-06-27_2026-07-31.csv.gz")
    assert len(items) > 3000
    assert all(item.first_seen and item.published for item in items)


async def test_comments_are_asked_of_the_venue_and_labelled() -> None:
    catalogue = load_catalogue()
    clock = ManualClock(catalogue.starts_at)
    exchange = Exchange(catalogue, ExchangeSettings(simulated_traders=False), clock)
    async with ExchangeServer(exchange) as server:
        environment = environment_at(
            "t",
            clob_url=server.clob_url,
            gamma_url=server.gamma_url,
            data_url=server.data_url,
            ws_url=server.ws_url,
            chain_id=31337,
        )
        async with Transport(environment, clock=clock, random=Random(1)) as transport:
            source = CommentSource(GammaClient(transport), ["101772"])
            assert source.name == "Polymarket comments"
            assert await source.latest() == []  # the recordings hold none
        async with Transport(environment, clock=clock, random=Random(1)) as transport:
            with pytest.raises(NewsSourceFailed, match="comments could not be read"):
                await CommentSource(GammaClient(transport), [""]).latest()


class Told:
    """A source of a host's own."""

    name = "host"

    def __init__(self, items: Sequence[NewsItem], *, fails: bool = False) -> None:
        self.items, self.fails, self.queries = items, fails, list[str]()

    async def latest(self, query: str = "") -> Sequence[NewsItem]:
        self.queries.append(query)
        if self.fails:
            raise NewsSourceFailed("out of order")
        return self.items


async def test_sources_are_read_into_the_store_and_one_that_fails_stops_none() -> None:
    clock = ManualClock(NOW)
    store = NewsStore(Database.in_memory())
    host, broken = Told([NewsItem("Fed holds rates", source="host")]), Told([], fails=True)
    broken.name = "broken"
    sources: list[NewsSource] = [host, broken]
    collector = NewsCollector(sources, store, clock)
    first = await collector.collect()
    assert (first.new_items, first.failures) == (1, {"broken": "out of order"})
    await collector.collect()
    await collector.collect("fed")
    assert host.queries == ["", "fed"]
    assert broken.queries == ["", "", "fed"]
    await clock.advance(READ_AGAIN_AFTER.total_seconds())
    assert (await collector.collect()).new_items == 0
    assert host.queries == ["", "fed", ""]
    assert [each.item.title for each in store.recent(since=NOW, until=clock.now(), most=5)] == ["Fed holds rates"]


async def test_while_a_long_list_is_stored_others_are_answered() -> None:
    store = NewsStore(Database.in_memory())
    long = Told([NewsItem(f"Story {number} of a long list", source="host", id=str(number)) for number in range(1000)])
    collecting = asyncio.create_task(NewsCollector([long], store, ManualClock(NOW)).collect())
    turns = 0
    while not collecting.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await collecting).new_items == 1000
    assert turns >= 10


def test_sources_are_chosen_by_a_word_or_a_file(tmp_path: Path) -> None:
    assert news_settings("default") is DEFAULT_NEWS
    assert news_settings("none") is NO_NEWS
    assert all(feed.url.startswith("https://") for feed in DEFAULT_FEEDS)
    file = tmp_path / "news.json"
    file.write_text(
        json.dumps(
            {
                "feeds": [{"name": "Mine", "url": "https://mine.test/rss"}],
                "files": ["old.csv"],
                "comments": ["101772"],
                "gdelt": True,
                "hosts": ["CDN.test"],
            }
        )
    )
    settings = news_settings(str(file))
    assert settings.files == (tmp_path / "old.csv",)
    rules: list[FetchRules] = []

    def opened(chosen: FetchRules) -> WebFetcher:
        rules.append(chosen)
        return WebFetcher(chosen)

    sources = open_sources(settings, gamma=None, clock=ManualClock(NOW), fetcher=opened)  # type: ignore[arg-type]
    assert [source.name for source in sources] == ["old.csv", "Mine", "GDELT", "Polymarket comments"]
    assert rules[0].hosts == {"mine.test", "cdn.test", "api.gdeltproject.org"}
    assert rules[0].schemes == {"https"}


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"feed": []}', '{"feeds": [{"name": "x"}]}', '{"files": [3]}', '{"feeds": 3}']
)
def test_a_file_of_sources_that_cannot_be_used_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "news.json"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"news\.json cannot be used"):
        news_settings(str(file))


def test_a_moment_of_first_sight_that_is_none_is_refused_and_unix_seconds_are_one(tmp_path: Path) -> None:
    file = tmp_path / "news.csv"
    file.write_text("title,first_seen,published\nOne,1780308000,2026-05-01\n")
    (item,) = read_news(file)
    assert item.first_seen == datetime(2026, 6, 1, 10, tzinfo=UTC)
    file.write_text("title,first_seen,published\nOne,last Monday,2026-05-01\n")
    with pytest.raises(ConfigurationError, match="last Monday"):
        read_news(file)
    cut_short = tmp_path / "news.jsonl.gz"
    cut_short.write_bytes(gzip.compress(b'{"title": "One"}\n' * 1000)[:-12])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_news(cut_short)
