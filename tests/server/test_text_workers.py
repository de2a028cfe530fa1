"""Models of language are loaded in workers: the server's process never has them, however it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ANALYSE_AND_TELL = """
import asyncio, json, sys
from mcp import Client
from polydesk.core.settings import load_settings
from polydesk.server.application import Application
from polydesk.server.build import build_server

async def main():
    settings = load_settings(mode="sandbox", state_dir=sys.argv[1], compute="cpu", nli_model="none")
    application = Application(settings)
    try:
        async with Client(build_server(application)) as client:
            result = await client.call_tool("polymarket_analyze_market", {
                "market_id": "will-there-be-no-change-in-fed-interest-rates-after-the-june-2026-meeting",
                "news": [{"title": "The chair of the Fed was charged with fraud"}],
            })
            print(json.dumps({"news": result.structured_content["news"], "modules": list(sys.modules)}))
    finally:
        await application.aclose()

asyncio.run(main())
"""


def test_an_analysis_with_news_leaves_the_servers_process_without_model_libraries(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra nlp is not installed")
    done = subprocess.run(
        [sys.executable, "-c", _ANALYSE_AND_TELL, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["news"][0]["sentiment_engine"] == "onnxruntime"
    heavy = {"torch", "transformers", "onnxruntime", "tokenizers", "huggingface_hub", "vaderSentiment", "numba"}
    assert heavy.isdisjoint(told["modules"])
