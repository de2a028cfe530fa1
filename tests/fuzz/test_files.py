"""Files that were damaged or made up: each is refused by name, none is run, and nothing else is raised."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polydesk.core.backtest.price_series import read_price_series
from polydesk.core.errors import PolymarketAPIError
from polydesk.core.exchange.replay.recording import read_recording
from polydesk.core.news.news_file import read_news
from polydesk.core.storage.database import Database
from polydesk.server.web.tokens import TokenFile

from .conftest import TRIED
from .json_values import ANY

pytestmark = pytest.mark.fuzz


def _open_database(path: Path) -> None:
    Database.at(path).close()


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "a desk's file": ("desk.sqlite3", _open_database),
    "tokens": ("tokens.json", lambda path: TokenFile(path).entries()),
    "news": ("news.jsonl", read_news),
    "a table of news": ("news.csv", read_news),
    "prices": ("prices.csv", read_price_series),
    "a recording": ("recording.jsonl", lambda path: read_recording([path])),
    "a recorded document": ("recording.json", lambda path: read_recording([path])),
}
_ROWS = st.lists(ANY, max_size=5).map(lambda rows: "\n".join(_dumped(row) for row in rows).encode())
_TABLE = st.lists(
    st.lists(
        st.sampled_from(["t", "market", "price", "title", "1770732017", "0.5", "nan", "-1", '"', "x" * 200]), max_size=5
    ),
    max_size=6,
).map(lambda rows: "\n".join(",".join(row) for row in rows).encode())


def _dumped(value: Any) -> str:
    try:
        return json.dumps(value)
    except ValueError:
        return str(value)


@pytest.mark.parametrize("what", list(READERS))
def test_a_file_is_read_or_refused_by_name(what: str, tmp_path: Path) -> None:
    name, read = READERS[what]

    @given(st.one_of(st.binary(max_size=300), _ROWS, _TABLE, st.just(b"SQLite format 3\x00" + b"\x00" * 200)))
    def attempt(content: bytes) -> None:
        TRIED["files"] += 1
        path = tmp_path / name
        for each in tmp_path.iterdir():
            each.unlink()
        path.write_bytes(content)
        path.chmod(0o600)
        try:
            read(path)
        except PolymarketAPIError as refused:
            assert refused.message

    attempt()
