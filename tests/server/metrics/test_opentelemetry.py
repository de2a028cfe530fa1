"""Where a host collects spans and metrics with OpenTelemetry, a tool call's span holds those of its venue calls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_RUN = """
import asyncio, json, sys
from pathlib import Path

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))

from mcp import Client
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server

FED = "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting"

async def main():
    settings = load_settings(
        mode="sandbox", state_dir=Path(sys.argv[1]), compute="inline", nli_model="none", sandbox_traders=False
    )
    application = Application(settings)
    try:
        async with Client(build_server(application)) as client:
            order = {"market_id": FED, "outcome": "Yes", "size": 10}
            assert not (await client.call_tool("polymarket_place_order", order)).is_error
            refused = await client.call_tool("polymarket_get_order_book", {"market_id": "no-such-market"})
            assert refused.is_error
        exported = json.loads(reader.get_metrics_data().to_json())
    finally:
        await application.aclose()
    found = [
        {
            "name": span.name,
            "id": span.context.span_id,
            "trace": span.context.trace_id,
            "parent": span.parent.span_id if span.parent else None,
            "kind": span.kind.name,
            "attributes": dict(span.attributes),
        }
        for span in spans.get_finished_spans()
    ]
    told = {
        each["name"]: [[point["attributes"], point["value"]] for point in each["data"]["data_points"]]
        for resource in exported["resource_metrics"]
        for scope in resource["scope_metrics"]
        for each in scope["metrics"]
    }
    print(json.dumps({"spans": found, "metrics": told}))

asyncio.run(main())
"""

_QUIET = """
import asyncio, sys
from pathlib import Path
from mcp import Client
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server

async def main():
    application = Application(load_settings(mode="sandbox", state_dir=Path(sys.argv[1]), compute="inline"))
    try:
        async with Client(build_server(application)) as client:
            await client.call_tool("polymarket_get_status", {})
    finally:
        await application.aclose()

asyncio.run(main())
unwanted = ("opentelemetry.sdk", "opentelemetry.metrics", "prometheus_client")
print([name for name in sys.modules if name.startswith(unwanted)])
"""


def _printed(code: str, state: Path) -> str:
    ran = subprocess.run([sys.executable, "-c", code, str(state)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_spans_of_tools_hold_those_of_the_venue_and_carry_the_call_s_id(tmp_path: Path) -> None:
    told = json.loads(_printed(_RUN, tmp_path))
    spans: list[dict[str, Any]] = told["spans"]
    by_name = {span["name"]: span for span in spans}
    placed = by_name["tools/call polymarket_place_order"]
    (sent,) = [span for span in spans if span["name"] == "POST clob /order"]
    assert (sent["parent"], sent["trace"], sent["kind"]) == (placed["id"], placed["trace"], "CLIENT")
    request = placed["attributes"]["polydesk.request_id"]
    assert sent["attributes"]["polydesk.request_id"] == request
    assert sent["attributes"]["http.request.method"] == "POST"
    assert sent["attributes"]["http.response.status_code"] == 200
    assert placed["attributes"]["polydesk.outcome"] == "ok"
    assert placed["attributes"]["polydesk.mode"] == "sandbox"
    looked = by_name["tools/call polymarket_get_order_book"]
    assert looked["attributes"]["polydesk.outcome"] == "unknown_market"
    assert looked["attributes"]["polydesk.request_id"] != request
    # The desk was opened by the first call, and what it does on its own account is no part of that.
    ids = {span["id"] for span in spans}
    for span in spans:
        assert span["parent"] is None or span["parent"] in ids, span
        if "polydesk.request_id" not in span["attributes"] and span["kind"] == "CLIENT":
            assert span["parent"] is None

    metrics: dict[str, Any] = told["metrics"]
    assert metrics["polydesk_desk_info"][0][0]["mode"] == "sandbox"
    assert [{"limit": "order"}, 250.0] in metrics["polydesk_limit_dollars"]
    assert "polydesk_trading_halted" in metrics


@pytest.mark.takeover
def test_where_nobody_collects_nothing_is_loaded(tmp_path: Path) -> None:
    assert _printed(_QUIET, tmp_path).strip() == "[]"
