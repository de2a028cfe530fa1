"""Series, related tags and comments of the catalogue service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from polydesk.core.exchange.catalogue import Catalogue

SERIES = {"id": "35", "slug": "weekly-things", "title": "Things", "recurrence": "weekly", "closed": False}


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    """The first two events belong to a series and share a tag."""
    shared = {"id": "7", "label": "Shared", "slug": "shared"}
    events: list[Any] = [
        {**event, "series": [SERIES], "tags": [*event["tags"], shared]} if event["id"] != "3" else event
        for event in catalogue.events
    ]
    return replace(catalogue, events=tuple(events))


async def get(http: httpx2.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get("/gamma" + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_series_names_its_events_unless_told_not_to(http: httpx2.AsyncClient) -> None:
    (series,) = await get(http, "/series")
    assert [event["id"] for event in series["events"]] == ["1", "2"]
    assert "markets" not in series["events"][0]
    assert await get(http, "/series/35") == series
    (slim,) = await get(http, "/series", exclude_events="true", slug="weekly-things")
    assert "events" not in slim
    assert await get(http, "/series", recurrence="daily") == []
    assert await get(http, "/series", closed="true") == []


async def test_tags_are_related_by_the_events_that_carry_both(http: httpx2.AsyncClient) -> None:
    related = await get(http, "/tags/7/related-tags")
    assert [(row["tagID"], row["relatedTagID"], row["rank"]) for row in related] == [(7, 101, 1), (7, 102, 2)]
    subjects = await get(http, "/tags/slug/shared/related-tags/tags")
    assert [tag["slug"] for tag in subjects] == ["topic-1", "topic-2"]
    assert await get(http, "/tags/103/related-tags") == []


@pytest.mark.parametrize("path", ["/series/36", "/tags/99/related-tags", "/tags/slug/none/related-tags/tags"])
async def test_what_is_not_there_is_404(http: httpx2.AsyncClient, path: str) -> None:
    answer = await http.get("/gamma" + path)
    assert (answer.status_code, answer.json()["type"]) == (404, "not found error")


async def test_comments_need_what_they_belong_to(http: httpx2.AsyncClient) -> None:
    assert await get(http, "/comments", parent_entity_type="Event", parent_entity_id="1") == []
    for query in ({}, {"parent_entity_type": "Event"}, {"parent_entity_type": "market", "parent_entity_id": "1"}):
        assert (await http.get("/gamma/comments", params=query)).status_code == 422
