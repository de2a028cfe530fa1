"""Shared arrays: what is written, what is mapped, and what is left of them."""

from __future__ import annotations

import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from polydesk.gpu import shared_arrays
from polydesk.gpu.shared_arrays import Mappings, share


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shared_arrays, "_MEMORY", tmp_path)
    return tmp_path


async def test_an_array_is_mapped_once_and_only_the_latest_are_kept() -> None:
    mappings = Mappings()
    async with AsyncExitStack() as stack:
        shared = [await stack.enter_async_context(share(np.full(3, number))) for number in range(6)]
        first = mappings.array(shared[0])
        assert mappings.array(shared[0]) is first
        assert [mappings.array(each)[0] for each in shared] == list(range(6))
        assert mappings.array(shared[0]) is not first


async def test_without_files_in_memory_it_is_a_temporary_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shared_arrays, "_MEMORY", tmp_path / "none")
    async with share(np.arange(3)) as shared:
        assert Mappings().array(shared).tolist() == [0, 1, 2]
        assert not shared.path.startswith(str(tmp_path / "none"))


@pytest.mark.parametrize("array", [np.empty(0), np.array([{}])], ids=["empty", "objects"])
async def test_what_cannot_be_mapped_is_refused(array: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    with pytest.raises(TypeError, match="only arrays of numbers"):
        async with share(array):
            pass


@pytest.fixture
def dead_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        return gone.pid


async def test_what_a_killed_process_left_is_removed_by_the_next(place: Path, dead_pid: int) -> None:
    left, own = place / f"polydesk-arrays-{dead_pid}-x", place / "polydesk-arrays-1-x"
    left.mkdir()
    own.mkdir()
    async with share(np.arange(3)):
        assert not left.exists()
        assert own.exists()
