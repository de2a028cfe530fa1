"""A real server is scraped over HTTP: the page parses in both formats, follows what the desk does and opens none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from polydesk.server.metrics.catalogue import METRICS
from polydesk.server.web.tokens import TokenFile
from tests.support.processes import FED, SOURCE_COMMAND, Served, Transport, answer_of, environment, serving

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
_SETTINGS = {"POLYMARKET_SANDBOX_TRADERS": "false", "POLYMARKET_COMPUTE": "inline", "POLYMARKET_NLI_MODEL": "none"}


def metrics_url(served: Served) -> str:
    parts = urlsplit(served.url)
    return f"{parts.scheme}://{parts.netloc}/metrics"


def scraped(served: Served, *, accept: str = "", token: str = "") -> dict[str, Metric]:
    headers = ({"Accept": accept} if accept else {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = httpx2.get(metrics_url(served), headers=headers)
    assert answer.status_code == 200, answer.text
    parse = parse_openmetrics if "openmetrics" in answer.headers["content-type"] else parse_text
    assert ("openmetrics" in answer.headers["content-type"]) == bool(accept)
    return {family.name: family for family in parse(answer.text)}


def value(families: dict[str, Metric], sample: str, **labels: str) -> float:
    (found,) = [
        each.value
        for family in families.values()
        for each in family.samples
        if each.name == sample and labels.items() <= each.labels.items()
    ]
    return float(found)


@contextmanager
def a_server(transport: Transport, state: Path) -> Iterator[Served]:
    with serving(SOURCE_COMMAND, transport, environment(state, **_SETTINGS)) as served:
        yield served


@pytest.mark.parametrize("transport", ["http", pytest.param("sse", marks=pytest.mark.takeover)])
async def test_the_page_follows_an_order_of_the_same_server_and_opens_no_desk(
    transport: Transport, tmp_path: Path
) -> None:
    with a_server(transport, tmp_path) as served:
        before = scraped(served)
        assert value(before, "polydesk_up") == 1
        assert value(before, "polydesk_desk_open") == 0
        assert "polydesk_orders" not in before
        assert written_in(tmp_path) == []

        async with served.connect() as client:
            await answer_of(client, "place_order", market_id=FED, outcome="Yes", size=10)
            await answer_of(client, "get_orders")
            after = scraped(served, accept=OPENMETRICS)
            lint(httpx2.get(metrics_url(served)).text)
        assert value(after, "polydesk_desk_info", mode="sandbox") == 1
        assert value(after, "polydesk_orders", status="matched") == 1
        assert value(after, "polydesk_fills_total", side="BUY") >= 1
        assert value(after, "polydesk_fill_shares_total", side="BUY") == 10
        assert value(after, "polydesk_fill_dollars_total", side="BUY") == pytest.approx(9.81, abs=0.05)
        assert value(after, "polydesk_tool_call_seconds_count", tool="polymarket_place_order") == 1
        assert value(after, "polydesk_order_stage_seconds_count", stage="venue") == 1
        assert value(after, "polydesk_venue_request_seconds_count", route="POST clob /order") == 1
        assert value(after, "polydesk_circuit_state", host="clob", state="closed") == 1
        assert value(after, "polydesk_process_resident_memory_bytes", role="desk") > 10e6
        assert_the_catalogue_holds(after.values())
        text = scraped(served)
        assert {name for family in text.values() for name in names(family)} == {
            name for family in after.values() for name in names(family)
        }


def written_in(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]


def lint(page: str) -> None:
    """Prometheus' own checks of names, units and words, where they are installed."""
    if (promtool := shutil.which("promtool")) is not None:
        checked = subprocess.run([promtool, "check", "metrics"], input=page, text=True, capture_output=True)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def names(family: Metric) -> set[str]:
    return {sample.name for sample in family.samples}


def assert_the_catalogue_holds(families: Iterable[Metric]) -> None:
    """Whatever is on a page is declared, with its kind, its words and its labels."""
    for family in families:
        metric = METRICS[family.name]
        assert (family.type, family.documentation) == (metric.kind, metric.about)
        for sample in family.samples:
            assert sample.name in metric.sample_names
            assert set(sample.labels) - {"le"} == set(metric.labels), sample


@pytest.mark.takeover
async def test_behind_a_door_the_page_is_the_desk_s(tmp_path: Path) -> None:
    with a_server("http", tmp_path) as desk:
        async with desk.connect() as client:
            await answer_of(client, "get_market", markets=[FED])
        with a_server("http", tmp_path) as door:
            async with door.connect() as client:
                await answer_of(client, "get_market", markets=[FED])
            seen = scraped(door)
            assert value(seen, "polydesk_tool_call_seconds_count", tool="polymarket_get_market") == 2
            assert value(seen, "polydesk_desk_doors") == 1
            memory = {
                role: value(seen, "polydesk_process_resident_memory_bytes", role=role) for role in ("desk", "door")
            }
            assert memory["desk"] != memory["door"]


def test_only_reading_is_answered_and_nothing_below(tmp_path: Path) -> None:
    with a_server("http", tmp_path) as served:
        url = metrics_url(served)
        assert httpx2.post(url, json={}).status_code == 405
        assert httpx2.get(f"{url}/more").status_code == 404
        head = httpx2.head(url)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 100
        foreign = httpx2.get(url, headers={"Host": "rebound.example"})
        assert foreign.status_code in (403, 421)


def test_a_scrape_needs_a_token_that_may_read_operations(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    scraper, stranger = (file.add(name, [scope]) for name, scope in (("p", "operations:read"), ("t", "trading:write")))
    with a_server("http", tmp_path) as served:
        assert httpx2.get(metrics_url(served)).status_code == 401
        for token, status in (("pd_" + "x" * 43, 401), (stranger, 403), (scraper, 200)):
            answer = httpx2.get(metrics_url(served), headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status, answer.text
        assert value(scraped(served, token=scraper), "polydesk_up") == 1
