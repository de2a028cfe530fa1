"""From the text of market frames to up-to-date books on one core, and the official SDK's reading of the same frames.

Ours decodes each frame and applies it to the books of all outcomes, checking the best prices that the venue tells. The
SDK only decodes and parses (it keeps no books), with the calls that its own stream makes, in its environment under
`.ci/cache/official-sdk` (made by its tests: `pytest -m sdk`). Where that is missing there is no ratio. The two run in
turns; each figure is the fastest round.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from polydesk.core.identifiers import TokenId
from polydesk.core.market_data.book_keeper import BookKeeper, RepairSettings
from polydesk.core.polymarket.wire.stream_decoding import decode_market_frame

from .market_frames import MarketFrames
from .registry import Result

_MARKETS = 250
_FRAMES = 50_000
_ROUNDS = 8
_SEED = 5
_NOW = datetime(2026, 9, 27, tzinfo=UTC)
_SDK_PYTHON = Path(__file__).parent.parent / ".ci" / "cache" / "official-sdk" / "bin" / "python"
_SDK_READS = """
import json, sys, time
from polymarket.models.clob.market_events import parse_market_event

frames = json.load(open(sys.argv[1], encoding="utf-8"))
started = time.perf_counter()
for frame in frames:
    content = json.loads(frame)
    for item in content if isinstance(content, list) else (content,):
        parse_market_event(item)
print(time.perf_counter() - started)
"""


def run() -> Result:
    source = MarketFrames(_MARKETS, seed=_SEED, trades=False)
    tokens = [TokenId(token) for token in source.tokens]
    opening = source.opening()
    frames = [frame for frame, _ in islice(source, _FRAMES)]
    ours: list[float] = []
    theirs: list[float] = []
    gaps: list[object] = []
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "frames.json"
        recorded.write_text(json.dumps(frames), encoding="utf-8")
        for _ in range(_ROUNDS):
            ours.append(_read(opening, frames, tokens, gaps))
            if _SDK_PYTHON.exists():
                theirs.append(_read_with_sdk(recorded))
    if gaps:
        raise RuntimeError(f"the books do not follow their frames: {gaps[0]}")
    measured = {"level changes per second, decoded and applied": source.level_changes / min(ours)}
    if theirs:
        measured["level changes per second, decoded and parsed by the SDK"] = source.level_changes / min(theirs)
    return Result(
        about=f"{_FRAMES:,} frames with {source.level_changes:,} level changes of {len(tokens)} outcomes, one core"
        + ("" if theirs else f"; no ratio, because there is no official SDK at {_SDK_PYTHON.parent.parent}"),
        ratios={"ours / official SDK": min(theirs) / min(ours)} if theirs else {},
        measured=measured,
    )


def _read(opening: str, frames: list[str], tokens: list[TokenId], gaps: list[object]) -> float:
    """Seconds for the frames; the opening books are there before the time runs."""
    keeper = BookKeeper(RepairSettings(), report=gaps.append)
    keeper.follow(tokens, _NOW)
    for event in decode_market_frame(opening, _NOW).events:
        keeper.apply(event, _NOW)
    started = time.perf_counter()
    for frame in frames:
        for event in decode_market_frame(frame, _NOW).events:
            keeper.apply(event, _NOW)
    return time.perf_counter() - started


def _read_with_sdk(recorded: Path) -> float:
    done = subprocess.run(
        [_SDK_PYTHON, "-c", _SDK_READS, recorded], stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    return float(done.stdout)
