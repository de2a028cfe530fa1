"""The example of a news host: it names no market, and an order on paper comes of it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

HOST = Path(__file__).resolve().parents[2] / "examples" / "ai_news_trader_host.py"


async def _told(*options: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HOST), "--json", *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), timeout=90)
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.takeover
async def test_of_fifty_headlines_three_matter_and_one_leads_to_a_paper_order() -> None:
    told = await _told()
    (matched,) = (each for each in told if each["step"] == "matched")
    assert (matched["counts"]["items"], matched["counts"]["matched"]) == (50, 3)
    written = [json.loads(line) for line in HOST.with_name("headlines.jsonl").read_text(encoding="utf-8").splitlines()]
    assert set(matched["titles"]) == {each["title"] for each in written if "own_views" in each}
    assert sum(each["step"] == "signal" for each in told) == 8
    order = told[-1]
    assert (order["step"], order["mode"], order["status"]) == ("order", "sandbox", "filled")
    assert order["market"].startswith("btc-updown")
    assert 0 < order["total"] <= 20


@pytest.mark.takeover
async def test_recorded_headlines_are_replayed_and_nothing_is_ordered(shared_data: Path) -> None:
    (replayed,) = await _told("--replay")
    assert (replayed["step"], replayed["headlines"]) == ("replayed", 600)
    assert any("fed" in market for market in replayed["markets"])
