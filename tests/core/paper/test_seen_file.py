"""What was seen of the market by when survives the process, or the desk says why it cannot go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.core.paper.seen_file import Seen, SeenFile


def test_what_was_seen_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "paper" / "seen.json"
    assert SeenFile(path).read() == Seen()
    seen = Seen(until_ms={"0xa": 5}, prices={"0xa": "0.5"}, ahead={"0x1": 7}, while_away=["t"])
    file = SeenFile(path)
    file.write(seen)
    written = path.stat().st_mtime_ns
    file.write(seen)
    assert path.stat().st_mtime_ns == written
    assert SeenFile(path).read() == seen


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"form": 99}', '{"form": 1, "surprise": 2}', '{"until_ms":'])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "seen.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"seen\.json cannot be used: .* It was left as it is"):
        SeenFile(path).read()
    assert path.read_text() == content


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"seen\.json cannot be written"):
        SeenFile(tmp_path / "file" / "seen.json").write(Seen())
