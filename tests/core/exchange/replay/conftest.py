"""A recorded minute in which Bitcoin fell, and exchanges that replay recordings step by step."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.exchange.replay.player import Player
from polydesk.core.exchange.replay.recording import Recording, read_recording
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange

RECORDINGS = Path(__file__).resolve().parents[3] / "recordings"


class Replayed:
    """An exchange that replays a recording, one moment when it is told to."""

    def __init__(self, recording: Recording, *, seed: int = 7) -> None:
        self.recording = recording
        self.clock = ManualClock(recording.catalogue.starts_at)
        rules = ExchangeSettings(simulated_traders=False, mined_after_s=0, confirmed_after_s=0, seed=seed)
        self.exchange = Exchange(recording.catalogue, rules, self.clock)
        self.player = Player(self.exchange, recording)

    async def step(self) -> bool:
        """Go to the next recorded time; False when there is none."""
        due_ms = self.player.next_ms
        if due_ms is None:
            return False
        await self.clock.advance((datetime.fromtimestamp(due_ms / 1000, UTC) - self.clock.now()).total_seconds())
        self.player.play_due()
        return True


@pytest.fixture(scope="session")
def fall() -> Recording:
    """From 0.78 to 0.38 in 71 seconds, a snapshot a second."""
    return read_recording([RECORDINGS / "btc_updown_15m" / "books.parquet"])


@pytest.fixture
def replayed(fall: Recording) -> Replayed:
    return Replayed(fall)


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes payloads, one a line, and names the file."""

    def write(*lines: Any, name: str = "frames.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        return path

    return write


@pytest.fixture
def make_replayed() -> Callable[..., Replayed]:
    return Replayed
