"""A small MCP host in the role of a news trader: it hands headlines in and trades, on paper, what comes back.

    python examples/ai_news_trader_host.py            fifty invented headlines, of which three matter
    python examples/ai_news_trader_host.py --replay   recorded ones, in the order in which they became known

It starts the server of mcp.json in the sandbox, names no market, and reads which ones the news is about. What its
own model would think of a headline stands beside it in headlines.jsonl (`own_views`: by a part of a market's name, the
log-odds towards its first outcome). With such a view the host asks for an analysis with a probability of its own, and
orders what that suggests. The desk's signals are shown; without a measured model of inference they suggest nothing.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import itertools
import json
import math
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters

ROOT = Path(__file__).resolve().parents[1]
HEADLINES = Path(__file__).with_name("headlines.jsonl")
RECORDED = ROOT.parent / "shared" / "data" / "news" / "rss_headlines_2026-06-27_2026-07-31.csv.gz"
_A_CALL = 100
_REPLAYED = 600
_LARGEST_ORDER_USD = 20.0


def server_of(configuration: Path, state: str) -> StdioServerParameters:
    """The server a host's configuration names, in the sandbox. Where its command is not installed, this interpreter."""
    (entry,) = json.loads(configuration.read_text(encoding="utf-8"))["mcpServers"].values()
    command, arguments = entry["command"], entry["args"]
    if shutil.which(command) is None:
        command, arguments = sys.executable, ["-m", "polydesk.server", "serve"]
    env = {**entry["env"], "POLYMARKET_MODE": "sandbox", "POLYMARKET_STATE_DIR": state}
    return StdioServerParameters(command=command, args=arguments, env=env)


class Trader:
    """Calls the server's tools and tells what came back, in words or as JSON lines."""

    def __init__(self, client: Client, *, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer. Raises RuntimeError with the server's words where it refuses."""
        result = await self._client.call_tool(f"polymarket_{tool}", arguments)
        answer: dict[str, Any] = result.structured_content or {}
        if result.is_error:
            raise RuntimeError(f"{tool}: {answer.get('message', 'failed')}")
        return answer

    def tell(self, step: str, words: str, **data: Any) -> None:
        print(json.dumps({"step": step, **data}, ensure_ascii=False) if self._as_json else words, flush=True)

    async def trade_on(self, headlines: list[dict[str, Any]]) -> None:
        """Hand the headlines in and order the best of what the host believes in."""
        items = [{key: each[key] for key in ("id", "title", "text", "source") if key in each} for each in headlines]
        found = await self.call("match_news", items=items, detail="full")
        self.tell(
            "matched",
            f"{found['counts']['items']} headlines handed in, {found['counts']['matched']} are about open markets:",
            counts=found["counts"],
            titles=[each["title_by_stranger"] for each in found["items"]],
        )
        about_markets = [each for each in found["items"] if each.get("matches")]  # the others repeat a story
        signals = found.get("signals", [])
        for each in about_markets:
            best = each["matches"][0]
            self.tell(
                "item",
                f"  {each['title_by_stranger']}\n    {best['market']}: {best['why']}; stance {best['stance']}",
                title=each["title_by_stranger"],
                market=best["market"],
                why=best["why"],
            )
        for signal in signals:
            self.tell(
                "signal",
                f"  signal {signal['verdict']}: {signal['market']}, worth {signal.get('fair_value')} at "
                f"{signal.get('bid')}/{signal.get('ask')}",
                **signal,
            )
        views = {each["title"]: each.get("own_views", {}) for each in headlines}
        for each in about_markets:
            for signal in signals:
                for part, shift in views.get(each["title_by_stranger"], {}).items():
                    if part in signal["market"] and await self._ordered(signal, shift):
                        return
        self.tell("no_order", "Nothing is worth its price, so nothing was ordered.")

    async def _ordered(self, signal: Mapping[str, Any], shift: float) -> bool:
        """Order in a market if the host's view of it leaves an edge after costs."""
        if "bid" not in signal or "ask" not in signal:
            return False
        market, middle = signal["market"], (signal["bid"] + signal["ask"]) / 2
        believed = round(1 / (1 + math.exp(-math.log(middle / (1 - middle)) - shift)), 4)
        analysis = await self.call("analyze_market", market_id=market, my_probability=believed)
        verdict, size = analysis["verdict"], analysis.get("size", {})
        self.tell("analysis", f"  I say {believed} for {market}: {verdict}", market=market, verdict=verdict)
        if not verdict.startswith("buy"):
            return False
        spend = round(min(size["dollars"], _LARGEST_ORDER_USD), 2)
        preview = await self.call("preview_order", market_id=market, outcome=size["outcome"], spend_usd=spend)
        placed = await self.call("place_order", draft_id=preview["draft_id"])
        told = {key: placed[key] for key in ("mode", "status", "filled", "total")}
        self.tell("order", f"  paper order of {size['outcome']}: {told}", market=market, **told)
        return True

    async def replay(self, headlines: Iterator[dict[str, Any]]) -> None:
        """Hand recorded headlines in as they became known, and count what they are about; nothing is ordered."""
        counts: Counter[str] = Counter()
        handed_in = 0
        while batch := list(itertools.islice(headlines, _A_CALL)):
            found = await self.call("match_news", items=batch, signals=False, detail="full")
            handed_in += len(batch)
            counts.update(match["market"] for each in found["items"] for match in each.get("matches", []))
        self.tell(
            "replayed",
            f"{handed_in} recorded headlines; markets they were most often about:\n"
            + "\n".join(f"  {number:4} {market}" for market, number in counts.most_common(5)),
            headlines=handed_in,
            markets=dict(counts.most_common(5)),
        )


def bundled() -> list[dict[str, Any]]:
    return [json.loads(line) for line in HEADLINES.read_text(encoding="utf-8").splitlines()]


def recorded() -> Iterator[dict[str, Any]]:
    """Headlines in the order of when they could first be read, which is not the order of the dates they bear."""
    with gzip.open(RECORDED, "rt", encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["first_seen_utc"])
    for row in rows[:_REPLAYED]:
        yield {"id": row["row"], "title": row["title"][:500], "source": row["source"], "url": row["link"]}


async def run(*, configuration: Path, replay: bool, as_json: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="news-trader-") as state:
        async with Client(server_of(configuration, state), read_timeout_seconds=60) as client:
            trader = Trader(client, as_json=as_json)
            await (trader.replay(recorded()) if replay else trader.trade_on(bundled()))


def main() -> int:
    parser = argparse.ArgumentParser(description="A news trader on the paper desk.")
    parser.add_argument("--config", type=Path, default=ROOT / "mcp.json", help="a host's configuration (mcp.json)")
    parser.add_argument("--replay", action="store_true", help="recorded headlines instead of invented ones")
    parser.add_argument("--json", action="store_true", help="JSON lines instead of words")
    options = parser.parse_args()
    if options.replay and not RECORDED.exists():
        print(f"No recorded headlines at {RECORDED}: nothing to replay.", file=sys.stderr)
        return 0
    anyio.run(lambda: run(configuration=options.config, replay=options.replay, as_json=options.json))
    return 0


if __name__ == "__main__":
    sys.exit(main())
